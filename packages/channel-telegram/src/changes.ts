import { type DeliveryContext, FailureError, isJsonObject, type Part, type SentPart } from '@plugboard/core'
import { ApiError, call, type Session } from './api.js'
import type { Config } from './config.js'
import type { fieldOf } from './outbound.js'
import { type Form, isFile, secondForm, urlOf } from './second-form.js'

type Context = DeliveryContext<Config, Session>

/** Where a sent message is, as arguments of a call. */
interface Place {
  chat_id: string
  message_id: number
}

/**
 * Changes a message: its text, its file with the caption, or a text into a file. If Telegram rejects the content, the same
 * attempt tries simpler forms of it, as `deliver` does.
 */
export async function edit(
  sent: SentPart,
  part: Part,
  context: Context,
): Promise<{ providerMessageIds: [] }> {
  const place = placeOf(sent)
  let form: Form = { call: part.call, args: isJsonObject(part.args) ? part.args : {} }
  for (;;) {
    try {
      await call(context.integration.session, ...editOf(form, place), context.signal)
      return { providerMessageIds: [] }
    } catch (error) {
      if (isAbout(error, NOT_MODIFIED)) return { providerMessageIds: [] }
      const next = secondForm(form, error)
      if (!next) throw error
      form = next
    }
  }
}

/** Deletes a message. Telegram deletes messages of the last 48 hours only. */
export async function remove(sent: SentPart, { integration, signal }: Context): Promise<void> {
  try {
    await call(integration.session, 'deleteMessage', placeOf(sent), signal)
  } catch (error) {
    if (!isAbout(error, DELETED)) throw error
  }
}

/*
 * Telegram does not list its errors. These are from https://github.com/tdlib/telegram-bot-api and
 * https://github.com/tdlib/td.
 */
const NOT_MODIFIED = /message is not modified/i
const DELETED = /message to delete not found/i

const isAbout = (error: unknown, description: RegExp): boolean =>
  error instanceof ApiError &&
  error.details.status === 400 &&
  description.test(error.details.description ?? '')

/** @throws FailureError if the id is not one of a message of Telegram */
function placeOf({ providerMessageIds: [id = ''] }: SentPart): Place {
  const [, chat_id, message] = /^(-?\d+):(\d+)$/.exec(id) ?? []
  if (chat_id === undefined || message === undefined)
    throw new FailureError({ kind: 'invalid', message: 'the id of the message is none of Telegram' })
  return { chat_id, message_id: Number(message) }
}

/** Kinds of files that may take the place of another message. */
const KINDS: Readonly<Partial<Record<keyof typeof fieldOf, string>>> = {
  sendPhoto: 'photo',
  sendAnimation: 'animation',
  sendAudio: 'audio',
  sendVideo: 'video',
  sendDocument: 'document',
}

/** The method and its arguments. @throws FailureError for what no message can become */
function editOf(form: Form, place: Place): [method: string, args: object] {
  const { call: method, args } = form
  if (method === 'sendMessage') return ['editMessageText', { ...args, ...place }]
  const type = isFile(form) ? KINDS[form.call] : undefined
  if (!isFile(form) || type === undefined)
    throw new FailureError({
      kind: 'invalid',
      message: 'Telegram cannot change a message into a place or a voice message',
    })
  const { caption, caption_entities, reply_markup } = args
  const media = {
    ...{ type, media: urlOf(form) },
    ...(caption !== undefined && { caption }),
    ...(caption_entities !== undefined && { caption_entities }),
  }
  return ['editMessageMedia', { media, ...(reply_markup !== undefined && { reply_markup }), ...place }]
}
