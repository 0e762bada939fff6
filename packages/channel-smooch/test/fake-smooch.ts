import { createHash } from 'node:crypto'
import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'
import type { z } from 'zod'
import { activitySchema, messageSchema } from './message-rules.js'

/**
 * A Sunshine Conversations that refuses what the real one refuses, in its form of errors:
 * https://developer.zendesk.com/api-reference/conversations/. Used by the tests of this package, and by those of the server.
 */

/** A message that Sunshine took. */
export interface Taken {
  id: string
  appId: string
  conversationId: string
  content: z.infer<typeof messageSchema>['content']
}

export interface FakeSmoochOptions {
  /** Secrets by the ids of keys. Default: any key exists, with any secret. */
  keys?: Readonly<Record<string, string>>
  /** Apps that exist. Default: all. */
  apps?: readonly string[]
  /** Conversations that are gone. */
  gone?: readonly string[]
}

export interface FakeSmooch extends FakeProvider {
  /** What was taken, in order, without what was deleted. */
  readonly messages: readonly Taken[]
  /** Answers so to the calls that come next, until called without. */
  answerWith(answer?: Answer): void
}

interface State extends FakeSmoochOptions {
  messages: Taken[]
  files: ReadonlyMap<string, { mime: string; body: string }>
}

/** An error as Sunshine answers it. */
export const refusal = (status: number, code: string, title: string): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code, title }] }),
})

/** Sunshine's own forms of some faults. */
export const faultAnswers = {
  unauthorized: refusal(401, 'unauthorized', 'Authorization is required'),
  'server-error': refusal(500, 'internal_error', 'Internal error'),
  'rate-limited': refusal(429, 'too_many_requests', 'Too many requests'),
  'rate-limited-for-2-s': {
    ...refusal(429, 'too_many_requests', 'Too many requests'),
    headers: { 'content-type': 'application/json', 'retry-after': '2' },
  },
} satisfies Partial<Record<Fault, Answer>>

/** Starts one on a port of this machine; `url` is the operator's `apiBaseUrl`. */
export async function fakeSmooch(options: FakeSmoochOptions = {}): Promise<FakeSmooch> {
  const messages: Taken[] = []
  let forced: Answer | undefined
  const state = { ...options, messages, files: new Map([[FILE, picture]]) }
  const provider = await fakeProvider({ answer: (call) => forced ?? answerOf(call, state), faultAnswers })
  return Object.assign(provider, {
    messages,
    answerWith(answer?: Answer) {
      forced = answer
    },
  })
}

/** A private file, at the address of the API. */
export const FILE = '/attachments/v2/5d8cff3cd55b040010928b5b/photo.jpg'
const picture = { mime: 'image/jpeg', body: 'bytes of a picture' }

/** Always the same one for a name. */
export const objectId = (name: string): string => createHash('sha256').update(name).digest('hex').slice(0, 24)

const json = (status: number, value: object): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** The answer to one call, for a fake of one's own. */
export function answerOf(call: ProviderCall, state: State): Answer {
  const { pathname } = new URL(call.path, 'http://sunshine.invalid')
  const denied = denial(call, state)
  if (denied) return denied
  const file = call.method === 'GET' ? state.files.get(pathname) : undefined
  if (file) return { headers: { 'content-type': file.mime }, body: file.body }
  const [, app = '', rest = ''] = /^\/v2\/apps\/([^/]+)(.*)$/.exec(pathname) ?? []
  if (!app) return refusal(404, 'not_found', 'Not found')
  if (state.apps && !state.apps.includes(app)) return refusal(404, 'app_not_found', 'App not found')
  if (call.method === 'GET') return facts(call, app, rest)
  const [, conversation = '', resource = ''] = /^\/conversations\/([^/]+)(\/.*)$/.exec(rest) ?? []
  if (!conversation) return refusal(404, 'not_found', 'Not found')
  if (state.gone?.includes(conversation))
    return refusal(404, 'conversation_not_found', 'Conversation not found')
  return inConversation(call, { app, conversation, resource }, state)
}

function denial({ headers }: ProviderCall, { keys }: State): Answer | undefined {
  const [scheme, value = ''] = (headers.authorization ?? '').split(' ')
  const [key = '', secret = ''] = Buffer.from(value, 'base64').toString().split(':')
  const isKnown = keys ? Object.hasOwn(keys, key) && keys[key] === secret : Boolean(key && secret)
  return scheme === 'Basic' && isKnown ? undefined : faultAnswers.unauthorized
}

/** A key of an integration may see its webhooks, and not the app. */
function facts({ headers }: ProviderCall, app: string, rest: string): Answer {
  const key = Buffer.from(headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
  if (rest === '/integrations/me/webhooks' && key.startsWith('int_')) return json(200, { webhooks: [] })
  if (key.startsWith('int_')) return refusal(403, 'forbidden', 'Forbidden')
  if (rest === '') return json(200, { app: { id: app, displayName: 'Acme', settings: {}, metadata: {} } })
  return refusal(404, 'not_found', 'Not found')
}

function inConversation(
  call: ProviderCall,
  { app, conversation, resource }: { app: string; conversation: string; resource: string },
  { messages }: State,
): Answer {
  const [, messageId] = /^\/messages\/([^/]+)$/.exec(resource) ?? []
  if (call.method === 'DELETE' && messageId !== undefined) {
    const at = messages.findIndex(({ id }) => id === messageId)
    if (at < 0) return refusal(404, 'not_found', 'Message not found')
    messages.splice(at, 1)
    return json(200, {})
  }
  if (call.method !== 'POST') return refusal(404, 'not_found', 'Not found')
  if (call.headers['content-type'] !== 'application/json')
    return refusal(415, 'unsupported_media_type', 'Unsupported media type')
  if (Buffer.byteLength(call.body) > 100_000) return refusal(413, 'payload_too_large', 'Payload too large')
  if (resource === '/activity') {
    const { error } = activitySchema.safeParse(bodyOf(call))
    return error ? refusal(400, 'bad_request', error.message) : json(200, {})
  }
  if (resource !== '/messages') return refusal(404, 'not_found', 'Not found')
  const { data, error } = messageSchema.safeParse(bodyOf(call))
  if (!data) return refusal(400, 'bad_request', error.message)
  const id = objectId(`message ${conversation} ${messages.length} ${call.body}`)
  messages.push({ id, appId: app, conversationId: conversation, content: data.content })
  const source = { type: 'api:conversations' }
  return json(201, { messages: [{ id, received: '2026-11-22T13:00:00.000Z', ...data, source }] })
}

function bodyOf({ body }: ProviderCall): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
