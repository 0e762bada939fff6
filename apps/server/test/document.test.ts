import { createConfig, lintFromString } from '@redocly/openapi-core'
import { afterAll, describe, expect, test } from 'vitest'
import { call } from './support/api.js'
import { cleanUp, sharedServer, startServer } from './support/server.js'

const server = sharedServer()
afterAll(cleanUp)

interface Operation {
  operationId: string
  security: Record<string, string[]>[]
  requestBody?: { content: Record<string, { examples?: object }> }
  responses: Record<string, { $ref?: string; content?: Record<string, { examples?: object }> }>
}

interface Document {
  servers: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, Record<string, Operation>>
  components: { securitySchemes: object; responses: Record<string, { content: object }> }
}

const documentAt = async (path: string, at = server): Promise<Document> => (await call(at, 'GET', path)).json

const operationsOf = ({ paths }: Document): Operation[] => Object.values(paths).flatMap(Object.values)

/**
 * Rules that the APIs cannot follow: their paths are given, the routes of the server itself never fail, and a browser that
 * signs in at a provider is only ever sent on.
 */
const OFF = {
  'no-ambiguous-paths': 'off',
  'operation-4xx-response': 'off',
  'operation-2xx-response': 'off',
} as const

const config = await createConfig({ extends: ['recommended'], rules: OFF })

/** What the linter of Redocly finds, warnings included. */
async function faultsOf(document: Document): Promise<string[]> {
  const source = JSON.stringify(document)
  const problems = await lintFromString({ source, absoluteRef: 'openapi.json', config })
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)
}

const documents = [
  '/openapi.json',
  ...['messaging', 'sunshine', 'smartify', 'web', 'admin', 'server'].map((api) => `/openapi/${api}.json`),
]

describe.each(documents)('the document %s', (path) => {
  test('is valid OpenAPI without warnings', async () => {
    expect(await faultsOf(await documentAt(path))).toEqual([])
  })
})

describe('the API document', () => {
  test('names each operation once, whatever the case', async () => {
    const ids = operationsOf(await documentAt('/openapi.json')).map(({ operationId }) => operationId)
    expect(ids.length).toBeGreaterThan(100)
    expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(ids.length)
  })

  test('is the sum of the documents of the APIs', async () => {
    const [whole, ...parts] = await Promise.all(documents.map((path) => documentAt(path)))
    const ids = (document: Document) => operationsOf(document).map(({ operationId }) => operationId)
    expect(parts.flatMap(ids).sort()).toEqual(ids(whole as Document).sort())
  })

  test('says which credentials an operation needs, and how it may fail', async () => {
    const { paths, components } = await documentAt('/openapi.json')
    const post = paths['/api/v1/messages']?.post as Operation
    expect(post.security).toEqual([{ messagingClientId: [], messagingClientToken: [] }])
    expect(Object.keys(post.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '404', '429', '503']),
    )
    for (const { content } of Object.values(components.responses))
      for (const media of Object.values(content)) expect(Object.keys(media.examples)).not.toEqual([])
    for (const [path, { get }] of Object.entries(paths))
      if (/^\/(v2|api)\//.test(path) && get) expect(get.security).not.toEqual([])
  })

  test('has an example of every body', async () => {
    const { paths, webhooks } = await documentAt('/openapi.json')
    const operations = [paths, webhooks].flatMap(Object.values).flatMap(Object.values<Operation>)
    const without = operations
      .filter(({ requestBody, responses }) => {
        const success = Object.entries(responses).find(([status]) => status.startsWith('2'))?.[1]
        return [requestBody, success].some((part) =>
          Object.values(part?.content ?? {}).some(({ examples }) => !examples),
        )
      })
      .map(({ operationId }) => operationId)
      // The console is its example, and the schemas say the rest.
      .filter((operationId) => !operationId.startsWith('admin'))
    // Files, figures, streams, and what needs an account at Apple.
    const none = [
      'getMedia',
      'getAttachment',
      'getNamedAttachment',
      'UploadAttachment',
      'getMetrics',
      'DownloadMessageRef',
      'webFollowConversation',
      'webFollowVisitor',
    ]
    expect(without.sort()).toEqual(none.sort())
  })

  test('names the address that the server is called at, and where it is called from outside', async () => {
    const EXTERNAL_URL = 'https://chat.example.com/hub'
    const own = await startServer({ env: { EXTERNAL_URL, INTERNAL_PASSWORD: 'a password of operators' } })
    const { servers, paths } = await documentAt('/openapi/sunshine.json', own)
    expect(servers.map(({ url }) => url)).toEqual(['/hub', EXTERNAL_URL])
    expect(paths['/v2/apps']?.get?.security).toEqual([
      { sunshineKey: [], internalPassword: [] },
      { sunshineToken: [], internalPassword: [] },
    ])
    await own.stop()
  })
})
