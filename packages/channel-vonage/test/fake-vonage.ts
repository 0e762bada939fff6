import { createHash, createPublicKey, verify } from 'node:crypto'
import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'
import { messageSchema, type SentMessage, updateSchema } from './message-rules.js'

/**
 * A Vonage that refuses what the real one refuses, in its form of errors: https://developer.vonage.com/en/api-errors.
 * Used by the tests of this package, and by those of the server.
 */

/** A message that Vonage took. */
export type Taken = SentMessage & { message_uuid: string; apiKey: string }

export interface FakeVonageOptions {
  /** Secrets by API key. Default: any account exists, with any secret. */
  accounts?: Readonly<Record<string, string>>
  /** Public keys of applications, in PEM, by id. */
  applications?: Readonly<Record<string, string>>
  /** Codes for people who cannot be reached, by their number. */
  unreachable?: Readonly<Record<string, string>>
  /** Whether it refuses every file at once. */
  refusesFiles?: boolean
}

export interface FakeVonage extends FakeProvider {
  /** What was taken, in order. */
  readonly messages: readonly Taken[]
  /** Puts a file behind an address as Vonage's inbound messages name it, and gives that address. */
  addMedia(file: StoredFile): string
  /** Answers so to the calls that come next, until called without. */
  answerWith(answer?: Answer): void
}

interface StoredFile {
  mime: string
  body: string
}

interface State extends FakeVonageOptions {
  messages: Taken[]
  files: ReadonlyMap<string, StoredFile>
}

/** An error as Vonage answers it: RFC 7807. */
export const problem = (status: number, code: string, title: string, more: object = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    type: `https://developer.vonage.com/api-errors${/^\d/.test(code) ? '/messages' : ''}#${code}`,
    title,
    detail: title,
    instance: 'bf0ca0bf927b3b52e3cb03217e1a1ddf',
    ...more,
  }),
})

/** Vonage's own forms of some faults. */
export const faultAnswers = {
  unauthorized: problem(401, 'unauthorized', 'You did not provide correct credentials.'),
  'server-error': problem(500, '1000', 'Internal error'),
  'rate-limited': problem(429, '1010', 'Rate Limit Hit'),
  'rate-limited-for-2-s': {
    ...problem(429, '1010', 'Rate Limit Hit'),
    headers: { 'content-type': 'application/json', 'retry-after': '2' },
  },
} satisfies Partial<Record<Fault, Answer>>

/** Starts one on a port of this machine; `url` is the operator's `apiBaseUrl` and `sandboxBaseUrl`. */
export async function fakeVonage(options: FakeVonageOptions = {}): Promise<FakeVonage> {
  const messages: Taken[] = []
  const files = new Map<string, StoredFile>()
  let forced: Answer | undefined
  const provider = await fakeProvider({
    answer: (call) => forced ?? answerOf(call, { ...options, messages, files }),
    faultAnswers,
  })
  return Object.assign(provider, {
    messages,
    addMedia(file: StoredFile) {
      const path = `/v3/media/${uuid(`file ${files.size}`)}`
      files.set(path, file)
      return `https://api-us.nexmo.com${path}`
    },
    answerWith(answer?: Answer) {
      forced = answer
    },
  })
}

/** Always the same one for a name. */
export function uuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

const json = (status: number, value: object): Answer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

/** The answer to one call, for a fake of one's own. */
export function answerOf(call: ProviderCall, state: State): Answer {
  const { pathname } = new URL(call.path, 'http://vonage.invalid')
  if (pathname.startsWith('/stored')) return storedFile(call, pathname, state)
  const by = callerOf(call, state)
  if (by === undefined) return faultAnswers.unauthorized
  const at = `${call.method} ${pathname}`
  if (at === 'POST /v1/messages') return createMessage(call, by, state)
  if (/^PATCH \/v1\/messages\/[\w-]+$/.test(at)) return updateMessage(call)
  if (/^GET \/v2\/applications(\/|$)/.test(at)) return applications(call, pathname, state)
  if (call.method === 'GET' && state.files.has(pathname))
    return { status: 302, headers: { location: `/stored${pathname}` } }
  return problem(404, 'not-found', 'The requested resource does not exist')
}

/** The account or the application of a call; undefined for wrong credentials. */
function callerOf({ headers: { authorization = '' } }: ProviderCall, state: State): string | undefined {
  const [scheme, value = ''] = authorization.split(' ')
  if (scheme === 'Bearer') return applicationOf(value, state)
  const [key = '', secret = ''] = Buffer.from(value, 'base64').toString().split(':')
  const { accounts } = state
  const isKnown = accounts ? Object.hasOwn(accounts, key) && accounts[key] === secret : Boolean(key && secret)
  return scheme === 'Basic' && isKnown ? key : undefined
}

/** Of a token that is signed with the key of the application, and valid now, for a day at most. */
function applicationOf(token: string, { applications = {} }: State): string | undefined {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const part = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())
  const { alg } = part(header)
  const { application_id: id, iat, exp, jti } = part(payload)
  const key = applications[id]
  const now = Date.now() / 1000
  const isValid = iat <= now + 5 && exp > now && exp - iat <= 86_400 && typeof jti === 'string'
  if (alg !== 'RS256' || key === undefined || !isValid) return undefined
  const data = Buffer.from(`${header}.${payload}`)
  const isSigned = verify('sha256', data, createPublicKey(key), Buffer.from(signature, 'base64url'))
  return isSigned ? id : undefined
}

function createMessage(call: ProviderCall, apiKey: string, state: State): Answer {
  const body = bodyOf(call)
  if (body === undefined) return problem(422, 'invalid-json', 'The request body did not contain valid JSON')
  const { to, message_type: type } = body as { to?: unknown; message_type?: unknown }
  const code = typeof to === 'string' ? state.unreachable?.[to] : undefined
  if (code !== undefined) return problem(422, code, 'Invalid recipient', invalid('to', 'cannot be reached'))
  const { data: message, error } = messageSchema.safeParse(body)
  if (!message)
    return problem(422, '1150', 'Invalid params', {
      detail: error.message,
      ...invalid('message', 'is not one'),
    })
  if (state.refusesFiles && ['image', 'audio', 'video', 'file'].includes(String(type)))
    return problem(422, '1150', 'Invalid params', invalid(`${type}.url`, 'is not accessible'))
  const message_uuid = uuid(`message ${state.messages.length}`)
  state.messages.push({ ...message, message_uuid, apiKey })
  return json(202, { message_uuid })
}

const invalid = (name: string, reason: string) => ({ invalid_parameters: [{ name, reason }] })

function updateMessage(call: ProviderCall): Answer {
  const isKnown = updateSchema.safeParse(bodyOf(call)).success
  return isKnown ? { status: 200 } : problem(422, '1150', 'Invalid params')
}

function bodyOf({ headers, body }: ProviderCall): unknown {
  if (headers['content-type'] !== 'application/json') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Basic authentication only. */
function applications({ headers }: ProviderCall, pathname: string, { applications = {} }: State): Answer {
  if (!headers.authorization?.startsWith('Basic ')) return faultAnswers.unauthorized
  const id = pathname.split('/')[3]
  const one = (id: string) => ({ id, name: 'Shop', keys: { public_key: applications[id] }, capabilities: {} })
  if (id === undefined) {
    const all = Object.keys(applications).map(one)
    return json(200, { page_size: 1, page: 1, total_items: all.length, _embedded: { applications: all } })
  }
  if (Object.hasOwn(applications, id)) return json(200, one(id))
  return problem(404, 'not-found', 'The requested resource does not exist')
}

/** Where Vonage's redirect leads to: a store that refuses a second kind of credentials. */
function storedFile({ headers }: ProviderCall, pathname: string, { files }: State): Answer {
  if (headers.authorization) return { status: 400, body: 'Only one auth mechanism allowed' }
  const file = files.get(pathname.replace(/^\/stored/, ''))
  if (!file) return { status: 404 }
  const length = String(Buffer.byteLength(file.body))
  return { headers: { 'content-type': file.mime, 'content-length': length }, body: file.body }
}
