import type { JsonObject } from '@plugboard/core'
import { z } from 'zod'
import { messageKey } from './endpoint.js'
import { at } from './property.js'
import { wordsOfTexts } from './rich-message.js'

const text = z.string().optional().catch(undefined)

export const userSchema = z.object({
  id: z.int(),
  is_bot: z.boolean().optional(),
  first_name: text,
  last_name: text,
  username: text,
  language_code: text,
})
export const chatSchema = z.object({
  id: z.int(),
  title: text,
  username: text,
  first_name: text,
  last_name: text,
})
const keyedSchema = z.object({ message_id: z.int().min(1), chat: z.object({ id: z.int() }) })

const originSchema = z.object({
  date: z.int().min(0).max(8_640_000_000_000).optional().catch(undefined),
  sender_user: userSchema.optional().catch(undefined),
  sender_user_name: text,
  sender_chat: chatSchema.optional().catch(undefined),
  chat: chatSchema.optional().catch(undefined),
  message_id: z.int().min(1).optional().catch(undefined),
  author_signature: text,
})
const storySchema = z.object({ id: z.int(), chat: chatSchema })
const quoteSchema = z.object({ text, rich_texts: z.array(z.unknown()).max(100).optional().catch(undefined) })

interface Named {
  first_name?: string | undefined
  last_name?: string | undefined
}

/** Names of a person; empty if there are none. */
export const nameOf = ({ first_name, last_name }: Named): string =>
  [first_name, last_name].filter(Boolean).join(' ')

export const titleOf = (chat: z.infer<typeof chatSchema>): string =>
  chat.title || nameOf(chat) || (chat.username ? `@${chat.username}` : '')

/** What a message is about besides its own content: the message that it replies to, and where it was forwarded from. */
export function contextOf(message: object): JsonObject {
  const story = storySchema.safeParse(at(message, 'reply_to_story')).data
  const elsewhere = at(message, 'external_reply')
  const quote = quoteOf(at(message, 'quote'))
  const replyTo = replyKey(message) ?? keyOf(elsewhere)
  const from = elsewhere === undefined ? story && storyOf(story) : externalOf(elsewhere)
  const forwarded = originOf(at(message, 'forward_origin'))
  const part = at(message, 'reply_to_checklist_task_id') ?? at(message, 'reply_to_poll_option_id')
  return {
    ...(replyTo && { replyTo }),
    ...((typeof part === 'number' || typeof part === 'string') && { replyToPart: String(part) }),
    ...(quote && { quote }),
    ...(from && { externalReply: from }),
    ...(forwarded && { forwardedFrom: forwarded }),
  }
}

/** Telegram marks every message of a topic as a reply to the first. */
function replyKey(message: object): string | undefined {
  const { data } = keyedSchema.safeParse(at(message, 'reply_to_message'))
  return data && data.message_id !== at(message, 'message_thread_id') ? messageKey(data) : undefined
}

function keyOf(value: unknown): string | undefined {
  const { data } = keyedSchema.safeParse(value)
  return data && messageKey(data)
}

/** The quoted part; of a rich message, the texts of its parts. */
function quoteOf(value: unknown): string | undefined {
  const { data } = quoteSchema.safeParse(value)
  return data?.text || wordsOfTexts(data?.rich_texts ?? []) || undefined
}

/** The author of a message elsewhere, and its kind; its text is in `quote`. */
function externalOf(reply: unknown): JsonObject | undefined {
  const origin = originOf(at(reply, 'origin'))
  const story = storySchema.safeParse(at(reply, 'story')).data
  const kind = Object.keys(isObject(reply) ? reply : {}).find((key) => !externalCircumstances.has(key))
  const url = story && storyUrl(story)
  if (!origin && !kind) return undefined
  return { ...origin, ...(kind && /^\w{1,64}$/.test(kind) && { kind }), ...(url && { url }) }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const externalCircumstances = new Set([
  'origin',
  'chat',
  'message_id',
  'link_preview_options',
  'has_media_spoiler',
])

const storyOf = (story: z.infer<typeof storySchema>): JsonObject => {
  const name = titleOf(story.chat)
  const url = storyUrl(story)
  return { ...(name && { name }), id: String(story.chat.id), kind: 'story', ...(url && { url }) }
}

/** The address of a story; stories of those without a name in Telegram have none. */
export const storyUrl = ({ id, chat }: z.infer<typeof storySchema>): string | undefined =>
  chat.username && /^\w+$/.test(chat.username) ? `https://t.me/${chat.username}/s/${id}` : undefined

/** `{ name, id, at, message }` of a message that was written elsewhere; undefined for an unexpected form. */
function originOf(value: unknown): JsonObject | undefined {
  const { data } = originSchema.safeParse(value)
  if (!data) return undefined
  const { sender_user, sender_user_name, sender_chat, message_id, author_signature, date } = data
  const room = sender_chat ?? data.chat
  const name = room ? titleOf(room) : sender_user ? nameOf(sender_user) : sender_user_name
  const id = (room ?? sender_user)?.id
  const message = data.chat && message_id ? `${data.chat.id}:${message_id}` : undefined
  const origin = {
    ...(name && { name }),
    ...(id !== undefined && { id: String(id) }),
    ...(author_signature && { signature: author_signature }),
    ...(date !== undefined && { at: new Date(date * 1000).toISOString() }),
    ...(message && { message }),
  }
  return Object.keys(origin).length > 0 ? origin : undefined
}
