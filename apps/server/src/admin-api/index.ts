import { PlugboardError } from '@plugboard/core'
import type { Operator } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { AdminKeyCheck } from '../dialects/admin-key-check.js'
import { readJson } from '../dialects/json-body.js'
import { Passwords } from '../http/passwords/password-check.js'
import { ActionLimits } from './action-limits.js'
import { Callers } from './callers.js'
import type { AdminDeps, AdminOptions } from './deps.js'
import { sendError } from './errors.js'
import { OutboundLimits } from './outbound-limits.js'
import { auditRoutes } from './routes/audit.js'
import { channelRoutes } from './routes/channels.js'
import { clientRoutes } from './routes/clients.js'
import { conversationRoutes } from './routes/conversations.js'
import { jobRoutes } from './routes/dead-letter-jobs.js'
import { deliveryRoutes } from './routes/deliveries.js'
import { eventRoutes } from './routes/events.js'
import { integrationRoutes } from './routes/integrations.js'
import { keyRoutes } from './routes/keys.js'
import { linkRoutes } from './routes/links.js'
import { oidcRoutes } from './routes/oidc.js'
import { operatorRoutes } from './routes/operators.js'
import { overviewRoutes } from './routes/overview.js'
import { ownerRoutes } from './routes/owners.js'
import { peopleRoutes } from './routes/people.js'
import { sessionRoutes } from './routes/session.js'
import { settingsRoutes } from './routes/settings.js'
import { targetRoutes } from './routes/targets.js'
import { timelineRoutes } from './routes/timeline.js'
import { Cookies } from './sign-in/cookies.js'
import { SingleSignOn } from './sign-in/oidc.js'
import { Sessions } from './sign-in/sessions.js'

/** The admin API as a plugin; registered under `/admin/v1`. */
export async function adminV1(app: FastifyInstance, options: AdminOptions): Promise<void> {
  const { hub, refusals, urls, config, adminKey, sessionKey: key } = options
  const access = new AdminKeyCheck({ ...config, adminKey })
  const cookies = new Cookies({ urls, key })
  const { rateLimit: perMinute, accountRateLimit: perHour } = config
  const passwords = new Passwords<Operator>({
    holders: {
      find: (email) => hub.operators.find({ email }),
      know: ({ id }, change) =>
        hub.operators.change(id, (known) => ({ ...known, knownNetworks: change(known.knownNetworks ?? []) })),
    },
    ...{ key, limits: { perMinute, perHour } },
  })
  const callers = new Callers({ hub, refusals, access, cookies, urls })
  const actionLimits = new ActionLimits()
  const sessions = new Sessions(hub, cookies, actionLimits)
  const singleSignOn = new SingleSignOn({ config, urls, key })
  const outboundLimits = new OutboundLimits()
  const deps: AdminDeps = {
    ...{ ...options, callers, cookies, sessions, passwords, singleSignOn, outboundLimits, actionLimits },
  }
  readJson(app)
  app.decorateRequest('actor', null)
  app.decorateRequest('operatorSession', null)
  app.decorateRequest('adminClient', null)
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(() => {
    throw new PlugboardError('NOT_FOUND', 'no such route')
  })
  sessionRoutes(app, deps)
  oidcRoutes(app, deps)
  operatorRoutes(app, deps)
  linkRoutes(app, deps)
  auditRoutes(app, deps)
  overviewRoutes(app, deps)
  settingsRoutes(app, deps)
  clientRoutes(app, deps)
  channelRoutes(app, deps)
  integrationRoutes(app, deps)
  conversationRoutes(app, deps)
  deliveryRoutes(app, deps)
  jobRoutes(app, deps)
  eventRoutes(app, deps)
  keyRoutes(app, deps)
  ownerRoutes(app, deps)
  peopleRoutes(app, deps)
  timelineRoutes(app, deps)
  targetRoutes(app, deps)
}
