import { isPlugboardError, PlugboardError } from '@plugboard/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { statusOf } from '../../http/errors/error-status.js'
import { plainPage } from '../../http/pages/plain-page.js'
import { FailureLimit } from '../../http/passwords/failure-limit.js'
import { networkOf } from '../../http/trusted-proxies.js'
import type { AdminDeps } from '../deps.js'
import { defineAdminRoute } from '../route.js'
import { FLOW_SECONDS } from '../sign-in/oidc.js'
import { operatorFor, WITH_OIDC } from '../sign-in/oidc-operators.js'

/** Sign-in with OpenID Connect: a browser goes through both routes. */
export function oidcRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub, config, urls, cookies, sessions, singleSignOn } = deps
  const consoleUrl = (): string => `${urls.base}/console/`
  /** Anybody can begin a sign-in, and each end of one asks the provider, which may refuse this server then. */
  const failures = new FailureLimit({ perMinute: config.rateLimit })

  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/oidc/start',
    operationId: 'adminStartOidc',
    tag: 'admin-access',
    summary: 'Go to the provider of OpenID Connect to sign in',
    role: 'anyone',
    tenant: false,
    query: z.strictObject({
      returnTo: z.string().max(1_000).default('').describe('Where to go afterwards, below the console'),
    }),
    responses: { 302: undefined },
    handle: async ({ query: { returnTo }, request, reply }) =>
      orPage(request, reply, async () => {
        assertConfigured()
        const { url, flow } = await singleSignOn.start(returnTo)
        cookies.set(reply, 'oidc', flow, new Date(Date.now() + FLOW_SECONDS * 1000))
        return reply.redirect(url.href)
      }),
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/oidc/callback',
    operationId: 'adminFinishOidc',
    tag: 'admin-access',
    summary: 'Come back from the provider of OpenID Connect: the answer sets the cookie of the session',
    role: 'anyone',
    tenant: false,
    // Providers add members of their own.
    query: z.looseObject({}),
    responses: { 302: undefined },
    handle: async ({ request, reply }) =>
      orPage(request, reply, async () => {
        assertConfigured()
        const sealed = cookies.read(request, 'oidc')
        cookies.clear(reply, 'oidc')
        const network = networkOf(request.ip)
        const retryAfterMs = failures.waitMs(network)
        if (retryAfterMs > 0) throw new PlugboardError('RATE_LIMITED', 'Too many attempts', { retryAfterMs })
        failures.failed(network)
        const identity = await singleSignOn.finish(searchOf(request), sealed)
        failures.forgive(network)
        const hasRoles = config.oidcRoles !== undefined
        const operator = await operatorFor(hub, identity, { hasRoles, request })
        await sessions.ofOperator(operator, request, reply, WITH_OIDC)
        return reply.redirect(placeOf(identity.returnTo))
      }),
  })

  /** @throws INVALID */
  function assertConfigured(): void {
    if (!singleSignOn.isConfigured)
      throw new PlugboardError('INVALID', 'there is no sign-in with OpenID Connect: OIDC_ISSUER is not set')
  }

  /** An address of the console, and of nothing else. */
  function placeOf(returnTo: string): string {
    const base = consoleUrl()
    const place = URL.canParse(returnTo, base) ? new URL(returnTo, base).href : base
    return place.startsWith(base) ? place : base
  }

  /** A browser shows what is answered here, so a failure is a page. */
  async function orPage(
    request: FastifyRequest,
    reply: FastifyReply,
    act: () => Promise<FastifyReply>,
  ): Promise<FastifyReply> {
    try {
      return await act()
    } catch (error) {
      if (!isPlugboardError(error)) throw error
      if (singleSignOn.isConfigured)
        request.log.warn({ err: error, reqId: request.id }, 'sign-in with OpenID Connect failed')
      const { headers, html } = plainPage({
        title: 'The sign-in failed',
        text: `${error.message}. (Request ${request.id})`,
        link: { text: 'Back to the console', href: consoleUrl() },
      })
      return reply.code(statusOf[error.code]).headers(headers).send(html)
    }
  }
}

const searchOf = ({ url }: FastifyRequest): string => {
  const start = url.indexOf('?')
  return start === -1 ? '' : url.slice(start)
}
