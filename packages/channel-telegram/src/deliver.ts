import { type DeliveryContext, isJsonObject, type JsonObject, type Part, type Sent } from '@plugboard/core'
import { z } from 'zod'
import { ApiError, call, type Session } from './api.js'
import type { Config } from './config.js'
import { chatOf, messageKey } from './endpoint.js'
import { clean } from './formatted-text.js'
import { fieldOf } from './outbound.js'
import { openUpload, type Upload } from './upload.js'

type Send = (method: string, args: object, signal?: AbortSignal) => Promise<unknown>

/**
 * Sends one message. If Telegram rejects its form, the same attempt sends a simpler one: a text without entities, an
 * upload instead of the file's address, and finally a text with the address.
 */
export function deliver(fetch: typeof globalThis.fetch) {
  return async (part: Part, context: DeliveryContext<Config, Session>): Promise<Sent> => {
    const send = sender(context)
    const args = isJsonObject(part.args) ? part.args : {}
    try {
      return idOf(await send(part.call, args))
    } catch (error) {
      if (isRefused(error, ENTITIES)) return idOf(await send(part.call, withoutEntities(args)))
      const field = isMediaMethod(part.call) ? fieldOf[part.call] : undefined
      if (field === undefined || !isRefused(error, MEDIA)) throw error
      const url = String(args[field])
      const isNoPicture = isRefused(error, /DIMENSIONS|IMAGE_PROCESS/i)
      const uploaded = await openUpload(fetch, url, context.signal)
      const method = isNoPicture || uploaded?.isLarge ? 'sendDocument' : part.call
      const rest = { ...args, [field]: undefined }
      return idOf(
        (uploaded && (await sendUpload(send, method, rest, uploaded))) ?? (await sendLink(send, args, url)),
      )
    }
  }
}

const isMediaMethod = (method: string): method is keyof typeof fieldOf => method in fieldOf

/** Sends to the new id of a group that became a supergroup; Telegram returns it with the error. */
function sender({ integration, endpoint, signal }: DeliveryContext<Config, Session>): Send {
  let chat = chatOf(endpoint.thread)
  return async (method, args, ownSignal = signal) => {
    try {
      return await call(integration.session, method, { ...args, ...chat }, ownSignal)
    } catch (error) {
      const to = error instanceof ApiError ? error.details.migratedTo : undefined
      if (to === undefined || to === chat.chat_id) throw error
      chat = { chat_id: to }
      return call(integration.session, method, { ...args, ...chat }, ownSignal)
    }
  }
}

const ENTITIES = /can't parse|ENTIT(Y|IES)_/i

/** Telegram could not download a file, or the method does not support its format. */
const MEDIA =
  /wrong (file|remote file|type of)|HTTP URL|wrong file|PHOTO_|IMAGE_|WEBPAGE_|MEDIA_|FILE_|DIMENSIONS|file is too big|file of type|VOICE_MESSAGES_FORBIDDEN|Request Entity Too Large/i

function isRefused(error: unknown, why: RegExp): boolean {
  if (!(error instanceof ApiError)) return false
  const { status, description = '' } = error.details
  return (status === 400 || status === 413) && why.test(description)
}

function withoutEntities({ entities: _, caption_entities: __, ...args }: JsonObject): JsonObject {
  return args
}

/** Undefined if the file was certainly not sent: Telegram ignores a request that breaks off. */
async function sendUpload(send: Send, method: string, args: object, file: Upload): Promise<unknown> {
  const field = isMediaMethod(method) ? fieldOf[method] : 'document'
  try {
    return await send(method, { ...args, [field]: { source: file.source, filename: file.name } }, file.signal)
  } catch (error) {
    if (file.isBroken() || isRefused(error, MEDIA)) return undefined
    throw error
  } finally {
    file.source.destroy()
  }
}

/** Sends the caption of a file, and its address. */
function sendLink(send: Send, args: JsonObject, url: string): Promise<unknown> {
  const { caption, caption_entities: entities, reply_markup } = args
  const text = typeof caption === 'string' ? `${caption}\n${clean(url)}` : clean(url)
  return send('sendMessage', { text, entities, reply_markup })
}

const sentSchema = z.object({ message_id: z.int(), chat: z.object({ id: z.int() }) })

function idOf(result: unknown): Sent {
  const sent = sentSchema.safeParse(result)
  return { providerMessageIds: sent.success ? [messageKey(sent.data)] : [] }
}

/** Shown for five seconds, or until a message is sent. */
export async function indicateTyping({
  integration,
  endpoint,
  signal,
}: DeliveryContext<Config, Session>): Promise<void> {
  const args = { ...chatOf(endpoint.thread), action: 'typing' }
  await call(integration.session, 'sendChatAction', args, signal)
}
