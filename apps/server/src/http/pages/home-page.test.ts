import type { Hub } from '@plugboard/hub'
import { type FastifyInstance, fastify } from 'fastify'
import { afterEach, describe, expect, test } from 'vitest'
import type { Metrics } from '../../metrics/metrics.js'
import { schemasForDocumentOnly } from '../api-document/openapi.js'
import { hostRoutes } from '../host-routes.js'
import { PublicUrls } from '../public-urls.js'

let app: FastifyInstance
afterEach(() => app.close())

interface Situation {
  problems?: string[]
  takesRequests?: boolean
  externalUrl?: string
  isLocal?: boolean
}

async function home(
  { problems = [], takesRequests = true, externalUrl, isLocal = false }: Situation,
  headers: object,
) {
  app = fastify({ schemaController: schemasForDocumentOnly })
  await app.register(hostRoutes, {
    ...{
      hub: { isDelivering: true, listening: 0, live: {} as Hub['live'] },
      store: { getMeta: async () => undefined } as never,
    },
    ...{ metrics: {} as Metrics, connections: { problems: () => problems } as never, takesRequests },
    urls: new PublicUrls({ externalUrl, host: '0.0.0.0', port: 3100 }),
    config: { externalUrl, host: isLocal ? '127.0.0.1' : '0.0.0.0' },
  })
  return app.inject({ method: 'GET', url: '/', headers: { ...headers } })
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('the home page', () => {
  test('says why the server is not ready, with the text as it is', async () => {
    const problems = ['the disk for "<b>" is full']
    const page = await home({ problems }, browser)
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.body).toContain('Running, but not ready')
    expect(page.body).toContain('<li>the disk for &#34;&#60;b&#62;&#34; is full</li>')
    expect((await home({ problems }, {})).json()).toMatchObject({ status: 'unavailable', problems })
  })

  test('of a worker says that it has no API, and does not lead there', async () => {
    const page = await home({ takesRequests: false }, browser)
    expect(page.body).toContain('This process is a worker')
    expect(page.body).not.toMatch(/href="(docs|openapi)/)
    expect((await home({ takesRequests: false }, {})).json()).not.toHaveProperty('documentation')
  })

  test('names the admin key only where a first sync needs it', async () => {
    const here = await home({ isLocal: true }, { ...browser, host: '127.0.0.1:3100' })
    expect(here.body).toContain("-H 'content-type: application/json' \\\n  -d ")
    expect(here.body).not.toMatch(/admin.key/i)
    for (const situation of [{}, { isLocal: true, externalUrl: 'https://hub.example' }])
      expect((await home(situation, browser)).body).toContain("-H 'x-bp-messaging-admin-key: ADMIN_KEY' \\\n")
    expect((await home({ isLocal: true }, { ...browser, host: 'hub.example' })).body).toContain('ADMIN_KEY')
  })

  test.each([
    ['chat.example.com:8080', undefined, 'http://chat.example.com:8080'],
    ['[::1]:3100', undefined, 'http://[::1]:3100'],
    ['"><script>alert(1)</script>', undefined, 'http://0.0.0.0:3100'],
    ["a' -d @/etc/passwd", undefined, 'http://0.0.0.0:3100'],
    ['other.example', 'https://chat.example.com/hub', 'https://chat.example.com/hub'],
  ])('called at the host %s, with EXTERNAL_URL %s, names %s', async (host, externalUrl, base) => {
    const { body } = await home({ ...(externalUrl && { externalUrl }) }, { ...browser, host })
    expect(body).toContain(`curl -X POST ${base}/api/v1/sync`)
    expect(body).not.toContain('<script')
  })
})
