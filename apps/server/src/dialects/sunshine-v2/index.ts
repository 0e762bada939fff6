import cors from '@fastify/cors'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance, FastifyRequest, FastifySchema } from 'fastify'
import { doubledPrefixFault } from '../../http/doubled-prefix.js'
import type { InternalPassword } from '../internal-password.js'
import { readJson } from '../json-body.js'
import { limitLargeBodies } from '../large-bodies.js'
import type { Refusals } from '../wrong-credentials.js'
import { Credentials } from './credentials.js'
import { notFound, notOffered, sendError, unsupportedMediaType } from './errors.js'
import type { Scope } from './route.js'
import { activityRoutes } from './routes/activities.js'
import { appKeyRoutes } from './routes/app-keys.js'
import { appRoutes } from './routes/apps.js'
import { attachmentRoutes } from './routes/attachments.js'
import { clientRoutes } from './routes/clients.js'
import { conversationRoutes } from './routes/conversations.js'
import { type DownloadOptions, downloadRoutes } from './routes/download.js'
import { integrationKeyRoutes } from './routes/integration-keys.js'
import { integrationRoutes } from './routes/integrations.js'
import { messageRoutes } from './routes/messages.js'
import { OAUTH, routesNotHere } from './routes/not-here.js'
import { participantRoutes } from './routes/participants.js'
import { userRoutes } from './routes/users.js'
import { webhookRoutes } from './routes/webhooks.js'

export interface SunshineV2Options {
  hub: Hub
  /** Where this server is called from outside; without a slash at its end. */
  base(): string
  /** For what messages only refer to. */
  download: DownloadOptions
  refusals: Refusals
  internal: InternalPassword
}

/** 100 kB, by the wire contract. */
const BODY_LIMIT_BYTES = 102_400

/** Path prefix of the hosted API. Accepted and ignored, because client base URLs may contain it. */
export const HOSTED_PREFIX = '/sc'

/** The Sunshine Conversations API v2 as a plugin; registered under `/v2`. */
export async function sunshineV2(app: FastifyInstance, options: SunshineV2Options): Promise<void> {
  const { hub, refusals, internal, base, download } = options
  const credentials = new Credentials(hub, refusals)
  readJson(app)
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body: Buffer, done) =>
    body.length === 0 ? done(null, {}) : done(unsupportedMediaType()),
  )
  app.setErrorHandler(sendError)
  app.setNotFoundHandler(({ url }) => {
    throw notFound(undefined, doubledPrefixFault(url, app.prefix))
  })
  app.decorateRequest('sunshine', null)
  limitLargeBodies(app, (request) => request.sunshine?.app?.id)
  internal.requireIn(app, refusals)
  // Pages of any origin may call it, as in the Messaging API.
  await app.register(cors, { origin: '*', methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] })
  const baseUrl = ({ originalUrl }: FastifyRequest): string =>
    `${base()}${originalUrl.startsWith(`${HOSTED_PREFIX}/`) ? HOSTED_PREFIX : ''}${app.prefix}`
  const scope: Scope = { app, hub, credentials, baseUrl }
  app.addHook('onRoute', (route) => {
    route.bodyLimit ??= BODY_LIMIT_BYTES
  })
  conversationRoutes(scope)
  participantRoutes(scope)
  messageRoutes(scope)
  activityRoutes(scope)
  userRoutes(scope)
  clientRoutes(scope)
  attachmentRoutes(scope)
  downloadRoutes(scope, download)
  appRoutes(scope)
  appKeyRoutes(scope)
  integrationRoutes(scope)
  integrationKeyRoutes(scope)
  webhookRoutes(scope)
  routesNotHere(scope)
}

/** Marketplace routes of the hosted service, registered under `/oauth`. */
export async function sunshineOauth(
  app: FastifyInstance,
  { refusals, internal }: Pick<SunshineV2Options, 'refusals' | 'internal'>,
): Promise<void> {
  readJson(app)
  app.setErrorHandler(sendError)
  internal.requireIn(app, refusals)
  for (const [operationId, method, url] of OAUTH.operations) {
    app.route({
      ...{ method, url },
      schema: { hide: true } as FastifySchema,
      handler: async () => {
        throw notOffered(operationId, OAUTH.why)
      },
    })
  }
}
