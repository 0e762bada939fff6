import type { FastifyInstance, FastifyReply, FastifySchema } from 'fastify'
import { compressed, encodingFor } from '../http/pages/asset-files.js'
import type { PublicUrls } from '../http/public-urls.js'
import { type ChatFiles, etagOf } from './chat-files.js'
import { chatPage, chatPolicy } from './chat-page.js'
import { languageFor } from './site-config.js'
import type { Sites } from './sites.js'

export interface FileRoutesOptions {
  sites: Sites
  files: ChatFiles
  urls: Pick<PublicUrls, 'base' | 'baseFor'>
}

/** How long the script may be shown without asking: a page gets a new version of the chat after that, in seconds. */
const LOADER_AGE_SECONDS = 60
const TEXT = 'text/plain; charset=utf-8'
const LOADER = /^(.+)\.js$/
const hidden = { schema: { hide: true } as FastifySchema }

/** For pages of any origin: the files hold nothing of anybody. */
const FOR_ALL = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }

const missing = (reply: FastifyReply): FastifyReply => reply.code(404).type(TEXT).send('Not Found')

/** Where a script was expected, browsers hide the status of anything else from who looks for the fault. */
const missingScript = (reply: FastifyReply): FastifyReply =>
  reply
    .code(404)
    .headers(FOR_ALL)
    .type('text/javascript; charset=utf-8')
    .send('// There is no client of this id or name with a web chat.\n')

/** Serves the script and the files of the chat, below `/web/v1`. */
export function fileRoutes(app: FastifyInstance, { sites, files, urls }: FileRoutesOptions): void {
  app.get<{ Params: { name: string } }>('/assets/:name', hidden, async (request, reply) => {
    void reply.headers(FOR_ALL)
    if (await files.assets.send(request.params.name, request, reply)) return reply
    return missing(reply)
  })

  app.get<{ Params: { script: string } }>('/:script', hidden, async (request, reply) => {
    const [, text] = LOADER.exec(request.params.script) ?? []
    const site = text === undefined ? undefined : await sites.find(text)
    if (!site || text === undefined) return missingScript(reply)
    const base = urls.baseFor(request.headers.host)
    const { chat } = await files.entries()
    const name = encodeURIComponent(text)
    const script = await files.loaderFor({
      server: base,
      client: text,
      chat: `${base}/web/v1/assets/${chat}`,
      page: `${base}/chat/${name}`,
    })
    const etag = etagOf(script)
    void reply.headers({
      ...FOR_ALL,
      'cache-control': `public, max-age=${LOADER_AGE_SECONDS}`,
      vary: 'Accept-Encoding',
      etag,
    })
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    void reply.type('text/javascript; charset=utf-8')
    const encoding = encodingFor(request.headers['accept-encoding'], ['gzip'])
    if (encoding === 'identity') return reply.send(script)
    return reply.header('content-encoding', encoding).send(await compressed(script))
  })
}

/** Serves the page that is nothing but the chat, at `/chat/:client`. */
export function pageRoutes(app: FastifyInstance, { sites, files, urls }: FileRoutesOptions): void {
  app.get<{ Params: { client: string }; Querystring: { language?: unknown } }>(
    '/:client',
    hidden,
    async (request, reply) => {
      const text = request.params.client
      const site = await sites.find(text)
      if (!site) return missing(reply)
      const { name, allowedOrigins } = site.config
      const { page, styles } = await files.entries()
      const { language } = request.query
      const wanted = typeof language === 'string' ? language : request.headers['accept-language']
      void reply.headers({
        'content-security-policy': chatPolicy(allowedOrigins, new URL(urls.base).origin),
        vary: 'accept-language',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'permissions-policy': 'camera=(), microphone=(), geolocation=(self)',
      })
      return reply.type('text/html; charset=utf-8').send(
        chatPage({
          ...{ name, server: urls.baseFor(request.headers.host), client: text, origins: allowedOrigins },
          ...{ language: languageFor(site.config, wanted), script: page, styles },
        }),
      )
    },
  )
}
