import cors from '@fastify/cors'
import type { Hub, PersonAccount, WithId } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { doubledPrefixFault } from '../../http/doubled-prefix.js'
import { Passwords } from '../../http/passwords/password-check.js'
import { GuestLimits } from '../guest-limits.js'
import type { InternalPassword } from '../internal-password.js'
import { readBodies } from '../json-body.js'
import { limitLargeBodies } from '../large-bodies.js'
import type { Refusals } from '../wrong-credentials.js'
import { Credentials, NoScheme } from './credentials.js'
import { BODY_LIMIT_BYTES, failure, sendError } from './errors.js'
import { Requests } from './requests.js'
import { authRoutes } from './routes/auth.js'
import { ownProjectRoutes } from './routes/projects.js'
import { requestRoutes } from './routes/requests.js'
import { subscriptionRoutes } from './routes/subscriptions.js'
import { ServerTokens } from './tokens.js'

export interface SmartifyOptions {
  hub: Hub
  refusals: Refusals
  internal: InternalPassword
  /** Signs the tokens of end users and of people. */
  tokenKey: Uint8Array
  settings: {
    /** Wrong passwords that one address may send in a minute; 0: any number. */
    rateLimit: number
    /** Wrong passwords that one account may have in an hour; 0: any number. */
    accountRateLimit: number
    /** How long tokens are good, in milliseconds. */
    guestTokenTtl: number
    accountTokenTtl: number
    /** Guests that one address may make in a minute; 0: any number. */
    guestRateLimit: number
    /** Messages that one guest may post in a minute; 0: any number. */
    guestMessageLimit: number
    /** Bytes of messages that one guest may post in a day; 0: any number. */
    guestDailySize: number
  }
}

/** The external-channel API of Smartify as a plugin; registered under `/api`. */
export async function smartify(
  app: FastifyInstance,
  { hub, refusals, internal, tokenKey, settings }: SmartifyOptions,
): Promise<void> {
  const { rateLimit: perMinute, accountRateLimit: perHour } = settings
  const tokens = new ServerTokens(tokenKey)
  const passwords = new Passwords<WithId<PersonAccount>>({
    holders: {
      find: (email) => hub.accounts.findPerson({ email }),
      know: ({ id }, change) =>
        hub.accounts.changePerson(id, (known) => ({
          ...known,
          knownNetworks: change(known.knownNetworks ?? []),
        })),
    },
    ...{ key: tokenKey, limits: { perMinute, perHour } },
  })
  const requests = new Requests(hub)
  const credentials = new Credentials({ hub, tokens, passwords, refusals })
  readBodies(app, BODY_LIMIT_BYTES)
  app.decorateRequest('smartify', null)
  limitLargeBodies(app, (request) => request.smartify?.project.id)
  app.setErrorHandler((error: Error, request, reply) =>
    error instanceof NoScheme
      ? reply.code(400).type('text/plain; charset=utf-8').send('Bad Request')
      : sendError(error, request, reply),
  )
  app.setNotFoundHandler(({ url }, reply) =>
    reply.code(404).send(failure(doubledPrefixFault(url, app.prefix) ?? 'Not found.')),
  )
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    exposedHeaders: ['x-hook-secret'],
    strictPreflight: false,
  })
  internal.requireIn(app, refusals)
  authRoutes(app, { hub, credentials, passwords, refusals, requests, tokens, settings })
  ownProjectRoutes(app, hub, credentials)
  const limits = new GuestLimits({
    messagesPerMinute: settings.guestMessageLimit,
    bytesPerDay: settings.guestDailySize,
  })
  requestRoutes(app, { hub, credentials, requests, limits })
  subscriptionRoutes(app, hub, credentials)
}
