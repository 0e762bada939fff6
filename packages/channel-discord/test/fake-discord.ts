import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'
import { FakeGateway } from './fake-gateway.js'
import { faultsOf, type MessageBody } from './message-rules.js'

/** A message that the fake took. */
interface Posted extends MessageBody {
  id: string
  channel_id: string
  /** Undefined for one that was sent with the token of an interaction. */
  token: string | undefined
  files: string[]
  flags: number
}

/** An app at Discord. */
export interface FakeApp {
  applicationId: string
  publicKey: string
  url: string | null
}

/** What Discord knows. */
export interface World {
  /** Apps by bot token. Without any, every token is right. */
  apps: Map<string, FakeApp>
  /** Messages by `channel:message`. */
  messages: Map<string, Posted>
  /** Keys of messages by bot and nonce. */
  nonces: Map<string, string>
  /** Replies to interactions by token: whether the bot still thinks, and the message. */
  replies: Map<string, { isWaiting: boolean; message: string | undefined }>
  /** Channels that no bot is in. */
  foreign: Set<string>
  /** Answers to interactions that came over the gateway. */
  callbacks: { id: string; token: string; body: unknown }[]
  /** Files by path. */
  files: Map<string, Answer>
  /** Messages of people, with newer addresses of their files, by `channel:message`. */
  written: Map<string, object>
  /** What `/gateway/bot` answers. */
  gateway: () => object
  /** Calls that were refused with a reason in words, as a test would be interested in. */
  refused: string[]
}

export const newWorld = (gateway: () => object = () => ({})): World => ({
  ...{ apps: new Map(), messages: new Map(), nonces: new Map(), replies: new Map() },
  ...{ foreign: new Set(), callbacks: [], files: new Map(), written: new Map(), gateway, refused: [] },
})

let lastId = 0
/** Ids grow, and have 18 digits. */
function nextId(): string {
  lastId += 1
  return String(1_350_000_000_000_000_000n + BigInt(lastId))
}

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

export const refusal = (status: number, code: number, message = 'refused', more: object = {}): Answer =>
  json({ message, code, ...more }, status)

/** Faults in Discord's form. */
export const faultAnswers: Partial<Record<Fault, Answer>> = {
  unauthorized: refusal(401, 0, '401: Unauthorized'),
  'server-error': { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad Gateway</h1>' },
}

/** The 429 of one channel. */
export const limited = (seconds: number, more: object = {}): Answer =>
  json({ message: 'You are being rate limited.', retry_after: seconds, global: false, ...more }, 429, {
    'retry-after': String(Math.ceil(seconds)),
    'x-ratelimit-scope': 'user',
  })

/** The answer of Discord to a call, as its documentation describes it. */
export function answerTo(call: ProviderCall, world: World): Answer {
  const [path = ''] = call.path.split('?')
  const file = world.files.get(path)
  if (file) return file
  if (!/^DiscordBot \(https?:\/\/\S+, [\w.]+\)/.test(call.headers['user-agent'] ?? ''))
    return refusal(403, 40333, 'internal network error')
  const [, version = '', rest = ''] = /^\/api\/(v\d+)(\/.*)$/.exec(path) ?? []
  if (version !== 'v10') return refusal(404, 0, '404: Not Found')
  const withToken = /^\/(?:webhooks\/\d+|interactions\/\d+)\/([^/]+)/.exec(rest)
  if (withToken) return withInteraction(call, rest, decodeURIComponent(withToken[1] ?? ''), world)
  const token = /^Bot (\S+)$/.exec(call.headers.authorization ?? '')?.[1]
  if (token === undefined || (world.apps.size > 0 && !world.apps.has(token)))
    return refusal(401, 0, '401: Unauthorized')
  return withBot(call, rest, token, world)
}

function withBot(call: ProviderCall, path: string, token: string, world: World): Answer {
  const route = `${call.method} ${path}`
  if (route === 'GET /gateway/bot') return json(world.gateway())
  if (path === '/applications/@me') return application(call, token, world)
  if (route === 'POST /users/@me/channels') {
    const { recipient_id } = JSON.parse(call.body) as { recipient_id?: string }
    return /^\d+$/.test(recipient_id ?? '')
      ? json({ id: `9${recipient_id}`, type: 1 })
      : invalidForm(['recipient_id: is required'])
  }
  const [, channel = '', kind = '', message] =
    /^\/channels\/(\d+)\/(messages|typing)(?:\/(\d+))?$/.exec(path) ?? []
  if (channel === '') return refusal(404, 0, '404: Not Found')
  if (world.foreign.has(channel)) return refusal(403, 50001, 'Missing Access')
  if (kind === 'typing') return { status: 204 }
  if (message === undefined)
    return call.method === 'POST' ? create(call, channel, token, world) : refusal(405, 0)
  const key = `${channel}:${message}`
  const written = world.written.get(key)
  if (call.method === 'GET' && written) return json(written)
  const posted = world.messages.get(key)
  if (!posted) return refusal(404, 10008, 'Unknown Message')
  if (posted.token !== token && posted.token !== undefined)
    return refusal(403, 50005, 'Cannot edit a message authored by another user')
  return change(call, key, posted, world)
}

function application({ method, body }: ProviderCall, token: string, { apps }: World): Answer {
  const app = apps.get(token) ?? { applicationId: '1', publicKey: '', url: null }
  if (method === 'PATCH') {
    const { interactions_endpoint_url: url } = JSON.parse(body) as {
      interactions_endpoint_url?: string | null
    }
    if (url === undefined || (url !== null && !/^https:\/\//.test(url)))
      return invalidForm(['interactions_endpoint_url: Scheme must be one of (https)'])
    app.url = url
  }
  const { applicationId: id, publicKey: verify_key, url: interactions_endpoint_url } = app
  return json({ id, name: 'Plugboard', verify_key, interactions_endpoint_url, flags: 1 << 19 })
}

function withInteraction(call: ProviderCall, path: string, token: string, world: World): Answer {
  const [, , callback] = /^\/interactions\/(\d+)\/[^/]+(\/callback)$/.exec(path) ?? []
  if (callback) {
    const id = path.split('/')[2] ?? ''
    if (world.callbacks.some((each) => each.token === token))
      return refusal(400, 40060, 'Interaction has already been acknowledged.')
    const body = JSON.parse(call.body) as { type: number }
    world.callbacks.push({ id, token, body })
    if (body.type === 5) world.replies.set(token, { isWaiting: true, message: undefined })
    else world.replies.set(token, { isWaiting: false, message: undefined })
    return { status: 204 }
  }
  const reply = world.replies.get(token)
  if (!reply) return refusal(404, 10015, 'Unknown Webhook')
  const message = /\/messages\/(@original|\d+)$/.exec(path)?.[1]
  if (message === undefined) return create(call, '770', undefined, world)
  if (message !== '@original') {
    const [key, posted] = [...world.messages].find(([, each]) => each.id === message) ?? []
    return key && posted ? change(call, key, posted, world) : refusal(404, 10008, 'Unknown Message')
  }
  if (call.method === 'GET') {
    if (reply.isWaiting) return json({ id: nextId(), channel_id: '770', content: '', flags: 128 })
    const posted = world.messages.get(reply.message ?? '')
    return posted
      ? json({ id: posted.id, channel_id: posted.channel_id, flags: 0 })
      : refusal(404, 10008, 'Unknown Message')
  }
  const created = create(call, '770', undefined, world)
  if ((created.status ?? 200) === 200) {
    const { channel_id, id } = JSON.parse(created.body ?? '{}') as Posted
    world.replies.set(token, { isWaiting: false, message: `${channel_id}:${id}` })
  }
  return created
}

/** The JSON of a call, and the names of its files. */
export function contentOf({ headers, body }: ProviderCall): { content: unknown; files: string[] } {
  if (!headers['content-type']?.startsWith('multipart/form-data'))
    return { content: JSON.parse(body), files: [] }
  const files = [...body.matchAll(/name="files\[\d\]"; filename="([^"\r\n]*)"/g)].map(([, name = '']) => name)
  const payload = /name="payload_json"\r\n\r\n([\s\S]*?)\r\n--/.exec(body)?.[1] ?? '{}'
  return { content: JSON.parse(payload), files }
}

function invalidForm(faults: readonly string[]): Answer {
  const errors = Object.fromEntries(
    faults.slice(0, 1).map((fault) => {
      const [path = '', why = ''] = fault.replace(/^message\./, '').split(': ')
      const leaf = { _errors: [{ code: 'BASE_TYPE_INVALID', message: why }] }
      const names = path.split('.')
      const nested = names.slice(1).reduceRight<object>((inner, name) => ({ [name]: inner }), leaf)
      return [names[0] ?? '', nested]
    }),
  )
  return refusal(400, 50035, 'Invalid Form Body', { errors })
}

function create(call: ProviderCall, channel: string, token: string | undefined, world: World): Answer {
  const { content, files } = contentOf(call)
  const faults = faultsOf(content, files.length)
  if (faults.length > 0) {
    world.refused.push(...faults)
    return faults[0]?.includes('empty message') ? refusal(400, 50006, faults[0]) : invalidForm(faults)
  }
  const body = content as MessageBody
  const nonce = body.nonce !== undefined && body.enforce_nonce ? `${token} ${body.nonce}` : undefined
  const known = nonce === undefined ? undefined : world.nonces.get(nonce)
  const id = known?.split(':')[1] ?? nextId()
  const key = known ?? `${channel}:${id}`
  if (known === undefined) {
    world.messages.set(key, { ...body, id, channel_id: channel, token, files, flags: 0 })
    if (nonce !== undefined) world.nonces.set(nonce, key)
  }
  return json({ id, channel_id: key.split(':')[0], content: body.content ?? '' })
}

function change(call: ProviderCall, key: string, posted: Posted, world: World): Answer {
  if (call.method === 'DELETE') {
    world.messages.delete(key)
    return { status: 204 }
  }
  if (call.method !== 'PATCH') return json({ id: posted.id, channel_id: posted.channel_id, attachments: [] })
  const { content, files } = contentOf(call)
  const faults = faultsOf(content, files.length)
  if (faults.length > 0) {
    world.refused.push(...faults)
    return invalidForm(faults)
  }
  world.messages.set(key, { ...posted, ...(content as MessageBody), files })
  return json({ id: posted.id, channel_id: posted.channel_id })
}

/** Whether a call shows something to a person. */
export const isVisible = ({ method, path }: ProviderCall): boolean =>
  (method === 'POST' && /\/channels\/\d+\/messages$|\/webhooks\/\d+\/[^/]+$/.test(path)) ||
  (method === 'PATCH' && /\/messages\/(?:@original|\d+)$/.test(path))

export interface FakeDiscord extends Omit<FakeProvider, 'failWith'> {
  /** What goes into the operator's option `apiUrl`. */
  readonly apiUrl: string
  readonly world: World
  readonly gateway: FakeGateway
  /** The messages that were posted, in order. */
  posted(): Posted[]
  failWith(fault?: Exclude<Fault, 'refused'>): void
  /** Answers calls so that it returns something for. */
  answerInstead(answer?: (call: ProviderCall) => Answer | undefined): void
}

/** Discord on a port of this machine. Without `apps`, any token will do. */
export async function fakeDiscord(
  options: { apps?: Record<string, FakeApp>; heartbeatMs?: number; maxConcurrency?: number } = {},
): Promise<FakeDiscord> {
  const gateway = await FakeGateway.start(options)
  const world = newWorld(() => gateway.bot())
  for (const [token, app] of Object.entries(options.apps ?? {})) world.apps.set(token, { ...app })
  if (options.apps) gateway.tokens = Object.keys(options.apps)
  let instead: (call: ProviderCall) => Answer | undefined = () => undefined
  const provider = await fakeProvider({
    faultAnswers,
    answer: (call) => instead(call) ?? answerTo(call, world),
  })
  return {
    ...provider,
    apiUrl: `${provider.url}/api/v10`,
    world,
    gateway,
    posted: () => [...world.messages.values()],
    answerInstead(answer = () => undefined) {
      instead = answer
    },
    async close() {
      await provider.close()
      await gateway.close()
    },
  }
}
