import { type Answer, type FakeProvider, fakeProvider, type ProviderCall } from '@plugboard/core/testing'
import {
  type GraphRequest,
  graphAnswer,
  graphFaultAnswers,
  graphRefusal,
  jsonAnswer,
} from '@plugboard/graph-api/testing'
import { type Faulty, type MessageRules, messageFault } from './message-rules.js'

/**
 * A WhatsApp that refuses what the Cloud API refuses according to its documentation, with its error codes. Used by the tests
 * of this package, and by those of the server.
 */

/** A message that WhatsApp took. */
export interface SentMessage {
  /** The number of the business. */
  by: string
  id: string
  to?: string
  recipient?: string
  recipient_type: string
  type: string
  biz_opaque_callback_data?: string
  [field: string]: unknown
}

/** A file, by its id: uploaded, or sent by a person. */
interface StoredFile {
  mime: string
  body: string
  name?: string
}

export interface WhatsAppState {
  /** What was taken, in order. */
  messages: SentMessage[]
  /** The ids of messages that were marked as read, in order, and whether the typing indicator was shown. */
  reads: { id: string; isTyping: boolean }[]
  files: Map<string, StoredFile>
  /** The webhook address of each number that has its own. */
  webhooks: Map<string, string>
  /** Accounts that an app was subscribed to. */
  subscribed: Set<string>
}

export interface FakeWhatsAppOptions extends Omit<MessageRules, 'files'> {
  /** The secret of the app of each valid token. Default: any token is valid. */
  tokens?: Readonly<Record<string, string>>
  /** The numbers of each account. Default: every number and every account exists, and has every number. */
  accounts?: Readonly<Record<string, readonly string[]>>
  /** Error code for every upload. */
  refusedUploads?: number
  /** How WhatsApp writes numbers that are known otherwise. */
  written?: Readonly<Record<string, string>>
}

export interface FakeWhatsApp extends FakeProvider, WhatsAppState {}

export const emptyState = (): WhatsAppState => ({
  ...{ messages: [], reads: [], files: new Map(), webhooks: new Map(), subscribed: new Set() },
})

/** Starts one on a port of this machine; `url` is the operator's `graphUrl`. */
export async function fakeWhatsApp(options: FakeWhatsAppOptions = {}): Promise<FakeWhatsApp> {
  const state = emptyState()
  const provider = await fakeProvider({
    answer: (call) => answerOf(call, state, options),
    faultAnswers: graphFaultAnswers,
  })
  return Object.assign(provider, state)
}

/** The answer to one call, for a fake of one's own. */
export function answerOf(
  call: ProviderCall,
  state: WhatsAppState,
  options: FakeWhatsAppOptions = {},
): Answer {
  const { tokens } = options
  if (call.path.startsWith('/lookaside/')) return storedFile(call, state)
  return graphAnswer(call, {
    ...(tokens && { tokens }),
    answer: (request) => productAnswer(request, call, state, options),
  })
}

/** Where files are: with the token, and not under the versions of the API. */
function storedFile({ path, headers }: ProviderCall, { files }: WhatsAppState): Answer {
  const file = files.get(path.replace('/lookaside/', ''))
  if (!headers.authorization?.startsWith('Bearer ')) return { status: 401 }
  if (!file) return { status: 404 }
  return { headers: { 'content-type': file.mime }, body: file.body }
}

function productAnswer(
  request: GraphRequest,
  call: ProviderCall,
  state: WhatsAppState,
  options: FakeWhatsAppOptions,
): Answer | undefined {
  const [, id = '', edge = ''] = /^\/(\d+)(?:\/(\w+))?$/.exec(request.path) ?? []
  const { accounts } = options
  const isKnown = !accounts || Object.hasOwn(accounts, id) || Object.values(accounts).flat().includes(id)
  const file = state.files.get(id)
  if (id === '' || (!isKnown && !file)) return undefined
  switch (`${request.method} /${edge}`) {
    case 'GET /':
      return file ? fileAnswer(id, file, call) : numberAnswer(id, state)
    case 'POST /':
      return setWebhook(id, request, state)
    case 'POST /messages':
      return takeMessage(id, request, state, options)
    case 'POST /media':
      return takeFile(request, state, options)
    case 'GET /phone_numbers': {
      const numbers = accounts ? (accounts[id] ?? []) : ['106540352242922', '206540352242922']
      return jsonAnswer(200, { data: numbers.map((number) => ({ id: number })) })
    }
    case 'POST /subscribed_apps':
      state.subscribed.add(id)
      return jsonAnswer(200, { success: true })
    default:
      return undefined
  }
}

const fileAnswer = (id: string, { mime, body }: StoredFile, { headers: { host } }: ProviderCall): Answer =>
  jsonAnswer(200, {
    ...{ messaging_product: 'whatsapp', url: `http://${host}/lookaside/${id}`, mime_type: mime },
    ...{ sha256: '0'.repeat(64), file_size: Buffer.byteLength(body), id },
  })

const numberAnswer = (id: string, { webhooks }: WhatsAppState): Answer =>
  jsonAnswer(200, {
    ...{ id, display_phone_number: '+1 555-078-3881', verified_name: 'Lucky Shrub' },
    webhook_configuration: {
      application: 'https://app.example/webhook',
      ...(webhooks.has(id) && { phone_number: webhooks.get(id) }),
    },
  })

/** https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/override/ */
function setWebhook(id: string, { json }: GraphRequest, { webhooks }: WhatsAppState): Answer {
  const { webhook_configuration: wanted } = (json ?? {}) as { webhook_configuration?: Record<string, string> }
  const { override_callback_uri: uri, verify_token: token } = wanted ?? {}
  if (uri === undefined) return graphRefusal(400, 100, 'Param webhook_configuration is missing')
  if (uri === '') webhooks.delete(id)
  else if (!uri.startsWith('https://') || !token)
    return graphRefusal(400, 100, 'The address must be https, with a verify token')
  else webhooks.set(id, uri)
  return jsonAnswer(200, { success: true })
}

const refusal = ([code, details]: Faulty): Answer =>
  graphRefusal(code === 131000 ? 500 : 400, code, 'refused', {
    error_data: { messaging_product: 'whatsapp', details },
  })

function takeMessage(
  by: string,
  { json }: GraphRequest,
  state: WhatsAppState,
  options: FakeWhatsAppOptions,
): Answer {
  const fault = messageFault(json, { ...options, files: state.files })
  if (fault) return refusal(fault)
  const message = json as SentMessage & { message_id?: string; typing_indicator?: object }
  if (message.message_id !== undefined) {
    state.reads.push({ id: message.message_id, isTyping: message.typing_indicator !== undefined })
    return jsonAnswer(200, { success: true })
  }
  const id = `wamid.${Buffer.from(`message ${state.messages.length + 1}`).toString('base64')}`
  state.messages.push({ ...message, by, id })
  const input = message.to ?? message.recipient ?? ''
  const number = input.replace(/^\+/, '')
  return jsonAnswer(200, {
    messaging_product: 'whatsapp',
    contacts: [
      message.recipient === undefined
        ? { input, wa_id: options.written?.[number] ?? number }
        : { input, user_id: input },
    ],
    messages: [{ id, message_status: 'accepted' }],
  })
}

function takeFile({ form }: GraphRequest, state: WhatsAppState, options: FakeWhatsAppOptions): Answer {
  const field = (name: string) => form?.find((part) => part.name === name)
  const file = field('file')
  if (field('messaging_product')?.body !== 'whatsapp' || !file?.fileName)
    return graphRefusal(400, 100, 'Param messaging_product and file are required')
  if (file.mime === undefined || field('type')?.body !== file.mime)
    return graphRefusal(400, 100, 'Param type must be the MIME type of the file')
  if (options.refusedUploads) return refusal([options.refusedUploads, 'the file'])
  const id = String(900_000_000 + state.files.size)
  state.files.set(id, { mime: file.mime, body: file.body, name: file.fileName })
  return jsonAnswer(200, { id })
}
