import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import {
  type CallContext,
  type Channel,
  type ChannelHost,
  type ChannelRuntime,
  type DeliveryContext,
  defineChannel,
  type InboundRequest,
  type Sent,
} from '../src/channel.js'
import { PlugboardError } from '../src/errors.js'
import type { Failure } from '../src/failure.js'
import type { Json } from '../src/json.js'
import { channelSuite } from '../src/testing/channel-suite.js'
import { fakeProvider } from '../src/testing/fake-provider.js'
import { type ChannelFixtures, type ListenProvider, usualOutcomes } from '../src/testing/fixtures.js'

export const config = z.strictObject({ url: z.url(), token: z.string().min(8), name: z.string().optional() })
export type Config = z.infer<typeof config>
export type Runtime = ChannelRuntime<Config, { token: string }>

const hmac = (token: string, { headers, body }: InboundRequest) =>
  createHmac('sha256', token).update(`${headers['x-time']}.`).update(body).digest('hex')

const wire = z.strictObject({ id: z.string().min(1), from: z.string().min(1), text: z.string() })
/** What comes to the URL that all integrations share. */
const sharedWire = z.array(wire.extend({ account: z.string().min(1) })).max(100)

/** Of the operator's app. */
const APP_SECRET = 'secret-of-the-app'

const events = z.array(z.strictObject({ id: z.int(), text: z.string() }))

/** A provider that gives the events of an account after a number, and forgets those before. */
async function listenProvider(): Promise<ListenProvider<Config>> {
  const waiting = new Map<string, { id: number; text: string }[]>()
  const of = (token: string) => waiting.get(token) ?? []
  let isRefusing = false
  let lastId = 0
  const provider = await fakeProvider({
    answer({ path, headers }) {
      const [, after] = /^\/events\/(\d+)$/.exec(path) ?? []
      const token = headers.authorization?.replace('Bearer ', '') ?? ''
      if (isRefusing) return { status: 401 }
      const left = of(token).filter(({ id }) => id > Number(after))
      waiting.set(token, left)
      return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(left.slice(0, 1)) }
    },
  })
  return {
    url: provider.url,
    say({ token }, text) {
      lastId += 1
      waiting.set(token, [...of(token), { id: lastId, text }])
    },
    unconfirmed: ({ token }) => of(token).length,
    refuse() {
      isRefusing = true
    },
    close: () => provider.close(),
  }
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch {
    return undefined
  }
}

/** A call that is no delivery. */
async function request(
  fetch: typeof globalThis.fetch,
  path: string,
  { integration: { config, session }, signal }: CallContext<Config, { token: string }>,
  body = '',
): Promise<void> {
  const headers = { authorization: `Bearer ${session.token}` }
  const response = await fetch(config.url + path, { method: 'POST', headers, body, signal })
  if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status })
}

/** Shows something to a person. */
async function send(
  fetch: typeof globalThis.fetch,
  body: Json,
  { deliveryId, integration, signal, context }: DeliveryContext<Config, { token: string }>,
): Promise<Sent> {
  const headers = {
    authorization: `Bearer ${integration.session.token}`,
    'idempotency-key': deliveryId,
    ...(context && { 'x-reply-to': z.string().parse(context.value.last) }),
  }
  const response = await fetch(integration.config.url, {
    ...{ method: 'POST', headers, signal },
    body: JSON.stringify(body),
  })
  if (response.status === 409) return { providerMessageIds: [] }
  const retryAfterMs = Number(response.headers.get('retry-after')) * 1000
  if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status, retryAfterMs })
  return { providerMessageIds: [z.object({ id: z.string() }).parse(await response.json()).id] }
}

/** A small channel that keeps every rule. */
const sound = ({ fetch }: ChannelHost<undefined>): Runtime => ({
  connect: ({ token }) => ({ token }),
  verify(request, { config }) {
    const { 'x-time': time, 'x-signature': signature } = request.headers
    if (!time || !signature) return { ok: false, reason: 'missing' }
    if (!/^\d+$/.test(time)) return { ok: false, reason: 'malformed' }
    if (Math.abs(Date.now() - Number(time) * 1000) > 300_000) return { ok: false, reason: 'stale' }
    return signature === hmac(config.token, request) ? { ok: true } : { ok: false, reason: 'mismatch' }
  },
  parse({ headers, body }, { config }) {
    try {
      const given: unknown = JSON.parse(Buffer.from(body).toString())
      const messages = Array.isArray(given)
        ? sharedWire.parse(given).filter(({ account }) => account === config.name)
        : [wire.parse(given)]
      const at = new Date(z.coerce.number().parse(headers['x-time']) * 1000)
      return {
        events: messages.map(({ id, from, text }) => ({
          ...{ type: 'message', dedupeKey: id, endpoint: { identity: '*', sender: from, thread: '*' }, at },
          // A part of the id, since a header takes only some characters.
          context: { last: encodeURIComponent(id.toWellFormed()).slice(0, 100) },
          content: { type: 'text', text },
        })),
        response: { status: 204 },
      }
    } catch {
      throw new PlugboardError('INVALID', 'body must be a message')
    }
  },
  route(request) {
    const { 'x-time': time, 'x-signature': signature } = request.headers
    const isOld = Math.abs(Date.now() - Number(time) * 1000) > 300_000
    if (isOld || signature !== hmac(APP_SECRET, request))
      return { verdict: { ok: false, reason: isOld ? 'stale' : 'mismatch' }, accounts: [] }
    const { data = [] } = sharedWire.safeParse(jsonOf(request.body))
    return { verdict: { ok: true }, accounts: data.map(({ account }) => account) }
  },
  async refresh(context) {
    await request(fetch, '/refresh', context)
    const known = await context.state.read()
    await context.state.write({ count: Number(known?.value.count ?? 0) + 1 }, known?.version)
    return { again: new Date(Date.now() + 60_000) }
  },
  async *listen({ integration: { config, session }, cursor, signal, connected, fetch }) {
    const headers = { authorization: `Bearer ${session.token}` }
    for (let at = typeof cursor === 'number' ? cursor : 0; ; ) {
      const response = await fetch(`${config.url}/events/${at}`, { headers, signal })
      if (!response.ok) throw Object.assign(new Error('refused'), { status: response.status })
      connected()
      for (const { id, text } of events.parse(await response.json())) {
        const endpoint = { identity: '*', sender: 'ada', thread: '*' }
        const about = { dedupeKey: `event-${id}`, endpoint, at: new Date(0) }
        at = id
        yield { events: [{ ...about, type: 'message', content: { type: 'text', text } }], cursor: at }
      }
      await sleep(5, undefined, { signal })
    }
  },
  check: (context) => request(fetch, '/check', context),
  provision: (context) => request(fetch, '/provision', context, context.webhookUrl),
  unprovision: (context) => request(fetch, '/unprovision', context),
  indicateTyping: (context) => request(fetch, '/typing', context),
  markRead: (context) => request(fetch, '/read', context),
  async describePerson(_, context) {
    await request(fetch, '/person', context)
    return { name: 'Ada' }
  },
  async edit({ providerMessageIds: [id] }, { args }, context) {
    await request(fetch, `/edit/${id}`, context, JSON.stringify(args))
    return { providerMessageIds: [] }
  },
  remove: ({ providerMessageIds: [id] }, context) => request(fetch, `/remove/${id}`, context),
  async openMedia(ref, { integration: { config, session }, signal }) {
    const headers = { authorization: `Bearer ${session.token}` }
    const url = `${config.url}/files/${encodeURIComponent(z.string().min(1).parse(ref))}`
    const response = await fetch(url, { headers, signal })
    if (!response.ok || !response.body) throw Object.assign(new Error('refused'), { status: response.status })
    return { body: response.body, mime: response.headers.get('content-type') ?? 'text/plain' }
  },
  render: (content) => [{ call: 'send', args: JSON.parse(JSON.stringify(content)) }],
  secondForm: ({ call, args }) => {
    const { type, image } = Object(args)
    return type === 'image' ? { call, args: { type: 'text', text: image } } : undefined
  },
  deliver: ({ args }, context) => send(fetch, args, context),
  async deliverBatch(parts, context) {
    const bodies = parts.map(({ args }) => args)
    const sent = await send(fetch, bodies, context)
    return parts.map(() => sent)
  },
  classify(error): Failure {
    const { status, retryAfterMs, cause } = Object(error)
    const message = 'the provider failed'
    if (cause?.code === 'ECONNREFUSED') return { kind: 'transient', message }
    if (status === 401) return { kind: 'auth', message }
    if (status === 302) return { kind: 'invalid', message }
    if (status !== 429) return { kind: 'ambiguous', message }
    return { kind: 'rate-limited', scope: 'integration', message, ...(retryAfterMs && { retryAfterMs }) }
  },
})

const recording = (name: string, id: string, text: string): ChannelFixtures<Config>['recordings'][number] => {
  const recordedAt = new Date('2026-11-22T08:00:00Z')
  const endpoint = { identity: '*', sender: 'ada', thread: '*' }
  const body = Buffer.from(JSON.stringify({ id, from: 'ada', text }))
  return {
    name,
    origin: 'made here',
    recordedAt,
    request: { method: 'POST', publicUrl: 'https://hub.example/x', headers: {}, body },
    events: [
      {
        ...{ type: 'message', dedupeKey: id, endpoint, at: recordedAt },
        ...{ context: { last: id }, content: { type: 'text', text } },
      },
    ],
  }
}

export const dataModule = (source: string): URL =>
  new URL(`data:text/javascript,${encodeURIComponent(source)}`)
/** The source of a module that exports a channel, as far as an import can see. */
export const marked = "export default { [Symbol.for('plugboard.channel')]: '1.0.0' }"

const signed = (request: InboundRequest, secret: string, at: Date): InboundRequest => {
  const time = `${Math.floor(at.getTime() / 1000)}`
  const timed = { ...request, headers: { ...request.headers, 'x-time': time } }
  return { ...timed, headers: { ...timed.headers, 'x-signature': hmac(secret, timed) } }
}

const sharedMessages = [
  { account: 'ada', id: 'shared-1', from: 'eve', text: 'hello, ada' },
  { account: 'bob', id: 'shared-2', from: 'eve', text: 'hello, bob' },
  { account: 'ada', id: 'shared-3', from: 'eve', text: 'and again' },
]
const SHARED_AT = new Date('2026-11-22T08:00:00Z')
const sharedRequest: Omit<InboundRequest, 'body'> = {
  ...{ method: 'POST', publicUrl: 'https://hub.example/webhooks/v1/sound', headers: {} },
}
const sharedEventsOf = (name: string) =>
  sharedMessages
    .filter(({ account }) => account === name)
    .map(({ id, text }) => ({
      ...{ type: 'message' as const, dedupeKey: id, endpoint: { identity: '*', sender: 'eve', thread: '*' } },
      ...{ at: SHARED_AT, context: { last: id }, content: { type: 'text', text } },
    }))

export const fixtures: ChannelFixtures<Config> = {
  configs: (url) => [
    { url, token: 'token-of-ada', name: 'ada' },
    { url, token: 'token-of-bob', name: 'bob' },
  ],
  invalidConfigs: { 'a short token': { url: 'http://a', token: 'short' } },
  recordings: [recording('first', 'id-1', 'hello'), recording('second', 'id-2', 'wörld')],
  sign: (request, { token }, at) => signed(request, token, at),
  shared: {
    request: { ...sharedRequest, body: Buffer.from(JSON.stringify(sharedMessages)) },
    recordedAt: SHARED_AT,
    sign: (request, at) => signed(request, APP_SECRET, at),
    events: [sharedEventsOf('ada'), sharedEventsOf('bob')],
  },
  signatureHeaders: ['x-time', 'x-signature'],
  provider: {
    answer: ({ path }) => ({ body: path === '/files/file-1' ? 'bytes' : '{"id":"theirs"}' }),
    isFrom: (call, { token }) => call.headers.authorization === `Bearer ${token}`,
    idempotencyKey: (call) => call.headers['idempotency-key']?.toString(),
    repeatAnswer: { status: 409 },
  },
  listen: listenProvider,
  file: { ref: 'file-1', body: 'bytes' },
  outcomes: { ...usualOutcomes, redirect: 'invalid' },
  entry: dataModule(marked),
  lazy: ['zod'],
}

type Definition = Channel<Config, { token: string }, undefined>

const definition: Definition = {
  contract: 1,
  name: 'sound',
  version: '1.0.0',
  config,
  secrets: ['token'],
  targets: ['url'],
  capabilities: {
    content: ['text', 'image', 'single-choice'],
    maxTextLength: 60,
    buttons: { max: 3, maxLabel: 10 },
    batch: { max: 3 },
    window: { hours: 24, allows: 'templates' },
    context: true,
  },
  modes: { webhook: [], listen: ['token'] },
  inbound: { isShared: true },
  account: ({ name }) => name,
  setup: (webhookUrl) => `Make it call ${webhookUrl}`,
  load: async (host) => sound(host),
}

/** How a channel differs from the sound one. */
export interface Change {
  definition?: Partial<Definition>
  /** Members that are broken, given the sound ones. */
  runtime?: (sound: Runtime, host: ChannelHost<undefined>) => Partial<Runtime>
  fixtures?: Partial<ChannelFixtures<Config>>
}

/** The suite of a sound channel, or of one that is changed. */
export function suiteOf(change: Change = {}) {
  const load = async (host: ChannelHost<undefined>) => ({
    ...sound(host),
    ...change.runtime?.(sound(host), host),
  })
  const channel = defineChannel({ ...definition, load, ...change.definition } as typeof definition & {
    secrets: ['token']
    targets: ['url']
  })
  return channelSuite({ channel, fixtures: { ...fixtures, ...change.fixtures } })
}
