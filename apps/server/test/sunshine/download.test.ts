import { createCipheriv, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { call } from '../support/api.js'
import { cleanUp, startServer, type TestServer, temporaryFolder } from '../support/server.js'
import { basic, type Key, newKey, officialClient, refusalOf } from '../support/sunshine.js'

/** As one that a third party could write: what is tested is what the server does with its configuration. */
const APPLE = `
const schema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const channel = {
  name: 'apple', contract: 1, version: '1.0.0', config: schema, secrets: ['apiSecret'],
  capabilities: { content: ['text'] },
  load: async () => ({
    connect: () => undefined,
    verify: () => ({ ok: false, reason: 'mismatch' }),
    parse: () => ({ events: [], response: { status: 200 } }),
    render: () => [],
    deliver: async () => ({ providerMessageIds: [] }),
    classify: ({ message }) => ({ kind: 'transient', message }),
  }),
}
export default Object.defineProperty(channel, Symbol.for('plugboard.channel'), { value: '1.0.0' })
`
const key = randomBytes(32)
const data = { data: { replyMessage: { title: 'Grüße 😀' }, images: [] } }

let answer: (response: ServerResponse) => void
let requests: IncomingMessage[]
const apple = createServer((request, response) => {
  requests.push(request)
  answer(response)
})

let servers: { open: TestServer; closed: TestServer }
let credentials: Key
let api: ReturnType<typeof officialClient>
let ref: Record<string, string>

beforeAll(async () => {
  await new Promise<void>((resolve) => apple.listen(0, '127.0.0.1', resolve))
  const start = async (env: Record<string, string>) => {
    const folder = await temporaryFolder()
    await writeFile(join(folder, 'apple.mjs'), APPLE)
    return startServer({ folder, env: { PLUGBOARD_CHANNELS: './apple.mjs', CHANNEL_TIMEOUT: '2s', ...env } })
  }
  const [open, closed] = await Promise.all([start({ ALLOW_PRIVATE_TARGETS: 'loopback' }), start({})])
  servers = { open, closed }
})
afterAll(async () => {
  apple.closeAllConnections()
  apple.close()
  await cleanUp()
})
beforeEach(() => {
  requests = []
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const encrypted = Buffer.concat([cipher.update(JSON.stringify(data)), cipher.final()])
  answer = (response) => response.end(encrypted)
  ref = {
    url: `http://127.0.0.1:${(apple.address() as AddressInfo).port}/M58C.C01USN00`,
    bid: 'com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:com.apple.icloud.apps.messages.business.extension',
    key: `00${key.toString('hex')}`,
    signature: '81a619c81da5a01c6139219a5d20e17430c631e1eb',
    owner: 'M58C0A2A1EB62B4E859B4F28996E8DA229E1914295299C39944B2F2CA7482AE50.C01USN00',
  }
})

const post = (server: TestServer, path: string, body: object) =>
  call(server, 'POST', `/v2/apps/${credentials.appId}${path}`, {
    headers: { authorization: basic(credentials) },
    body,
  })

/** A conversation of an app, with an Apple integration or without. */
async function converse(server: TestServer, { hasApple = true } = {}) {
  credentials = await newKey(server)
  api = officialClient(server, credentials)
  if (hasApple) {
    const body = { type: 'apple', config: { businessId: 'b', mspId: 'm' } }
    const { status } = await post(server, '/integrations', body)
    expect(status).toBe(201)
  }
  const { user } = await api.createUser({ externalId: 'ada' })
  const made = { type: 'personal', participants: [{ userId: user.id }] }
  const { conversation } = await api.createConversation(made)
  return { userId: user.id as string, conversationId: conversation.id as string }
}

const bodyOf = (userId: string) => ({ userId, apple: { interactiveDataRef: ref } })
const codeOf = (trying: Promise<unknown>) => refusalOf(trying).then(({ status, code }) => [status, code])

describe('the data behind a reference', () => {
  test('are fetched with what proves who asks, decrypted and decoded', async () => {
    const { userId, conversationId } = await converse(servers.open)
    expect(await api.downloadMessageRef(conversationId, bodyOf(userId))).toEqual(data)
    const raw = await post(servers.open, `/conversations/${conversationId}/download`, bodyOf(userId))
    expect([raw.status, raw.json]).toEqual([200, data])
    expect(requests[0]?.headers).toMatchObject({ signature: ref.signature, owner: ref.owner })
    expect(servers.open.output()).not.toContain(key.toString('hex'))
  })

  test('are asked for by who may, of what there is', async () => {
    const { userId, conversationId } = await converse(servers.open)
    const [body, unknown] = [bodyOf(userId), credentials.appId]
    expect(await codeOf(api.downloadMessageRef(unknown, body))).toEqual([404, 'conversation_not_found'])
    const nobody = { ...body, userId: unknown }
    expect(await codeOf(api.downloadMessageRef(conversationId, nobody))).toEqual([404, 'user_not_found'])
    const wrong: object[] = [{}, { userId }, { apple: body.apple }, { userId, apple: {} }]
    for (const field of Object.keys(ref)) {
      const { [field]: _, ...rest } = ref
      wrong.push({ userId, apple: { interactiveDataRef: rest } })
      wrong.push({ userId, apple: { interactiveDataRef: { ...ref, [field]: 'x\r\ny' } } })
    }
    for (const each of wrong) {
      expect(await codeOf(api.downloadMessageRef(conversationId, each))).toEqual([400, 'bad_request'])
    }
    expect(requests).toEqual([])
  })

  test('are a 4xx where the app has no Apple integration', async () => {
    const { userId, conversationId } = await converse(servers.open, { hasApple: false })
    const trying = api.downloadMessageRef(conversationId, bodyOf(userId))
    expect(await codeOf(trying)).toEqual([404, 'integration_not_found'])
    expect(requests).toEqual([])
  })

  test('are a 4xx in the envelope whatever happens at their address', async () => {
    const { userId, conversationId } = await converse(servers.open)
    const answers: ((response: ServerResponse) => unknown)[] = [
      (response) => response.writeHead(500).end(),
      (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
      (response) => response.end('nothing that opens'),
      (response) => response.destroy(),
      () => undefined,
    ]
    for (const each of answers) {
      answer = each
      const trying = api.downloadMessageRef(conversationId, bodyOf(userId))
      expect(await codeOf(trying)).toEqual([400, 'bad_request'])
    }
    ref.url = 'https://p61-content.icloud.com/M58C.C01USN00'
    const { title } = await refusalOf(api.downloadMessageRef(conversationId, bodyOf(userId)))
    expect(title).toContain('service provider')
  })

  test('are never fetched from an address that is not public, unless it is allowed', async () => {
    const { userId, conversationId } = await converse(servers.closed)
    const { port } = new URL(ref.url as string)
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '0x7f000001', '10.0.0.1', '169.254.169.254']) {
      ref.url = `http://${host}:${port}/`
      const refusal = await refusalOf(api.downloadMessageRef(conversationId, bodyOf(userId)))
      expect(refusal).toMatchObject({ status: 400, code: 'bad_request' })
      expect(refusal.title).toContain('ALLOW_PRIVATE_TARGETS')
    }
    expect(requests).toEqual([])
  })
})
