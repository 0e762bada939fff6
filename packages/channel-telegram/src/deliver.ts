import { type DeliveryContext, isJsonObject, type Part, type Sent } from '@plugboard/core'
import { z } from 'zod'
import { ApiError, call, type Session } from './api.js'
import type { Config } from './config.js'
import { type Chat, chatOf, messageKey } from './endpoint.js'
import { fieldOf } from './outbound.js'
import {
  type FileForm,
  type Form,
  isAboutFile,
  isFile,
  needsDocument,
  secondForm,
  urlOf,
} from './second-form.js'
import { openUpload } from './upload.js'

type Context = DeliveryContext<Config, Session>
type Send = (method: string, args: object, signal?: AbortSignal) => Promise<unknown>

/**
 * Sends one message. If Telegram rejects its content, the same attempt sends simpler forms of it, until Telegram accepts
 * one, or there is none.
 */
export function deliver(fetch: typeof globalThis.fetch) {
  return async (part: Part, context: Context): Promise<Sent> => {
    const { send, movedTo } = sender(context)
    let form: Form = { call: part.call, args: isJsonObject(part.args) ? part.args : {} }
    for (;;) {
      try {
        return sentOf(await sendForm(form, send, fetch, context.signal), context, movedTo())
      } catch (error) {
        const next = secondForm(form, error)
        if (!next) throw error
        form = next
      }
    }
  }
}

/** A file that Telegram does not take by its address is uploaded. */
async function sendForm(
  form: Form,
  send: Send,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await send(form.call, form.args)
  } catch (error) {
    if (!isFile(form) || !isAboutFile(error)) throw error
    return upload(form, error, send, fetch, signal)
  }
}

/** Throws `refusal` if the file was certainly not sent: Telegram ignores a request that breaks off. */
async function upload(
  { call: original, args, ...form }: FileForm,
  refusal: unknown,
  send: Send,
  fetch: typeof globalThis.fetch,
  signal: AbortSignal,
): Promise<unknown> {
  const file = await openUpload(fetch, urlOf({ call: original, args, ...form }), signal)
  if (!file) throw refusal
  const method = needsDocument(refusal) || file.isLarge ? 'sendDocument' : original
  const { [fieldOf[original]]: _, ...rest } = args
  try {
    return await send(
      method,
      { ...rest, [fieldOf[method]]: { source: file.source, filename: file.name } },
      file.signal,
    )
  } catch (error) {
    throw file.isBroken() ? refusal : error
  } finally {
    file.source.destroy()
  }
}

/** How often one call is repeated elsewhere. A chat that has moved and moves again cannot be reached. */
const MAX_MOVES = 1

/** Calls for the chat of an endpoint, and where Telegram says that the chat is now. */
function sender({ integration, endpoint, signal }: Context): { send: Send; movedTo(): string | undefined } {
  let chat = chatOf(endpoint.thread)
  const before = chat.chat_id
  const send: Send = async (method, args, ownSignal = signal) => {
    for (let moves = 0; ; moves += 1) {
      try {
        return await call(integration.session, method, { ...args, ...chat }, ownSignal)
      } catch (error) {
        const next = moves < MAX_MOVES ? nextChat(chat, error) : undefined
        if (!next) throw error
        chat = next
      }
    }
  }
  return { send, movedTo: () => (chat.chat_id === before ? undefined : chat.chat_id) }
}

/** A topic that does not exist any more, or that the bot cannot see. A closed one exists. */
const NO_TOPIC =
  /(?:thread|topic) not found|topic_(?:deleted|id_invalid)|can't access the topic|forum topic identifier/i

/** The chat without its topic, or with the new id of a group that became a supergroup. */
function nextChat(chat: Chat, error: unknown): Chat | undefined {
  if (!(error instanceof ApiError)) return undefined
  const { status, description = '', migratedTo } = error.details
  if (migratedTo !== undefined && migratedTo !== chat.chat_id) return { chat_id: migratedTo }
  const isGone = status === 400 && NO_TOPIC.test(description)
  return isGone && chat.message_thread_id !== undefined ? { chat_id: chat.chat_id } : undefined
}

const sentSchema = z.object({ message_id: z.int(), chat: z.object({ id: z.int() }) })

function sentOf(result: unknown, { endpoint }: Context, thread: string | undefined): Sent {
  const sent = sentSchema.safeParse(result)
  return {
    providerMessageIds: sent.success ? [messageKey(sent.data)] : [],
    ...(thread !== undefined && { movedTo: { ...endpoint, thread } }),
  }
}

/** Shown for five seconds, or until a message is sent. */
export async function indicateTyping(context: Context): Promise<void> {
  await sender(context).send('sendChatAction', { action: 'typing' })
}
