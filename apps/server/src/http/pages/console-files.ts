import type { FastifyInstance, FastifyReply, FastifySchema } from 'fastify'
import { lazyModule } from '../../lazy.js'
import type { PublicUrls } from '../public-urls.js'
import { type Asset, AssetFiles } from './asset-files.js'
import { plainPage } from './plain-page.js'

/** What the package of the console exports for servers. */
interface ConsolePackage {
  assets: readonly Asset[]
  /** The page, for the path of the console with a slash at its end. */
  page(base: string): string
  contentSecurityPolicy: string
}

export interface ConsoleFilesOptions {
  urls: Pick<PublicUrls, 'base'>
  /** Whether the console is on now, and if not, why. */
  state(): Promise<{ isOn: boolean; reason?: string }>
  /** Imports the files of the console. */
  load?: () => Promise<ConsolePackage>
}

const hidden = { schema: { hide: true } as FastifySchema }

/** No page of another site may frame the console, or read what it loads. */
const HEADERS = {
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
}

const HTML = 'text/html; charset=utf-8'

const installed = lazyModule((): Promise<ConsolePackage> => import('@plugboard/console/assets'))

/** The pages of the console, as a plugin; registered under `/console`. */
export async function consoleFiles(
  app: FastifyInstance,
  { urls, state, load = installed }: ConsoleFilesOptions,
): Promise<void> {
  const files = new AssetFiles(async () => (await load()).assets)

  app.get<{ Params: { name: string } }>('/assets/:name', hidden, async (request, reply) => {
    void reply.headers(HEADERS)
    if (await files.send(request.params.name, request, reply)) return reply
    return reply.code(404).type('text/plain; charset=utf-8').send('Not Found')
  })
  // One page for all addresses, since its script shows what the address names.
  for (const url of ['/', '/*']) app.get(url, hidden, async (_, reply) => page(reply))

  async function page(reply: FastifyReply): Promise<FastifyReply> {
    void reply.headers(HEADERS).type(HTML)
    const { isOn, reason = '' } = await state()
    if (!isOn) {
      const { headers, html } = plainPage({ title: 'The console is off', text: reason })
      return reply.code(403).headers(headers).send(html)
    }
    const { page, contentSecurityPolicy } = await load()
    const base = `${new URL(urls.base).pathname.replace(/\/$/, '')}/console/`
    return reply.header('content-security-policy', contentSecurityPolicy).send(page(base))
  }
}
