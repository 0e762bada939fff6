import type { Hub } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { readJson } from '../dialects/json-body.js'
import { limitLargeBodies } from '../dialects/large-bodies.js'
import type { Refusals } from '../dialects/wrong-credentials.js'
import type { PublicUrls } from '../http/public-urls.js'
import { lazyModule } from '../lazy.js'
import type { StreamSlots } from '../streams/stream-slots.js'
import { ChatFiles, type ChatPackage } from './chat-files.js'
import { sendError } from './errors.js'
import { fileRoutes, pageRoutes } from './file-routes.js'
import { VisitorLimits, type VisitorLimitsSettings } from './limits.js'
import { Origins } from './origins.js'
import { defineRoute } from './route.js'
import { conversationRoutes } from './routes/conversations.js'
import { eventRoutes } from './routes/events.js'
import { messageRoutes } from './routes/messages.js'
import { sessionRoutes } from './routes/sessions.js'
import { transcriptRoutes } from './routes/transcript.js'
import { uploadRoutes } from './routes/uploads.js'
import type { Scope } from './scope.js'
import { siteConfigJson, siteConfigSchema } from './site-config.js'
import { Sites } from './sites.js'
import { VisitorConversations } from './visitor-conversations.js'
import { VisitorTokens } from './visitor-tokens.js'
import { Visitors, type VisitorsOptions } from './visitors.js'

export interface WebChatOptions {
  hub: Hub
  refusals: Refusals
  /** Limits concurrent streams. */
  slots: StreamSlots
  urls: Pick<PublicUrls, 'base' | 'baseFor'>
  /** Signs the tokens of visitors. */
  tokenKey: Uint8Array
  settings: VisitorLimitsSettings & VisitorsOptions['settings']
  /** Imports the files of the chat. */
  loadChat?: () => Promise<ChatPackage>
}

/** 150 kB, as for the other APIs. */
const BODY_LIMIT_BYTES = 153_600

/** How long a page may show the configuration without asking, in seconds. */
const CONFIG_AGE_SECONDS = 60

const configQuery = z.strictObject({
  language: z.string().max(35).optional().describe('Of the greeting and of the labels, such as `pt-BR`.'),
})

/** The chat for web pages: the API for visitors as a plugin, registered under `/web/v1`. */
export async function webChat(app: FastifyInstance, options: WebChatOptions): Promise<void> {
  const { hub, refusals, urls, tokenKey, settings } = options
  const sites = new Sites(hub)
  const tokens = new VisitorTokens(tokenKey)
  const limits = new VisitorLimits(settings)
  const scope: Scope = {
    ...{ app, hub, sites, tokens, limits },
    origins: new Origins(urls),
    visitors: new Visitors({ hub, tokens, limits, refusals, settings }),
    conversations: new VisitorConversations(hub),
  }
  readJson(app, { bodyLimit: BODY_LIMIT_BYTES })
  app.decorateRequest('web', null)
  limitLargeBodies(app, (request) => request.web?.site.client.id)
  app.setErrorHandler(sendError)
  app.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ error: { code: 'NOT_FOUND', message: 'Not found' } }),
  )
  app.options<{ Params: { client: string } }>(
    '/:client/*',
    { schema: { hide: true } as object },
    async (request, reply) => scope.origins.preflight(await sites.get(request.params.client), request, reply),
  )
  defineRoute(scope, {
    isOpen: true,
    method: 'GET',
    path: '/config',
    operationId: 'webGetConfig',
    summary: 'How the chat looks, and what it asks and takes',
    query: configQuery,
    response: siteConfigSchema,
    handle: async ({ site, query, reply }) => {
      void reply.header('cache-control', `private, max-age=${CONFIG_AGE_SECONDS}`)
      return siteConfigJson(site.config, { ...query, maxBytes: hub.attachments.maxBytes })
    },
  })
  sessionRoutes(scope)
  conversationRoutes(scope)
  eventRoutes(scope, options.slots)
  messageRoutes(scope)
  uploadRoutes(scope)
  transcriptRoutes(scope)
  fileRoutes(app, { sites, urls, files: filesOf(options) })
}

/** The page with the chat alone, as a plugin; registered under `/chat`. */
export async function chatPages(
  app: FastifyInstance,
  options: Pick<WebChatOptions, 'hub' | 'urls' | 'loadChat'>,
): Promise<void> {
  pageRoutes(app, { sites: new Sites(options.hub), urls: options.urls, files: filesOf(options) })
}

const filesOf = ({ loadChat = installedChat }: Pick<WebChatOptions, 'loadChat'>): ChatFiles =>
  new ChatFiles(loadChat)

const installedChat = lazyModule((): Promise<ChatPackage> => import('@plugboard/webchat/assets'))
