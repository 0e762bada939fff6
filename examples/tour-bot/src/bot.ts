import { realpathSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import {
  createClient,
  type Payload,
  PlugboardApiError,
  receiveWebhook,
  WebhookError,
  type WebhookEvent,
} from '@plugboard/client'
import { stepsAfter, type TourFiles, tourOf } from './tour.js'

/** Options of `startTourBot`. */
export interface TourBotOptions {
  /** Address of the Plugboard server. */
  url: string
  clientId: string
  clientToken: string
  /** The token that sync returned for this bot's webhook. A function is called at each request. */
  webhookToken: string | (() => string)
  files: TourFiles
  /** Default 0: any free port. */
  port?: number
}

const MAX_BODY_BYTES = 1024 * 1024

/** Starts a bot that shows each kind of content. `url` is the webhook to sync. */
export async function startTourBot(
  options: TourBotOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const { url, clientId, clientToken, webhookToken, files, port = 0 } = options
  const plugboard = createClient({ url, clientId, clientToken })
  const tour = tourOf(files)

  async function handle(event: WebhookEvent): Promise<void> {
    if (event.type === 'conversation.started') return answer(event.id, event.data.conversationId, {})
    // A message without an author is the bot's own.
    if (event.type !== 'message.new' || !event.data.message.authorId) return
    const { message, collect } = event.data
    await answer(event.id, message.conversationId, message.payload, message.id)
    if (collect) await plugboard.messages.endTurn(message.id)
  }

  /** An event that comes again makes the same requests with the same keys, so nothing is shown twice. */
  async function answer(eventId: string, conversationId: string, payload: Payload, incomingId?: string) {
    for (const [n, { content, editedTo, isRemoved }] of stepsAfter(payload, tour).entries()) {
      const { id } = await plugboard.messages.post(
        { conversationId, payload: content, ...(incomingId !== undefined && { incomingId }) },
        { idempotencyKey: `tour-${eventId}-${n}` },
      )
      if (editedTo) await plugboard.messages.edit(id, editedTo)
      if (isRemoved) await plugboard.messages.delete(id)
    }
  }

  const server = createServer(async (request, response) => {
    const status = await receive(request).catch(statusOf)
    if (!request.complete) response.setHeader('connection', 'close')
    response.writeHead(status).end()
  })

  async function receive(request: IncomingMessage): Promise<number> {
    const body = await readBody(request)
    if (body === undefined) return 413
    const token = typeof webhookToken === 'string' ? webhookToken : webhookToken()
    await handle(await receiveWebhook({ headers: request.headers, body }, { token }))
    return 204
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Plugboard repeats an event that is not answered with 2xx. */
function statusOf(error: unknown): number {
  if (error instanceof WebhookError) return error.status
  // The conversation or the message was deleted, so there is nothing to answer.
  if (error instanceof PlugboardApiError && error.status === 404) return 204
  console.error('event not handled:', error instanceof Error ? error.message : error)
  return 503
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
  const files = env('FILES_URL')
  const bot = await startTourBot({
    ...{ url: env('PLUGBOARD_URL'), clientId: env('CLIENT_ID'), clientToken: env('CLIENT_TOKEN') },
    ...{ webhookToken: env('WEBHOOK_TOKEN'), port: Number(process.env.PORT ?? 4200) },
    files: {
      ...{ image: `${files}/picture.png`, audio: `${files}/sound.mp3` },
      ...{ video: `${files}/film.mp4`, document: `${files}/document.pdf` },
    },
  })
  console.log(`tour bot listens on ${bot.url}`)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void bot.close())
}

const [, script] = process.argv
if (script !== undefined && realpathSync(script) === fileURLToPath(import.meta.url)) await main()
