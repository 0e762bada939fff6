import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'
import { cardFault, markupFault } from './adaptive-card-rules.js'

/**
 * Microsoft's login, its signing keys and the Bot Connector of Teams on one local port. It refuses what the real ones
 * refuse. Used by the tests of this package, and by those of the server.
 */

/** A message that Teams took, as it is now. */
interface SentActivity {
  appId: string
  conversation: string
  id: string
  activity: Readonly<Record<string, unknown>>
}

export interface FakeTeamsOptions {
  /** Passwords by app id. Default: any app exists, with any password. */
  apps?: Readonly<Record<string, string>>
  /** Codes for conversations in which nothing can be posted, with their status. */
  unreachable?: Readonly<Record<string, readonly [status: number, code: string]>>
}

export interface TeamsState extends FakeTeamsOptions {
  /** Messages, in order. */
  messages: SentActivity[]
  /** Files behind the path of the Bot Connector. */
  files: Map<string, { mime: string; body: string }>
  /** Access tokens that are not accepted any more. */
  expired: Set<string>
  /** How many access tokens were issued. */
  issued: number
}

export interface FakeTeams extends FakeProvider, Pick<TeamsState, 'messages' | 'files' | 'expired'> {
  /** The operator's options that lead here. */
  readonly options: { loginUrl: string; openIdUrl: string; connectorUrl: string }
  /** Answers so to the calls that come next, until called without. */
  answerWith(answer?: (call: ProviderCall) => Answer | undefined): void
}

export const ISSUER = 'https://api.botframework.com'
/** Where Teams says that its conversations are. */
export const SERVICE_URL = 'https://smba.trafficmanager.net/emea/'

export const newState = (options: FakeTeamsOptions = {}): TeamsState => ({
  ...options,
  messages: [],
  files: new Map(),
  expired: new Set(),
  issued: 0,
})

const json = (status: number, value: object, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  body: JSON.stringify(value),
})

/** An error answer of the Bot Connector. */
export const refusal = (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  json(status, { error: { code, message: 'refused' } }, headers)

/** Microsoft's own forms of some faults. */
export const faultAnswers = {
  unauthorized: json(401, { message: 'Authorization has been denied for this request.' }),
  'server-error': refusal(500, 'ServiceError'),
  'rate-limited': refusal(429, 'Throttled'),
  'rate-limited-for-2-s': refusal(429, 'Throttled', { 'retry-after': '2' }),
} satisfies Partial<Record<Fault, Answer>>

/** Starts one on a port of this machine. */
export async function fakeTeams(options: FakeTeamsOptions = {}): Promise<FakeTeams> {
  const state = newState(options)
  let forced: ((call: ProviderCall) => Answer | undefined) | undefined
  const provider = await fakeProvider({
    answer: (call) => forced?.(call) ?? answerOf(call, state),
    faultAnswers,
  })
  const { messages, files, expired } = state
  return Object.assign(provider, {
    ...{ messages, files, expired, options: optionsFor(provider.url) },
    answerWith(answer?: (call: ProviderCall) => Answer | undefined) {
      forced = answer
    },
  })
}

export const optionsFor = (url: string): FakeTeams['options'] => ({
  loginUrl: url,
  openIdUrl: `${url}/v1/.well-known/openidconfiguration`,
  connectorUrl: url,
})

const TOKEN_PATH = /^\/([\w.-]+)\/oauth2\/v2\.0\/token$/

/** Whether a call only asks for an access token. */
export const isLogin = ({ path }: ProviderCall): boolean => TOKEN_PATH.test(path)

/** The access token of an app, by its number. */
export const accessToken = (appId: string, number = 0): string =>
  `access.${Buffer.from(appId).toString('base64url')}.${number}`

/** The app whose token a call has. */
export function appOf({ headers }: Pick<ProviderCall, 'headers'>): string | undefined {
  const [, app] = /^Bearer access\.([\w-]+)\.\d+$/.exec(headers.authorization ?? '') ?? []
  return app === undefined ? undefined : Buffer.from(app, 'base64url').toString()
}

/** The answer to one call, for a fake of one's own. */
export function answerOf(call: ProviderCall, state: TeamsState): Answer {
  const { method, path, headers } = call
  const url = `http://${headers.host}`
  if (path === '/v1/.well-known/openidconfiguration')
    return json(200, { issuer: ISSUER, jwks_uri: `${url}/v1/.well-known/keys` })
  if (path === '/v1/.well-known/keys') return json(200, { keys: publishedKeys() })
  if (method === 'POST' && isLogin(call)) return login(call, state)
  const appId = appOf(call)
  if (appId === undefined || state.expired.has(headers.authorization?.slice('Bearer '.length) ?? ''))
    return faultAnswers.unauthorized
  const file = method === 'GET' ? state.files.get(path) : undefined
  if (file) {
    const length = String(Buffer.byteLength(file.body))
    return { headers: { 'content-type': file.mime, 'content-length': length }, body: file.body }
  }
  if (method === 'POST' && path === '/v3/conversations') return createChat(call)
  const [, name = '', activity] = /^\/v3\/conversations\/([^/]+)\/activities(?:\/([^/]+))?$/.exec(path) ?? []
  if (!name) return refusal(404, 'NotFound')
  const conversation = decodeURIComponent(name)
  const reach = state.unreachable?.[conversation]
  if (reach) return refusal(...reach)
  if (!/^(a:|19:|1:)/.test(conversation)) return refusal(404, 'ConversationNotFound')
  if (method === 'POST' && activity === undefined) return post(call, appId, conversation, state)
  return activity === undefined
    ? refusal(405, 'MethodNotAllowed')
    : change(call, conversation, decodeURIComponent(activity), state)
}

/** https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication#bot-to-connector */
function login(call: ProviderCall, state: TeamsState): Answer {
  const form = new URLSearchParams(call.body)
  const [appId, password] = [form.get('client_id') ?? '', form.get('client_secret') ?? '']
  const denied = (code: number): Answer =>
    json(401, { error: 'invalid_client', error_description: `AADSTS${code}: refused`, error_codes: [code] })
  if (!call.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return json(400, { error: 'invalid_request', error_codes: [900144] })
  if (form.get('grant_type') !== 'client_credentials' || form.get('scope') !== `${ISSUER}/.default`)
    return json(400, { error: 'invalid_scope', error_codes: [70011] })
  if (state.apps && !Object.hasOwn(state.apps, appId)) return denied(700016)
  if (!password || (state.apps && state.apps[appId] !== password)) return denied(7000215)
  state.issued += 1
  const token = accessToken(appId, state.issued)
  return json(200, { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token })
}

/** The same chat for the same person. */
function createChat({ body }: ProviderCall): Answer {
  const { isGroup, members, tenantId } = JSON.parse(body)
  if (isGroup !== false || members?.length !== 1 || !tenantId || !/^29:/.test(members[0].id))
    return refusal(400, 'BadSyntax')
  return json(201, { id: `a:${Buffer.from(members[0].id).toString('base64url')}` })
}

function post(call: ProviderCall, appId: string, conversation: string, state: TeamsState): Answer {
  const activity = readBody(call)
  const fault = faultOf(call, activity)
  if (fault) return refusal(...fault)
  if (activity.type === 'typing') return json(201, {})
  const id = String(1_795_334_400_000 + state.messages.length)
  state.messages.push({ appId, conversation, id, activity })
  return json(201, { id })
}

function change(call: ProviderCall, conversation: string, id: string, state: TeamsState): Answer {
  const base = conversation.split(';messageid=')[0]
  const at = state.messages.findIndex(
    (sent) => sent.id === id && sent.conversation.split(';messageid=')[0] === base,
  )
  const sent = state.messages[at]
  if (!sent) return refusal(404, 'ActivityNotFoundInConversation')
  if (call.method === 'DELETE') {
    state.messages.splice(at, 1)
    return { status: 200 }
  }
  if (call.method !== 'PUT') return refusal(405, 'MethodNotAllowed')
  const { id: named, ...activity } = readBody(call)
  const fault = named === id ? faultOf(call, activity) : ([400, 'BadArgument'] as const)
  if (fault) return refusal(...fault)
  state.messages[at] = { ...sent, activity }
  return json(200, { id })
}

function readBody({ body }: ProviderCall): Record<string, unknown> {
  try {
    return Object(JSON.parse(body))
  } catch {
    return {}
  }
}

const MEMBERS = ['type', 'text', 'textFormat', 'attachments', 'attachmentLayout', 'summary']

/** The first reason for which Teams takes no such message. */
function faultOf(
  call: ProviderCall,
  activity: Record<string, unknown>,
): readonly [status: number, code: string] | undefined {
  const bad = (why: string) => [400, `BadArgument ${why}`] as const
  if (!/^application\/json; ?charset=utf-8$/i.test(call.headers['content-type'] ?? '')) return bad('type')
  if (call.body.length * 2 > 28 * 1024) return [413, 'MessageSizeTooBig']
  if (/\\ud[89a-f][0-9a-f]{2}/i.test(call.body)) return bad('half of a character')
  if (activity.type === 'typing') return Object.keys(activity).length === 1 ? undefined : bad('typing')
  if (activity.type !== 'message') return bad('type')
  const odd = Object.keys(activity).find((name) => !MEMBERS.includes(name))
  if (odd) return bad(odd)
  const { text, textFormat, attachments = [], attachmentLayout } = activity
  if (!Array.isArray(attachments) || attachments.length > 10) return bad('attachments')
  // The real one makes two messages of it and names neither.
  if (text !== undefined && attachments.length > 0) return bad('text beside attachments')
  if (attachments.length === 0) {
    if (typeof text !== 'string' || text.trim() === '') return bad('text')
    if (textFormat !== 'plain' && textFormat !== 'xml') return bad('textFormat')
    const fault = textFormat === 'xml' ? markupFault(text) : undefined
    return fault ? bad(fault) : undefined
  }
  if (attachments.length > 1 && attachmentLayout !== 'carousel') return bad('attachmentLayout')
  for (const { contentType, content } of attachments) {
    if (contentType !== 'application/vnd.microsoft.card.adaptive') return bad('contentType')
    const fault = cardFault(content)
    if (fault) return bad(fault)
  }
  return undefined
}

/** A key of Microsoft. */
interface Key {
  kid: string
  endorsements: string[]
  privateKey: KeyObject
  jwk: object
}

const newKey = (kid: string, endorsements: string[]): Key => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid, endorsements, privateKey, jwk: publicKey.export({ format: 'jwk' }) }
}

let keys: Key[] | undefined

/** Made when they are first needed. */
const ownKeys = (): Key[] => {
  keys ??= [newKey('key-of-teams', ['msteams']), newKey('key-of-others', ['webchat'])]
  return keys
}

/** Two keys of the kind that Microsoft signs with, and one of another kind. */
export const publishedKeys = (): object[] => [
  { kty: 'EC', kid: 'elliptic', crv: 'P-256', x: 'x', y: 'y' },
  ...ownKeys().map(({ jwk, kid, endorsements }) => ({ ...jwk, use: 'sig', kid, endorsements })),
]

export interface TokenChange {
  header?: object
  payload?: object
  /** Another key than that of Teams. */
  kid?: string
}

/** A token of Microsoft for a bot. It is valid for half a minute, so that tests need not wait for an hour. */
export function requestToken(appId: string, serviceUrl: string, at: Date, change: TokenChange = {}): string {
  const key = ownKeys().find(({ kid }) => kid === (change.kid ?? 'key-of-teams'))
  if (!key) throw new Error(`no key ${change.kid}`)
  const seconds = Math.floor(at.getTime() / 1000)
  const header = { alg: 'RS256', kid: key.kid, x5t: key.kid, typ: 'JWT', ...change.header }
  const payload = {
    serviceurl: serviceUrl,
    ...{ nbf: seconds, exp: seconds + 30, iss: ISSUER, aud: appId },
    ...change.payload,
  }
  const signed = [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key.privateKey).toString('base64url')}`
}

/** Signs a request as Microsoft does, from its documentation. */
export function sign(
  request: InboundRequest,
  { appId }: { appId: string },
  at = new Date(),
  change: TokenChange = {},
): InboundRequest {
  const token = requestToken(appId, serviceUrlOf(request), at, change)
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }
}

function serviceUrlOf({ body }: InboundRequest): string {
  try {
    return JSON.parse(Buffer.from(body).toString()).serviceUrl ?? SERVICE_URL
  } catch {
    return SERVICE_URL
  }
}
