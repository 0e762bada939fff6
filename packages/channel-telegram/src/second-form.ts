import { type Content, degrade, isJsonObject, type Json, type JsonObject, truncate } from '@plugboard/core'
import { ApiError } from './api.js'
import { isAboutRecipient } from './failure.js'
import { clean, isVisible } from './formatted-text.js'
import { MAX_CAPTION, MAX_TEXT } from './limits.js'
import { fieldOf } from './outbound.js'

/** A call that shows a message, without its chat. */
export interface Form {
  call: string
  args: JsonObject
}

/** A form with a file. */
export type FileForm = Form & { call: keyof typeof fieldOf }

export const isFile = (form: Form): form is FileForm => Object.hasOwn(fieldOf, form.call)

/** The address of the file. */
export const urlOf = ({ call, args }: FileForm): string => String(args[fieldOf[call]])

/*
 * Telegram does not list its errors. These are from https://github.com/tdlib/telegram-bot-api, from
 * https://github.com/tdlib/td, and from the methods messages.sendMessage and messages.sendMedia of MTProto.
 */
const ENTITIES = /can't parse|ENTIT(?:Y|IES)_/i
const BUTTONS = /button|reply.?markup|inline keyboard/i
/** The chat forbids this kind of content, and may allow text. */
const KIND = /not enough rights to send (?!text)|CHAT_SEND_(?!PLAIN)\w+_FORBIDDEN/i
const CAPTION = /caption.*too.?long/i
const LINK = /wrong http url/i

/** Why Telegram rejected the content of a message; undefined for other errors. */
function refusalOf(error: unknown): string | undefined {
  if (!(error instanceof ApiError)) return undefined
  const { status, description = '' } = error.details
  return status === 400 || status === 413 ? description : undefined
}

/** Whether Telegram could not download the file of a form, or does not take it in this form. */
export function isAboutFile(error: unknown): boolean {
  const reason = refusalOf(error)
  if (reason === undefined) return false
  const others = [ENTITIES, BUTTONS, KIND, CAPTION]
  return !others.some((other) => other.test(reason)) && !isAboutRecipient(error)
}

/** Whether only a document can have this file: a picture with an odd size, or a voice message that the person forbids. */
export const needsDocument = (error: unknown): boolean =>
  /DIMENSIONS|IMAGE_PROCESS|VOICE_MESSAGES_FORBIDDEN/i.test(refusalOf(error) ?? '')

/**
 * A simpler form of a message that Telegram rejected: without formats, with links and labels as text instead of buttons,
 * a file or a place as text. Undefined if there is none. Each form has less that can be rejected, so this comes to an end.
 */
export function secondForm(form: Form, error: unknown): Form | undefined {
  const reason = refusalOf(error)
  if (reason === undefined) return undefined
  if (ENTITIES.test(reason)) return withoutEntities(form)
  const isFileForm = isFile(form)
  if (BUTTONS.test(reason) || (LINK.test(reason) && !isFileForm)) return withoutButtons(form)
  if (isAboutRecipient(error) && !KIND.test(reason)) return undefined
  if (isFileForm) return linkForm(form)
  return /^send(?:Location|Venue)$/.test(form.call) ? placeForm(form) : undefined
}

function withoutEntities({ call, args }: Form): Form | undefined {
  const { entities, caption_entities, ...rest } = args
  return entities === undefined && caption_entities === undefined ? undefined : { call, args: rest }
}

/** The caption of a file, and its address. */
function linkForm(form: FileForm): Form {
  const { caption, caption_entities: entities, reply_markup } = form.args
  const url = clean(urlOf(form))
  const text = typeof caption === 'string' ? `${caption}\n${url}` : url
  return {
    call: 'sendMessage',
    args: {
      text: truncate(text, MAX_TEXT),
      ...(entities !== undefined && { entities }),
      ...(reply_markup !== undefined && { reply_markup }),
    },
  }
}

/** As core writes a place where a channel has none. */
function placeForm({ args }: Form): Form | undefined {
  const place = { ...args, type: 'location' }
  const [content] = degrade(place, { content: ['text'], maxTextLength: MAX_TEXT })?.contents ?? []
  return content && { call: 'sendMessage', args: { text: clean(textOf(content)) } }
}

const textOf = (content: Content): string => (content.type === 'text' ? content.text : '')

/** First without links, which Telegram rejects most often; then without any button. */
function withoutButtons(form: Form): Form | undefined {
  const { reply_markup, ...args } = form.args
  const rows = rowsOf(reply_markup)
  const links = rows.flat().flatMap(({ text, url }) => (url === undefined ? [] : [[text, url].join(': ')]))
  if (links.length > 0) {
    const others = rows
      .map((row) => row.filter(({ url }) => url === undefined))
      .filter((row) => row.length > 0)
    const markup = others.length > 0 ? { reply_markup: { inline_keyboard: others } } : {}
    return withLines({ call: form.call, args: { ...args, ...markup } }, links)
  }
  const labels = rows.flat().map(({ text }) => `- ${text}`)
  return reply_markup === undefined ? undefined : withLines({ call: form.call, args }, labels)
}

type Button = JsonObject & { text: string; url?: string }

const isButton = (value: Json): value is Button =>
  isJsonObject(value) &&
  typeof value.text === 'string' &&
  (value.url === undefined || typeof value.url === 'string')

const rowsOf = (markup: Json | undefined): Button[][] => {
  const rows = markup !== undefined && isJsonObject(markup) ? markup.inline_keyboard : undefined
  return Array.isArray(rows) ? rows.map((row) => (Array.isArray(row) ? row.filter(isButton) : [])) : []
}

/** Adds lines to the text of a form. A caption that would be too long goes with the address of the file. */
function withLines(form: Form, lines: readonly string[]): Form {
  if (isFile(form)) {
    const caption = joined(form.args.caption, lines)
    const captioned: FileForm = { ...form, args: { ...form.args, caption } }
    return caption.length <= MAX_CAPTION ? captioned : linkForm(captioned)
  }
  const text = truncate(joined(form.args.text, lines), MAX_TEXT)
  return { call: form.call, args: { ...form.args, text } }
}

const joined = (text: unknown, lines: readonly string[]): string =>
  [typeof text === 'string' && isVisible(text) ? text : '', ...lines].filter(Boolean).join('\n')
