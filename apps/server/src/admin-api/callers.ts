import { PlugboardError } from '@plugboard/core'
import type { Hub, OperatorSession } from '@plugboard/hub'
import type { FastifyRequest } from 'fastify'
import type { AdminKeyCheck } from '../dialects/admin-key-check.js'
import type { Refusals } from '../dialects/wrong-credentials.js'
import type { PublicUrls } from '../http/public-urls.js'
import { type Actor, type AdminRole, includesRole, KEY_ACTOR } from './actor.js'
import { type Cookies, isFromOwnPage } from './sign-in/cookies.js'

export interface CallersOptions {
  hub: Hub
  access: AdminKeyCheck
  refusals: Refusals
  cookies: Cookies
  urls: Pick<PublicUrls, 'base'>
}

/** The caller, and the session if the caller is signed in. */
export interface Caller {
  actor: Actor
  session?: OperatorSession
}

const SAFE_METHODS: readonly string[] = ['GET', 'HEAD']

const notSignedIn = (): PlugboardError => new PlugboardError('UNAUTHORIZED', 'sign in, or send the admin key')

/** Finds out who makes a request. */
export class Callers {
  readonly #options: CallersOptions

  constructor(options: CallersOptions) {
    this.#options = options
  }

  /** @throws UNAUTHORIZED; RATE_LIMITED; FORBIDDEN if another page made the request */
  async identify(request: FastifyRequest): Promise<Caller> {
    const { access, refusals, cookies } = this.#options
    const key = keyOf(request)
    if (key !== undefined) {
      const isRight = access.mayAdminister(key)
      refusals.assertChosen(request, { name: 'admin key', isRight, code: 'UNAUTHORIZED' })
      return { actor: KEY_ACTOR }
    }
    const token = cookies.read(request, 'session')
    const caller = token === undefined ? undefined : await this.#ofSession(token)
    if (!caller) throw notSignedIn()
    if (!SAFE_METHODS.includes(request.method)) this.#assertOwnPage(request, caller.session)
    return caller
  }

  async #ofSession(token: string): Promise<(Caller & { session: OperatorSession }) | undefined> {
    const { hub } = this.#options
    const session = await hub.operatorSessions.use(token)
    if (!session) return undefined
    const { owner } = session
    if ('operatorId' in owner) {
      const operator = await hub.operators.find({ id: owner.operatorId })
      if (!operator) return undefined
      const { id, email, role } = operator
      return { session, actor: { kind: 'operator', id, name: email, role } }
    }
    const { clientId, role, linkId: id, name } = owner
    if (!(await hub.clients.find({ id: clientId })) || (await hub.endedSessions.find(id))) return undefined
    return { session, actor: { kind: 'tenant', id, name, role, clientId } }
  }

  /** Browsers send the cookie with whatever a page requests, so a change also needs what only the console knows. */
  #assertOwnPage(request: FastifyRequest, { id }: OperatorSession): void {
    const { cookies, urls } = this.#options
    if (!isFromOwnPage(request, urls, { otherwise: false }))
      throw new PlugboardError('FORBIDDEN', 'the request was made by a page of another site')
    if (!cookies.isCsrfToken(request.headers['x-csrf-token'], id))
      throw new PlugboardError('FORBIDDEN', 'the header "x-csrf-token" must be the token of the session')
  }
}

/** The admin key of a request: a bearer token, or in the header of the Messaging API. */
function keyOf({ headers }: FastifyRequest): unknown {
  const [, token] = /^bearer (.*)$/i.exec(headers.authorization ?? '') ?? []
  return token ?? headers['x-bp-messaging-admin-key']
}

/** @throws FORBIDDEN if the caller may not use a route */
export function assertMay(actor: Actor, { role, tenant }: { role: AdminRole; tenant: boolean }): void {
  if (actor.kind === 'tenant' && !tenant)
    throw new PlugboardError('FORBIDDEN', 'a link to one client does not allow this')
  if (!includesRole(actor.role, role))
    throw new PlugboardError('FORBIDDEN', `the role must be ${role}; yours is ${actor.role}`)
}
