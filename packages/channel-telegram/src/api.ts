import { Agent } from 'node:https'
import { AnswerTooLarge, readAnswer } from '@plugboard/core'
import { Telegram } from 'telegraf'
import { type Config, type Options, webhookSecret } from './config.js'

/** The only part of the SDK that is used: a call that can be aborted. */
interface Client {
  callApi(method: string, args: object, options: { signal: AbortSignal }): Promise<unknown>
}

/** What an integration needs for its calls. */
export interface Session {
  client: Client
  /** Telegram sends it with each update. */
  secret: string
  /** Base address of files; contains the token. */
  files: string
  /** Base address of methods; contains the token. */
  methods: string
}

/** Characters of a token; others would change the path of a call. */
const TOKEN = /^[\w:-]{1,256}$/

/** Creates sessions that share one connection pool. */
export function connect({ apiRoot }: Options): (config: Config) => Session {
  const https = new Agent({ keepAlive: true })
  return (config) => {
    const { botToken } = config
    const root = `${apiRoot}/`
    const client = new Telegram(botToken, { apiRoot: root })
    // The SDK follows redirects to any address, with the message. Its transport, node-fetch, asks this function before
    // each hop (https://github.com/node-fetch/node-fetch/tree/2.x#custom-agent); Telegraf's type knows agents only.
    const agent = ({ href, protocol }: URL) => {
      if (!href.startsWith(`${root}bot`)) throw new Redirected()
      return protocol === 'https:' ? https : undefined
    }
    Object.assign(client.options, { agent })
    return {
      client: TOKEN.test(botToken) ? (client as unknown as Client) : nobody,
      secret: webhookSecret(config),
      files: `${root}file/bot${botToken}/`,
      methods: `${root}bot${botToken}/`,
    }
  }
}

/** For a text that cannot be a token: the answer that Telegram would send. */
const nobody: Client = {
  callApi: () => Promise.reject({ response: { error_code: 401, description: 'Unauthorized' } }),
}

class Redirected extends Error {
  override readonly name = 'Redirected'
  readonly code = 'REDIRECTED'
}

interface ApiErrorDetails {
  /** Status of the answer, if there was one. */
  status?: number | undefined
  description?: string | undefined
  retryAfterMs?: number | undefined
  /** New id of a group that became a supergroup. */
  migratedTo?: string | undefined
  /** Why there was no answer. */
  code?: string | undefined
  /** Whether the call was about a group, which has its own rate limit. */
  isGroup?: boolean
}

/**
 * A failed call. It has no `cause`, because errors of the SDK contain an address with the token and the person's text.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly method: string
  readonly details: ApiErrorDetails

  constructor(method: string, details: ApiErrorDetails) {
    const { status, description, code } = details
    const answer = `Telegram answered ${status} to ${method}${description ? `: ${description}` : ''}`
    super(status === undefined ? `no answer to ${method} from Telegram${code ? ` (${code})` : ''}` : answer)
    this.method = method
    this.details = details
  }

  /** Why there was no answer. */
  get code(): string | undefined {
    return this.details.code
  }
}

/** Calls a method of the Bot API. @throws ApiError */
export async function call(
  { client }: Session,
  method: string,
  args: object,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await client.callApi(method, args, { signal })
  } catch (error) {
    const isGroup = 'chat_id' in args && String(args.chat_id).startsWith('-')
    throw new ApiError(method, { ...detailsOf(error), isGroup })
  }
}

/** Most bytes of an answer that are read. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024

/**
 * Calls a method with the `fetch` of the host, which waits longer than the SDK's calls may.
 * @throws ApiError, AnswerTooLarge
 */
export async function longCall(
  { client, methods }: Session,
  method: string,
  args: object,
  { fetch, signal }: { fetch: typeof globalThis.fetch; signal: AbortSignal },
): Promise<unknown> {
  if (client === nobody) throw new ApiError(method, { status: 401, description: 'Unauthorized' })
  let answer: unknown
  try {
    const response = await fetch(methods + method, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(args),
      signal,
    })
    const text = new TextDecoder().decode(await readAnswer(response, MAX_ANSWER_BYTES))
    if (response.status >= 300 && response.status < 400) throw new Redirected()
    answer = parse(text) ?? (response.ok ? undefined : { error_code: response.status })
    if (answer === undefined) throw Object.assign(new Error('not JSON'), { code: 'invalid-json' })
  } catch (error) {
    if (error instanceof AnswerTooLarge) throw error
    throw new ApiError(method, detailsOf(error))
  }
  if (at(answer, 'ok') === true) return at(answer, 'result')
  throw new ApiError(method, detailsOf({ response: answer }))
}

/** Undefined for what is no JSON, such as the page of a proxy. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Longest wait: a day. */
const MAX_RETRY_AFTER_S = 86_400

function detailsOf(error: unknown): ApiErrorDetails {
  const response = at(error, 'response')
  const status = at(response, 'error_code')
  if (typeof status !== 'number') return { code: codeOf(error) }
  const parameters = at(response, 'parameters')
  const seconds = at(parameters, 'retry_after')
  const chat = at(parameters, 'migrate_to_chat_id')
  return {
    status,
    description: describe(at(response, 'description')),
    retryAfterMs:
      typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) * 1000 : undefined,
    migratedTo: Number.isSafeInteger(chat) ? String(chat) : undefined,
  }
}

/** Errors inherit some of their properties. */
const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

/** `ECONNRESET`, `AbortError`, `invalid-json`: a code that says why there is no answer. */
function codeOf(error: unknown): string | undefined {
  const words = [at(error, 'code'), at(at(error, 'cause'), 'code'), at(error, 'type'), at(error, 'name')]
  return words.find((word): word is string => typeof word === 'string' && /^[\w-]{1,60}$/.test(word))
}

/** Telegram's description of the error, cut before the first quotation, which may be of the message. */
function describe(description: unknown): string | undefined {
  if (typeof description !== 'string') return undefined
  const [unquoted = ''] = description.split(/["“«`]|(?<!\w)'/)
  return unquoted.slice(0, 200).trim().toWellFormed()
}
