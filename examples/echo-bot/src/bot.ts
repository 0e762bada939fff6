import { realpathSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import {
  createClient,
  type Payload,
  PlugboardApiError,
  type PlugboardClient,
  receiveWebhook,
  WebhookError,
  type WebhookEvent,
} from '@plugboard/client'

/** Options of `startEchoBot`. */
export interface EchoBotOptions {
  /** Address of the Plugboard server. */
  url: string
  clientId: string
  clientToken: string
  /**
   * The token that sync answered for this bot's webhook. A function is asked at each request: so a bot can
   * listen first, and be told its token once its own `url` is configured.
   */
  webhookToken: string | (() => string)
  /** Default 0: any free port. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
}

/** A running bot that pulls its events. `done` rejects when it cannot continue. */
export interface PullingEchoBot {
  readonly done: Promise<void>
  close(): Promise<void>
}

/**
 * A running bot. `url` is what to give to sync as webhook; `close` ends it once the requests at work are
 * answered.
 */
export interface EchoBot {
  url: string
  close(): Promise<void>
}

const WEBHOOK_PATH = '/webhook'
const MAX_BODY_BYTES = 1024 * 1024
const MAX_REMEMBERED_EVENTS = 10_000

/** Starts a bot that answers each message of a user with its words. */
export async function startEchoBot(options: EchoBotOptions): Promise<EchoBot> {
  const { url, clientId, clientToken, webhookToken, port = 0, host = '127.0.0.1' } = options
  const handleOnce = onceById(echoOf(createClient({ url, clientId, clientToken })))

  const server = createServer(async (request, response) => {
    const status = await answer(request).catch(statusOf)
    // Whatever is left of a refused body is not read: the connection goes with it.
    if (!request.complete) response.setHeader('connection', 'close')
    response.writeHead(status).end()
  })

  async function answer(request: IncomingMessage): Promise<number> {
    if (request.method !== 'POST' || request.url !== WEBHOOK_PATH) return 404
    const body = await readBody(request)
    if (body === undefined) return 413
    const token = typeof webhookToken === 'string' ? webhookToken : webhookToken()
    await handleOnce(await receiveWebhook({ headers: request.headers, body }, { token }))
    return 204
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: actualPort } = server.address() as AddressInfo
  return {
    url: `http://${host}:${actualPort}${WEBHOOK_PATH}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Starts a bot without an address. Its client needs the webhook `{ mode: 'pull' }`. */
export function startPullingEchoBot(
  options: Pick<EchoBotOptions, 'url' | 'clientId' | 'clientToken'>,
): PullingEchoBot {
  const plugboard = createClient(options)
  const handleOnce = onceById(echoOf(plugboard))
  const onError = (error: unknown, event?: object) =>
    console.error(
      event ? 'event not handled, trying again:' : 'cannot read events, trying again:',
      error instanceof Error ? error.message : error,
    )
  const { done, stop } = plugboard.pull((event) => handleOnce(event).catch(unlessGone), { onError })
  return { done, close: stop }
}

/** Answers each message of a user with its words. */
function echoOf(plugboard: PlugboardClient): (event: WebhookEvent) => Promise<void> {
  return async (event) => {
    // A message without author is the bot's own: to answer it would never end.
    if (event.type !== 'message.new' || !event.data.message.authorId) return
    const { message, collect } = event.data
    const payload = { type: 'text', text: `You said: ${wordsOf(message.payload)}` } as const
    const { id: incomingId, conversationId } = message
    // The key outlives a restart of the bot, which `onceById` does not.
    const idempotencyKey = `echo-${event.id}`
    await plugboard.messages.post({ conversationId, payload, incomingId }, { idempotencyKey })
    if (collect) await plugboard.messages.endTurn(incomingId)
  }
}

/** The conversation or the message was deleted, so there is nothing to answer. */
function unlessGone(error: unknown): void {
  if (!(error instanceof PlugboardApiError) || error.status !== 404) throw error
}

/**
 * Handles an event once, however often it comes: also while the first is at work. One that failed is
 * forgotten.
 */
function onceById(handle: (event: WebhookEvent) => Promise<void>): (event: WebhookEvent) => Promise<void> {
  const handled = new Map<string, Promise<void>>()
  return (event) => {
    const known = handled.get(event.id)
    if (known) return known
    const handling = handle(event).catch((error) => {
      handled.delete(event.id)
      throw error
    })
    handled.set(event.id, handling)
    const [oldest] = handled.keys()
    if (handled.size > MAX_REMEMBERED_EVENTS && oldest !== undefined) handled.delete(oldest)
    return handling
  }
}

/** Status to answer a failed event with. Plugboard sends again whatever does not end in 2xx. */
function statusOf(error: unknown): number {
  if (error instanceof WebhookError) return error.status
  // The conversation or the message was deleted, so there is nothing to answer.
  if (error instanceof PlugboardApiError && error.status === 404) return 204
  console.error('event not handled:', error instanceof Error ? error.message : error)
  return 503
}

function wordsOf(payload: Payload): string {
  if ('text' in payload && typeof payload.text === 'string') return payload.text
  return `(${payload.type ?? 'something without words'})`
}

/** The raw body, which the signature is over; undefined when it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function env(name: string): string {
  const value = process.env[name]
  if (value) return value
  console.error(`${name} is not set`)
  process.exit(1)
}

async function main(): Promise<void> {
  const options = { url: env('PLUGBOARD_URL'), clientId: env('CLIENT_ID'), clientToken: env('CLIENT_TOKEN') }
  const { WEBHOOK_TOKEN: webhookToken, PORT: port = '4100' } = process.env
  const bot = webhookToken
    ? await startEchoBot({ ...options, webhookToken, port: Number(port) })
    : startPullingEchoBot(options)
  console.log('url' in bot ? `echo bot listens on ${bot.url}` : 'echo bot pulls its events')
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void bot.close())
  if ('done' in bot) await bot.done
}

const [, script] = process.argv
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) await main()
