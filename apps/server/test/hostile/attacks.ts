import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { expect, vi } from 'vitest'
import { call, clientOf } from '../support/api.js'
import { seed } from '../support/channel-stage.js'
import { forAll } from '../support/fault-load.js'
import { startReceiver } from '../support/receiver.js'
import { idOf, newRequestId } from '../support/smartify.js'
import { newKey, basic as sunshineBasic } from '../support/sunshine.js'
import type { Stage } from './support/stage.js'
import { hostileMarkdown } from './support/texts.js'

/** How much an attack sends. */
export interface Size {
  /** Messages of half a megabyte that are listed. */
  largeMessages: number
  /** Requests of an attack that sends the same again and again. */
  repetitions: number
}

/** What somebody sends, to be measured beside another tenant. */
export interface Attack {
  name: string
  /** Sends it all, and holds the answers to what they should be. */
  strike(stage: Stage, size: Size): Promise<void>
}

/** An answer that refuses, or takes, what was sent; a fault of the server is neither. */
const isHandled = ({ status }: { status: number }): boolean => status < 500 || status === 503

async function allHandled(answers: readonly Promise<{ status: number; text: string }>[]): Promise<void> {
  for (const answer of await Promise.all(answers)) {
    expect(isHandled(answer), `${answer.status} ${answer.text.slice(0, 200)}`).toBe(true)
  }
}

const texts = Object.entries(hostileMarkdown)

/** Every text by every channel, as the text of a message and as what stands on a card. */
const markdownBy = (channel: 'telegram' | 'slack' | 'twilio'): Attack => ({
  name: `Markdown by ${channel}`,
  async strike({ tenants }) {
    const { client, ...tenant } = tenants[channel]
    await forAll(texts, async ([, text], index) => {
      const conversationId = await tenant.conversationWith(index)
      const payloads = [
        { type: 'text', markdown: true, text },
        { type: 'card', markdown: true, title: 'A card', subtitle: text, actions: [] },
        { type: 'single-choice', markdown: true, text, choices: [{ title: 'A', value: 'a' }] },
        { type: 'image', image: 'https://example.com/a.png', title: text },
      ]
      for (const payload of payloads) {
        await allHandled([client.call('POST', '/messages', { conversationId, payload })])
      }
    })
  },
})

const sunshineMarkup: Attack = {
  name: 'Markdown and HTML in Sunshine messages',
  async strike({ server, project }) {
    const key = await newKey(server, { app: project.id })
    const path = `/v2/apps/${key.appId}`
    const headers = { authorization: sunshineBasic(key) }
    const user = await call(server, 'POST', `${path}/users`, { headers, body: { externalId: randomUUID() } })
    const made = await call(server, 'POST', `${path}/conversations`, {
      headers,
      body: { type: 'personal', participants: [{ userId: user.json.user.id }] },
    })
    expect(made.status, made.text).toBe(201)
    const post = (content: object) =>
      call(server, 'POST', `${path}/conversations/${made.json.conversation.id}/messages`, {
        headers,
        body: { author: { type: 'business' }, content: { type: 'text', ...content } },
      })
    await forAll([4_000, 90_000], async (length) => {
      for (const [, text] of texts) {
        await allHandled([post({ markdownText: text.slice(0, length) })])
        await allHandled([post({ htmlText: text.slice(0, length) })])
      }
      await allHandled([
        post({ htmlText: '<b>'.repeat(length / 3) }),
        post({ htmlText: '<a x='.repeat(length / 5) }),
      ])
    })
  },
}

/** What no other dialect can read, each followed by a message that every webhook must get. */
const unreadablePayloads: Attack = {
  name: 'payloads that other dialects cannot read',
  async strike({ server, project }) {
    const client = await project.client()
    const key = await newKey(server, { app: project.id })
    const receiver = await startReceiver()
    const headers = { authorization: sunshineBasic(key) }
    const integration = await call(server, 'POST', `/v2/apps/${key.appId}/integrations`, {
      headers,
      body: { type: 'custom', webhooks: [{ target: receiver.url, triggers: ['conversation:message'] }] },
    })
    expect(integration.status, integration.text).toBe(201)
    const payloads: object[] = [
      { type: 'carousel' },
      { type: 'carousel', items: null },
      { type: 'carousel', items: [null] },
      { type: 'text', text: 'x', choices: [null] },
      { type: 'dropdown', options: 7 },
      { type: 'postback', payload: { toString: 1 } },
      { type: 'location', latitude: {}, longitude: 'x' },
      { type: 'card', title: { toString: null }, actions: [{ action: {} }] },
      { type: { toString: 1 } },
      { text: { length: 1e9 } },
      {},
    ]
    const { conversationId } = await client.converse()
    for (const payload of payloads) {
      await allHandled([client.call('POST', '/messages', { conversationId, payload })])
    }
    await client.say(conversationId, 'the last one')
    await receiver.until((requests) => requests.some(({ text }) => text.includes('the last one')), 20_000)
    const listed = await call(
      server,
      'GET',
      `/v2/apps/${key.appId}/conversations/${idOf(conversationId)}/messages`,
      {
        headers,
      },
    )
    expect(listed.status, listed.text.slice(0, 200)).toBe(200)
    await call(server, 'DELETE', `/v2/apps/${key.appId}/integrations/${integration.json.integration.id}`, {
      headers,
    })
    await receiver.close()
  },
}

const nested = (depth: number, width: number): string =>
  `[${`${'['.repeat(depth)}${']'.repeat(depth)},`.repeat(width)}0]`

/** Half a megabyte of JSON, by what it is made of. */
const largeJson = (bytes: number): Record<string, string> => ({
  'many nested arrays': nested(90, Math.floor(bytes / 181)),
  'one deep array': '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  'many empty arrays': `[${'[],'.repeat(Math.floor(bytes / 3))}0]`,
  'many keys': `{${Array.from({ length: Math.floor(bytes / 14) }, (_, i) => `"k${i}":1`).join(',')}}`,
  'many numbers': `[${'1,'.repeat(Math.floor(bytes / 2))}1]`,
  'one long text': `"${'a'.repeat(bytes)}"`,
  'one long number': `1${'0'.repeat(bytes)}`,
})

const jsonOfStrangers: Attack = {
  name: 'JSON of strangers',
  async strike({ server, project }) {
    const guest = await project.guest()
    const path = `/api/${project.id}/requests/${newRequestId()}/messages`
    await project.call('POST', path.slice(`/api/${project.id}`.length), guest, { text: 'hello' })
    for (const json of Object.values(largeJson(489_000))) {
      const fields = `{"id_project":"${project.id}","firstname":"Mallory","attributes":${json}}`
      await allHandled([
        call(server, 'POST', '/api/auth/signinAnonymously', { body: fields }),
        call(server, 'POST', path, { body: `{"text":"x","attributes":${json}}`, headers: guest.headers }),
        call(server, 'POST', '/api/v1/sync', { body: json }),
        call(server, 'POST', '/oauth/token', { body: json }),
      ])
    }
  },
}

/** What a provider would never send, and nobody signed. */
const unsignedWebhooks: Attack = {
  name: 'provider webhooks that nobody signed',
  async strike({ server, tenants }) {
    const form = Array.from({ length: 70_000 }, (_, i) => `P${i}=${i}`).join('&')
    const sameName = 'Body=a&'.repeat(130_000)
    const headers = {
      'x-twilio-signature': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
      'x-slack-signature': `v0=${'0'.repeat(64)}`,
      'x-slack-request-timestamp': String(Math.floor(Date.now() / 1000)),
      'x-telegram-bot-api-secret-token': 'x',
    }
    for (const { path } of Object.values(tenants)) {
      for (const body of [form, sameName, ...Object.values(largeJson(900_000))]) {
        const isForm = body === form || body === sameName
        const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json'
        await allHandled(
          [{}, headers].map((more) =>
            call(server, 'POST', path, { body, headers: { ...more, 'content-type': type } }),
          ),
        )
      }
    }
  },
}

const largeLists: Attack = {
  name: 'lists of large messages, and readers that stop reading',
  async strike({ server, project }, { largeMessages }) {
    const requestId = newRequestId()
    const text = 'x'.repeat(505_000)
    await forAll(
      Array.from({ length: largeMessages }),
      async () => {
        await allHandled([project.say(requestId, text, project.owner)])
      },
      4,
    )
    const path = `/api/${project.id}/requests/${requestId}/messages?limit=0`
    const headers = project.owner.headers
    const stopped = Array.from({ length: 20 }, () => requestWithoutReading(server.url, path, headers))
    await allHandled(
      Array.from({ length: 4 }, () => call(server, 'GET', `/api/${project.id}/requests`, { headers })),
    )
    await allHandled(Array.from({ length: 4 }, () => call(server, 'GET', path, { headers })))
    for (const socket of stopped) socket.destroy()
  },
}

function requestWithoutReading(url: string, path: string, headers: Record<string, string>) {
  const { hostname, port, host } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  socket.pause()
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`)
  return socket
}

/** Many receivers that never answer to a large message: all of them are in flight at once, as far as there is room. */
const hangingWebhooks: Attack = {
  name: 'webhooks that never answer',
  async strike({ server }, { repetitions }) {
    const receiver = await startReceiver(({ text }) => (text.length > 100_000 ? undefined : 200))
    const webhooks = Array.from({ length: Math.min(repetitions, 100) }, (_, i) => ({
      url: `${receiver.url}/${i}`,
    }))
    const client = clientOf(server, (await seed(server, { webhooks })).json)
    for (let i = 0; i < 8; i += 1) {
      const { conversationId } = await client.converse()
      const posted = await client.say(conversationId, 'x'.repeat(150_000))
      expect(posted.status, posted.text.slice(0, 200)).toBe(201)
    }
    await receiver.until((requests) => requests.some(({ text }) => text.length > 150_000), 20_000)
    // Until all are in flight that there is room for.
    let inFlight = 0
    const isAll = () => {
      const before = inFlight
      inFlight = receiver.requests.length
      return inFlight === before
    }
    await vi.waitUntil(isAll, { timeout: 20_000, interval: 500 })
    await client.call('POST', '/sync', { webhooks: [] })
    await receiver.close()
  },
}

/** Whom nobody else writes to. */
const GUESSED = 9_001

/** Guests ask for what they took part in as if it were somebody else's, and the other way round. */
const guessedConversations: Attack = {
  name: 'a guest who guesses conversations',
  async strike({ project, server, tenants }, { repetitions }) {
    const { telegram } = tenants
    const conversationId = await telegram.conversationWith(GUESSED)
    const guest = await project.guest()
    const start = BigInt(`0x${conversationId.replaceAll('-', '')}`)
    const uuidOf = (value: bigint): string =>
      value
        .toString(16)
        .padStart(32, '0')
        .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    await forAll(Array.from({ length: repetitions }), async (_, i) => {
      const uuid = uuidOf(start + BigInt(i - repetitions / 2) * (1n << 26n))
      for (const id of [`support-group-${uuid}`, uuid, idOf(uuid)]) {
        const answer = await call(server, 'POST', `/api/${project.id}/requests/${id}/messages`, {
          headers: guest.headers,
          body: { text: 'I am your bank' },
        })
        expect(isHandled(answer), `${answer.status} ${answer.text}`).toBe(true)
      }
    })
    expect(telegram.triedAt(GUESSED)).toEqual([])
  },
}

const anonymousUsers: Attack = {
  name: 'a flood of anonymous users',
  async strike({ server, project }, { repetitions }) {
    await forAll(Array.from({ length: repetitions * 2 }), async () => {
      const body = {
        id_project: project.id,
        firstname: 'x'.repeat(200),
        attributes: { a: 'x'.repeat(10_000) },
      }
      await allHandled([call(server, 'POST', '/api/auth/signinAnonymously', { body })])
    })
    const guest = await vi
      .waitUntil(async () => project.guest().catch(() => undefined), {
        timeout: 1,
        interval: 1,
      })
      .catch(() => undefined)
    if (!guest) return
    const requestId = newRequestId()
    await forAll(Array.from({ length: repetitions }), async () => {
      await allHandled([project.say(requestId, 'x'.repeat(10_000), guest)])
    })
  },
}

const guessedPasswords: Attack = {
  name: 'guessed passwords',
  async strike({ server }, { repetitions }) {
    const answers: number[] = []
    await forAll(Array.from({ length: repetitions * 2 }), async (_, i) => {
      const { status } = await call(server, 'POST', '/api/auth/signin', {
        body: { email: `person-${i}@example.org`, password: randomUUID() },
      })
      answers.push(status)
    })
    expect(answers.every((status) => status === 401 || status === 429 || status === 503)).toBe(true)
    expect(answers).toContain(429)
  },
}

const slowConnections: Attack = {
  name: 'connections that send nothing, or a byte now and then',
  async strike({ server }, { repetitions }) {
    const { hostname, port } = new URL(server.url)
    const rounds = Math.min(repetitions / 4, 20)
    const sockets = Array.from({ length: repetitions * 2 }, (_, i) => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      if (i % 2 === 0) socket.write('POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n')
      return socket
    })
    for (let round = 0; round < rounds; round += 1) {
      for (const socket of sockets) socket.write('X-A: b\r\n')
      await new Promise((next) => setTimeout(next, 50))
    }
    for (const socket of sockets) socket.destroy()
  },
}

export const attacks: readonly Attack[] = [
  markdownBy('telegram'),
  markdownBy('slack'),
  markdownBy('twilio'),
  sunshineMarkup,
  unreadablePayloads,
  jsonOfStrangers,
  unsignedWebhooks,
  largeLists,
  hangingWebhooks,
  guessedConversations,
  anonymousUsers,
  guessedPasswords,
  slowConnections,
]
