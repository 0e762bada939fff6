import {
  type Answer,
  type FakeProvider,
  type Fault,
  fakeProvider,
  type ProviderCall,
} from '@plugboard/core/testing'
import { FakeUpdates } from './fake-updates.js'
import { parseForm } from './form.js'
import { type Args, refusalOf } from './rules.js'

/** One call of the Bot API. */
interface ApiCall {
  token: string
  method: string
  args: Args
}

/** A file of the fake's: what `getFile` tells of it, and what is there. */
interface FakeFile {
  path: string
  body: string
  /** Where its download goes on to, as a strange server might have it. */
  redirect?: string
}

export interface FakeTelegramOptions {
  /** Tokens that are a bot's. Default: every one that has the form of a token. */
  tokens?: readonly string[]
  /** By file id. */
  files?: Readonly<Record<string, FakeFile>>
  /** As a Bot API server of one's own in its local mode, where a webhook may be http and have any port. */
  isLocal?: boolean
}

/** The Bot API on a port of this machine, which refuses what Telegram would. Give `url` to the channel as `apiRoot`. */
export interface FakeTelegram {
  readonly url: string
  /** Every call that came, whatever became of it. */
  readonly calls: readonly ApiCall[]
  /** Calls that showed something to a person. */
  readonly sent: readonly ApiCall[]
  /** The arguments of the last `setWebhook`, by token; gone after `deleteWebhook`. */
  readonly webhooks: ReadonlyMap<string, Args>
  /** Makes every call fail so; without a fault, calls go well again. */
  failWith: FakeProvider['failWith']
  /** Answers the next calls so, one after another, and does nothing else. */
  answerNext(...answers: Answer[]): void
  /** Gives an update to a bot that polls. Answers its number. */
  push(token: string, update: object): number
  /** Sets a webhook as another program would, and removes it. */
  setWebhook(token: string, url: string): void
  removeWebhook(token: string): void
  /** How many updates a bot that polls has not confirmed. */
  unconfirmed(token: string): number
  /** An update as Telegram would post it to the webhook of a bot. @throws when the bot has none. */
  update(token: string, update: object): { url: string; headers: Record<string, string>; body: string }
  close(): Promise<void>
}

const json = { headers: { 'content-type': 'application/json' } }

/** An answer of the Bot API that is no success. */
export const refusal = (error_code: number, description: string, parameters?: object): Answer => ({
  status: error_code,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ ok: false, error_code, description, ...(parameters && { parameters }) }),
})

/** The faults of a provider as Telegram has them. */
export const faultAnswers: Partial<Record<Fault, Answer>> = {
  unauthorized: refusal(401, 'Unauthorized'),
  'server-error': refusal(502, 'Bad Gateway'),
  'rate-limited': refusal(429, 'Too Many Requests'),
  'rate-limited-for-2-s': refusal(429, 'Too Many Requests: retry after 2', { retry_after: 2 }),
}

/** What a request asks for; undefined for one that is no call. */
export function callOf({ path, headers, body }: ProviderCall): ApiCall | undefined {
  const [, token = '', method = ''] = /^\/bot([^/]+)\/(\w+)$/.exec(path) ?? []
  if (!method) return undefined
  const contentType = headers['content-type'] ?? ''
  if (contentType.startsWith('multipart/')) return { token, method, args: parseForm(body, contentType) }
  return { token, method, args: body ? JSON.parse(body) : {} }
}

/** Whether a call that went well shows something. */
export const isVisible = (request: ProviderCall): boolean => {
  const call = callOf(request)
  return call !== undefined && /^send(?!ChatAction)/.test(call.method) && !refusalOf(call.method, call.args)
}

let lastMessageId = 1000

/** The answer to a request when nothing goes wrong but what is asked. */
export function answerTo(
  request: ProviderCall,
  { tokens, files = {}, isLocal = false }: FakeTelegramOptions = {},
): Answer {
  const isBot = (token: string) => (tokens ? tokens.includes(token) : /^\d+:[\w-]{30,}$/.test(token))
  const [, owner, path] = /^\/file\/bot([^/]+)\/(.+)$/.exec(request.path) ?? []
  if (owner !== undefined) return download(files, isBot(owner) ? decodeURIComponent(path ?? '') : undefined)
  const call = callOf(request)
  if (!call || !isBot(call.token))
    return call && /^\d+:/.test(call.token) ? refusal(401, 'Unauthorized') : refusal(404, 'Not Found')
  const wrong = isLocal && call.method === 'setWebhook' ? undefined : refusalOf(call.method, call.args)
  return wrong === undefined ? result(call, files) : refusal(400, wrong)
}

function download(files: Readonly<Record<string, FakeFile>>, path: string | undefined): Answer {
  const file = Object.values(files).find((each) => each.path === path)
  if (!file) return refusal(404, 'Not Found')
  if (file.redirect) return { status: 302, headers: { location: file.redirect } }
  return { headers: { 'content-type': 'application/octet-stream' }, body: file.body }
}

function result({ token, method, args }: ApiCall, files: Readonly<Record<string, FakeFile>>): Answer {
  const ok = (result: unknown): Answer => ({
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ok: true, result }),
  })
  const id = Number(token.split(':')[0])
  if (method === 'getMe') return ok({ id, is_bot: true, first_name: 'Plug', username: 'plug_bot' })
  if (method === 'getFile') return fileAnswer(String(args.file_id), files, ok)
  if (!/^send(?!ChatAction)/.test(method)) return ok(true)
  lastMessageId += 1
  const chat = { id: Number(args.chat_id) || -1, type: Number(args.chat_id) < 0 ? 'supergroup' : 'private' }
  return ok({
    message_id: lastMessageId,
    date: 1_795_334_400,
    chat,
    from: { id, is_bot: true, first_name: 'Plug' },
  })
}

function fileAnswer(
  fileId: string,
  files: Readonly<Record<string, FakeFile>>,
  ok: (result: unknown) => Answer,
): Answer {
  const file = files[fileId]
  if (!file) return refusal(400, 'Bad Request: wrong file_id or the file is temporarily unavailable')
  const size = Buffer.byteLength(file.body)
  if (size > 20 * 1024 * 1024) return refusal(400, 'Bad Request: file is too big')
  return ok({ file_id: fileId, file_unique_id: `u${fileId}`, file_size: size, file_path: file.path })
}

/** Starts a Bot API. */
export async function fakeTelegram(options: FakeTelegramOptions = {}): Promise<FakeTelegram> {
  const sent: ApiCall[] = []
  const webhooks = new Map<string, Args>()
  const next: Answer[] = []
  const updates = new FakeUpdates({
    webhookOf: (token) => webhooks.get(token)?.url as string | undefined,
    ok: (result) => ({ ...json, body: JSON.stringify({ ok: true, result }) }),
    refuse: refusal,
  })
  const answer = (request: ProviderCall): Answer | Promise<Answer> => {
    const own = next.shift()
    if (own) return own
    const given = answerTo(request, options)
    const call = callOf(request)
    if (!call || (given.status ?? 200) >= 300) return given
    if (isVisible(request)) sent.push(call)
    if (call.method === 'getUpdates') return updates.poll(call.token, call.args)
    if (call.method === 'getWebhookInfo')
      return { ...json, body: JSON.stringify({ ok: true, result: { url: '', ...webhooks.get(call.token) } }) }
    if (call.method === 'setWebhook') {
      webhooks.set(call.token, call.args)
      updates.webhookSet(call.token)
    }
    if (call.method === 'deleteWebhook') webhooks.delete(call.token)
    return given
  }
  const provider = await fakeProvider({ answer, faultAnswers })
  return {
    url: provider.url,
    get calls() {
      return provider.calls.flatMap((request) => callOf(request) ?? [])
    },
    sent,
    webhooks,
    failWith: (fault) => provider.failWith(fault),
    answerNext: (...answers) => void next.push(...answers),
    push: (token, update) => updates.add(token, update),
    setWebhook(token, url) {
      webhooks.set(token, { url })
      updates.webhookSet(token)
    },
    removeWebhook: (token) => void webhooks.delete(token),
    unconfirmed: (token) => updates.waiting(token),
    update(token, update) {
      const webhook = webhooks.get(token)
      if (!webhook) throw new Error('the bot has no webhook')
      const headers = {
        'content-type': 'application/json',
        'x-telegram-bot-api-secret-token': String(webhook.secret_token),
      }
      return { url: String(webhook.url), headers, body: JSON.stringify(update) }
    },
    close() {
      updates.close()
      return provider.close()
    },
  }
}
