import cors from '@fastify/cors'
import { PlugboardError } from '@plugboard/core'
import type { Hub } from '@plugboard/hub'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { doubledPrefixFault } from '../../http/doubled-prefix.js'
import type { StreamSlots } from '../../streams/stream-slots.js'
import { AdminKeyCheck, type AdminSettings } from '../admin-key-check.js'
import type { InternalPassword } from '../internal-password.js'
import { readBodies } from '../json-body.js'
import { limitLargeBodies } from '../large-bodies.js'
import type { Refusals } from '../wrong-credentials.js'
import { Credentials, credentialsOf } from './credentials.js'
import { sendError, sendErrorToOperator } from './errors.js'
import { adminRoutes } from './routes/admin.js'
import { clientRoutes } from './routes/clients.js'
import { conversationRoutes } from './routes/conversations.js'
import { deliveryRoutes } from './routes/deliveries.js'
import { endpointRoutes } from './routes/endpoints.js'
import { eventRoutes } from './routes/events.js'
import { messageRoutes } from './routes/messages.js'
import { pullRoutes } from './routes/pull.js'
import { syncRoutes } from './routes/sync.js'
import { userRoutes } from './routes/users.js'
import { StreamAccess } from './stream-access.js'

export interface MessagingV1Options {
  hub: Hub
  refusals: Refusals
  internal: InternalPassword
  slots: StreamSlots
  settings: AdminSettings & {}
}

/** The Messaging API v1 as a plugin; registered under `/api/v1`. */
export async function messagingV1(
  app: FastifyInstance,
  { hub, refusals, internal, slots, settings }: MessagingV1Options,
): Promise<void> {
  const access = new AdminKeyCheck(settings)
  const credentials = new Credentials(hub, refusals)
  readBodies(app)
  app.setErrorHandler(sendError)
  app.decorateRequest('client', null)
  internal.requireIn(app, refusals)

  // Also if this prefix starts with the prefix of another dialect.
  app.setNotFoundHandler(({ url }, reply) => {
    const fault = doubledPrefixFault(url, app.prefix)
    if (fault !== undefined) return reply.code(404).type('text/plain; charset=utf-8').send(fault)
    throw new PlugboardError('NOT_FOUND', 'Not Found')
  })

  await app.register(async (scope) => {
    scope.setErrorHandler(sendErrorToOperator)
    scope.addHook('onRequest', async (request) => {
      const isRight = access.mayAdminister(request.headers['x-bp-messaging-admin-key'])
      refusals.assertChosen(request, { name: 'admin key', isRight, code: 'UNAUTHORIZED' })
    })
    adminRoutes(scope, hub)
    refusePreflight(scope, '/admin/*')
  })
  await app.register(async (scope) => {
    scope.addHook('onRequest', async (request) => {
      if (credentialsOf(request)) await credentials.require(request)
    })
    syncRoutes(scope, { hub, credentials, access, refusals })
    refusePreflight(scope, '/sync')
  })
  await app.register(async (scope) => {
    // Pages of any origin may call what is behind a client's token, and nothing else.
    await scope.register(cors, { origin: '*', methods: ['GET', 'POST', 'DELETE'] })
    const streams = { hub, slots, access: new StreamAccess(hub, credentials, refusals) }
    await scope.register(async (behindToken) => {
      behindToken.addHook('onRequest', (request, _, done) => {
        request.client = credentials.recall(request) ?? null
        if (request.client) return done()
        credentials.require(request).then((client) => {
          request.client = client
          done()
        }, done)
      })
      limitLargeBodies(behindToken, (request) => request.client?.id)
      clientRoutes(behindToken, hub)
      userRoutes(behindToken, hub)
      conversationRoutes(behindToken, hub)
      messageRoutes(behindToken, hub)
      deliveryRoutes(behindToken, hub)
      endpointRoutes(behindToken, hub)
      pullRoutes(behindToken, streams)
    })
    eventRoutes(scope, streams)
  })
}

/** The preflight route of the open scope would answer for these as well. */
function refusePreflight(app: FastifyInstance, url: string): void {
  app.options(url, { schema: { hide: true } as FastifySchema }, async () => {
    throw new PlugboardError('NOT_FOUND', 'Not Found')
  })
}
