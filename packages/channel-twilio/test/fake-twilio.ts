import { isUrl } from '@plugboard/core'
import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'

/**
 * A Twilio that refuses what the real one refuses, with its numbers of errors:
 * https://www.twilio.com/docs/api/errors. Used by the tests of this package, and by those of the server.
 */

/** A message that Twilio took. */
export interface SentMessage {
  sid: string
  accountSid: string
  to: string
  from: string | undefined
  messagingServiceSid: string | undefined
  body: string | undefined
  mediaUrls: string[]
  persistentAction: string | undefined
  statusCallback: string | undefined
}

export interface FakeTwilioOptions {
  /** Tokens by account SID. Default: any account exists, with any token. */
  accounts?: Readonly<Record<string, string>>
  /** Numbers that may send. Default: all. */
  numbers?: readonly string[]
  /** Error codes for the numbers of people who cannot be reached. */
  unreachable?: Readonly<Record<string, number>>
  /** Error code for every file and every place: Twilio refuses some for what they are. */
  refusedContent?: number
  /** What accounts are, when not active. */
  accountStatus?: 'active' | 'suspended' | 'closed'
}

export interface FakeTwilio extends FakeProvider {
  /** What was taken, in order. */
  readonly messages: readonly SentMessage[]
  /** Puts a file behind an address as Twilio's inbound messages name it, and gives that address. */
  addMedia(file: { mime: string; body: string }): string
  /** Answers so to the calls that come next, until called without. */
  answerWith(answer?: Answer): void
}

/** Twilio's own forms of some faults. */
export const faultAnswers = {
  unauthorized: refusal(401, 20003, 'Authenticate'),
  'server-error': refusal(500, 20500, 'An internal server error has occurred'),
  'rate-limited': refusal(429, 20429, 'Too Many Requests'),
  'rate-limited-for-2-s': {
    ...refusal(429, 20429, 'Too Many Requests'),
    ...withHeaders({ 'retry-after': '2' }),
  },
} satisfies Partial<Record<Fault, Answer>>

/** Starts one on a port of this machine; `url` is the operator's `apiBaseUrl`. */
export async function fakeTwilio(options: FakeTwilioOptions = {}): Promise<FakeTwilio> {
  const messages: SentMessage[] = []
  const files = new Map<string, { mime: string; body: string }>()
  let forced: Answer | undefined
  const provider = await fakeProvider({
    answer: (call) => forced ?? answerOf(call, { ...options, messages, files }),
    faultAnswers,
  })
  return Object.assign(provider, {
    messages,
    addMedia(file: { mime: string; body: string }) {
      const path = `/2010-04-01/Accounts/${sid('AC', files.size)}/Messages/${sid('MM', files.size)}/Media/${sid('ME', files.size)}`
      files.set(path, file)
      return `https://api.twilio.com${path}`
    },
    answerWith(answer?: Answer) {
      forced = answer
    },
  })
}

interface State extends FakeTwilioOptions {
  messages: SentMessage[]
  files: ReadonlyMap<string, { mime: string; body: string }>
}

/** The answer to one call, for a fake of one's own. */
export function answerOf(call: ProviderCall, state: State): Answer {
  const { pathname } = new URL(call.path, 'http://twilio.invalid')
  if (pathname.startsWith('/stored')) return storedFile(call, pathname, state)
  const [, accountSid = '', resource = ''] = /^\/2010-04-01\/Accounts\/(\w+)(.*)$/.exec(pathname) ?? []
  const denied = denial(call, accountSid, resource, state)
  if (denied) return denied
  if (call.method === 'GET' && resource === '.json') {
    return ok(200, {
      sid: accountSid,
      status: state.accountStatus ?? 'active',
      friendly_name: 'Acme',
      type: 'Full',
    })
  }
  if (call.method === 'GET' && state.files.has(pathname)) {
    return { status: 307, headers: { location: `/stored${pathname}` } }
  }
  if (call.method === 'POST' && resource === '/Messages.json') return createMessage(call, accountSid, state)
  return refusal(404, 20404, `The requested resource ${pathname} was not found`)
}

/** Basic authentication; a file may be fetched with the credentials of any account that exists. */
function denial(call: ProviderCall, accountSid: string, resource: string, state: State): Answer | undefined {
  const [user = '', token] = Buffer.from(call.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':')
  const { accounts } = state
  const isKnown = accounts ? Object.hasOwn(accounts, user) && accounts[user] === token : Boolean(token)
  if (!isKnown) return faultAnswers.unauthorized
  const isForeign = user !== accountSid && !resource.includes('/Media/')
  return isForeign ? refusal(404, 20404, 'The requested resource was not found') : undefined
}

/** Where Twilio's redirect leads to: a store that refuses a second kind of credentials. */
function storedFile(call: ProviderCall, pathname: string, { files }: State): Answer {
  if (call.headers.authorization) return { status: 400, body: 'Only one auth mechanism allowed' }
  const file = files.get(pathname.replace(/^\/stored/, ''))
  if (!file) return { status: 404 }
  const length = String(Buffer.byteLength(file.body))
  return { headers: { 'content-type': file.mime, 'content-length': length }, body: file.body }
}

function createMessage(call: ProviderCall, accountSid: string, state: State): Answer {
  const form = new URLSearchParams(call.body)
  const fault = faultOf(call, form, state)
  if (fault) return refusal(400, ...fault)
  const text = (name: string): string | undefined => form.get(name) ?? undefined
  const message: SentMessage = {
    sid: sid(form.has('MediaUrl') ? 'MM' : 'SM', state.messages.length),
    accountSid,
    to: text('To') ?? '',
    from: text('From'),
    messagingServiceSid: text('MessagingServiceSid'),
    body: text('Body'),
    mediaUrls: form.getAll('MediaUrl'),
    persistentAction: text('PersistentAction'),
    statusCallback: text('StatusCallback'),
  }
  state.messages.push(message)
  return ok(201, {
    sid: message.sid,
    account_sid: accountSid,
    api_version: '2010-04-01',
    body: message.body ?? '',
    direction: 'outbound-api',
    from: message.from ?? null,
    num_media: String(message.mediaUrls.length),
    num_segments: '1',
    status: 'queued',
    to: message.to,
  })
}

const PARAMETERS = [
  'To',
  'From',
  'MessagingServiceSid',
  'Body',
  'MediaUrl',
  'PersistentAction',
  'StatusCallback',
  'ContentSid',
  'ContentVariables',
]

/** The first reason for which Twilio takes no such message. */
function faultOf(call: ProviderCall, form: URLSearchParams, state: State): [number, string] | undefined {
  const { unreachable = {}, numbers, refusedContent } = state
  const value = (name: string): string => form.get(name) ?? ''
  const [to, from, body] = [value('To'), value('From'), value('Body')]
  const isWhatsApp = to.startsWith('whatsapp:')
  const media = form.getAll('MediaUrl')
  const unknown = [...form.keys()].find((name) => !PARAMETERS.includes(name))
  const reach = unreachable[to]

  if (!call.headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    return [20001, 'not a form']
  if (unknown) return [20001, `Unknown parameter ${unknown}`]
  if (!to) return [21604, "A 'To' phone number is required"]
  // A person on WhatsApp has an id for each business, which may hide the number.
  if (!/^((whatsapp:)?\+[1-9]\d{6,14}|whatsapp:[A-Z]{2}\.\w{1,128})$/.test(to))
    return [21211, `Invalid 'To' Phone Number: ${to}`]
  if (reach) return [reach, `${to} cannot be reached`]
  if (!from && !value('MessagingServiceSid')) return [21603, "A 'From' phone number is required"]
  if (from && numbers && !numbers.includes(from)) {
    return isWhatsApp
      ? [63007, 'Could not find a Channel with that From address']
      : [21606, 'not your number']
  }
  if (from && from.startsWith('whatsapp:') !== isWhatsApp) return [21910, 'Invalid From and To pair']
  if (!isUtf8Form(call.body)) return [20001, 'not UTF-8']
  if (form.has('ContentSid') || form.has('ContentVariables'))
    return templateFault(form) ?? addressFault(form, isWhatsApp, body)
  if (!body.trim() && media.length === 0) return [21602, 'Message body is required']
  if (refusedContent && (media.length > 0 || form.has('PersistentAction')))
    return [refusedContent, 'Channel did not accept given content']
  if (body.length > 1600) return [21617, 'The concatenated message body exceeds the 1600 character limit']
  return mediaFault(media, body, isWhatsApp) ?? addressFault(form, isWhatsApp, body)
}

/** Most variables of a template, and the longest that one may be. */
const MAX_VARIABLES = 100
const MAX_VARIABLE = 255

function templateFault(form: URLSearchParams): [number, string] | undefined {
  const [contentSid, variables] = [form.get('ContentSid'), form.get('ContentVariables')]
  if (contentSid === null) return [21654, 'ContentSid Required']
  if (!/^HX[0-9a-fA-F]{32}$/.test(contentSid)) return [21655, 'The ContentSid is Invalid']
  if (form.has('Body') || form.has('MediaUrl')) return [20001, 'A template has no other content']
  if (variables === null) return undefined
  const values = Object.entries(JSON.parse(variables) as Record<string, unknown>)
  const isFine = ([, value]: [string, unknown]): boolean =>
    typeof value === 'string' && value !== '' && value.length <= MAX_VARIABLE
  return values.length <= MAX_VARIABLES && values.every(isFine)
    ? undefined
    : [21656, 'The ContentVariables Parameter is invalid']
}

/** Whether all that is escaped is UTF-8; halves of surrogate pairs become something else. */
function isUtf8Form(form: string): boolean {
  try {
    return decodeURIComponent(form.replaceAll('+', ' ')).isWellFormed()
  } catch {
    return false
  }
}

/** What an address says that leads to no picture; the real Twilio fetches it and looks at its type. */
const NO_PICTURE = /\.(aac|amr|csv|docx?|m4a|mov|mp[34]|og[ag]|opus|pdf|txt|vcf|wav|webm|xlsx?|zip|3gp)$/i

function mediaFault(media: string[], body: string, isWhatsApp: boolean): [number, string] | undefined {
  if (media.length > (isWhatsApp ? 1 : 10)) return [21623, 'Number of media files exceeds the limit']
  const isWebUrl = (text: string): boolean => isUrl(text) && /^https?:$/.test(new URL(text).protocol)
  if (!media.every(isWebUrl)) return [21620, 'Invalid media URL(s)']
  const isPicture = !media.some((url) => NO_PICTURE.test(new URL(url).pathname))
  if (!isWhatsApp && !isPicture) return [12300, 'This fake carries pictures only by MMS']
  // The real one takes it and loses the text, which is worse.
  if (isWhatsApp && media.length > 0 && body && !isPicture) return [63021, 'Text beside a file is not shown']
  if (isWhatsApp && media.length > 0 && body.length > 1024) return [63021, 'The caption is too long']
  if (isWhatsApp && /\.(gif|webp)$/i.test(media[0] ?? '')) return [63019, 'Not a picture on WhatsApp']
  return undefined
}

function addressFault(
  form: URLSearchParams,
  isWhatsApp: boolean,
  body: string,
): [number, string] | undefined {
  const action = form.get('PersistentAction')
  if (action !== null && (!isWhatsApp || !body))
    return [21623, 'PersistentAction is for WhatsApp, with a body']
  if (action !== null && !/^geo:-?\d{1,2}(\.\d+)?,-?\d{1,3}(\.\d+)?(\|[^|\n]{1,1000})?$/.test(action)) {
    return [21623, 'PersistentAction is malformed']
  }
  const callback = form.get('StatusCallback')
  if (callback === null) return undefined
  const { protocol, hostname } = isUrl(callback) ? new URL(callback) : { protocol: '', hostname: '' }
  const isPublic = hostname.includes('.') && !hostname.includes('_') && !hostname.startsWith('127.')
  const isValid = /^https?:$/.test(protocol) && isPublic && callback.length <= 4000
  return isValid ? undefined : [21609, "Invalid 'StatusCallback' URL"]
}

function refusal(status: number, code: number, message: string): Answer {
  return ok(status, { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status })
}

function ok(status: number, body: object): Answer {
  return { status, ...withHeaders({}), body: JSON.stringify(body) }
}

function withHeaders(headers: Record<string, string>): Answer {
  return { headers: { 'content-type': 'application/json;charset=utf-8', ...headers } }
}

/** An id of Twilio's form. */
export const sid = (prefix: string, number: number): string =>
  prefix + (number + 1).toString(16).padStart(32, '0')
