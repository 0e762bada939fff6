import {
  type InboundContent,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  type Integration,
  invalid,
  type Person,
  type Received,
  readJson,
} from '@plugboard/core'
import { z } from 'zod'
import type { Session } from './api.js'
import { botId, type Config } from './config.js'
import { endpointOf, messageKey } from './endpoint.js'
import { contentsOf } from './message-contents.js'
import { chatSchema, nameOf, titleOf, userSchema } from './replies-and-forwards.js'

const text = z.string()
const time = z
  .int()
  .min(0)
  .max(8_640_000_000_000)
  .transform((seconds) => new Date(seconds * 1000))

const place = {
  message_id: z.int(),
  chat: chatSchema,
  is_topic_message: z.boolean().optional().catch(undefined),
  message_thread_id: z.int().optional().catch(undefined),
  direct_messages_topic: z.object({ topic_id: z.int() }).optional().catch(undefined),
}
const messageSchema = z.looseObject({
  ...place,
  date: time,
  edit_date: time.optional(),
  from: userSchema.optional(),
  sender_chat: chatSchema.optional(),
  is_automatic_forward: z.boolean().optional().catch(undefined),
  migrate_to_chat_id: z.int().optional().catch(undefined),
  migrate_from_chat_id: z.int().optional().catch(undefined),
})
const callbackSchema = z.object({
  id: text.min(1),
  from: userSchema,
  data: text.optional(),
  game_short_name: text.optional(),
  inline_message_id: text.max(200).optional().catch(undefined),
  message: z.looseObject({ ...place, date: time, edit_date: time.optional() }).optional(),
})
const reactionSchema = z.object({
  chat: chatSchema,
  message_id: z.int(),
  date: time,
  user: userSchema.optional(),
  actor_chat: chatSchema.optional(),
  old_reaction: z.array(z.unknown()),
  new_reaction: z.array(z.unknown()),
})
const memberSchema = z.object({
  chat: chatSchema,
  from: userSchema,
  date: time,
  new_chat_member: z.object({ status: text }),
})
const updateSchema = z.object({
  update_id: z.int(),
  message: messageSchema.optional(),
  edited_message: messageSchema.optional(),
  callback_query: callbackSchema.optional(),
  message_reaction: reactionSchema.optional(),
  my_chat_member: memberSchema.optional(),
})

type Update = z.infer<typeof updateSchema>
type Message = z.infer<typeof messageSchema>
type About = Omit<InboundEvent, 'type'>

/** One request is one update: https://core.telegram.org/bots/api#update. Unknown kinds give no event. */
export function parse(
  { method, body }: InboundRequest,
  { config }: Pick<Integration<Config, Session>, 'config'>,
): Received {
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const { events, callbackId } = readUpdate(body, config)
  return { events, response: answer(callbackId) }
}

/** The events of an update, as JSON, and the id of the pressed button in it. @throws PlugboardError INVALID */
export function readUpdate(
  body: Uint8Array | string,
  config: Config,
): { events: InboundEvent[]; callbackId: string | undefined } {
  const update = updateSchema.safeParse(readJson(body))
  if (!update.success) {
    const [issue] = update.error.issues
    throw invalid({
      path: ['body', ...(issue?.path ?? []).map(String)],
      message: 'is not an update of Telegram',
    })
  }
  return { events: eventsOf(update.data, config), callbackId: update.data.callback_query?.id }
}

/** Answers a pressed button, which spins until then. The answer to the update may do this. */
function answer(callbackId: string | undefined): InboundResponse {
  if (callbackId === undefined) return { status: 200 }
  const body = JSON.stringify({ method: 'answerCallbackQuery', callback_query_id: callbackId })
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

function eventsOf(update: Update, config: Config): InboundEvent[] {
  const { message, edited_message, callback_query, message_reaction, my_chat_member } = update
  const dedupeKey = `update:${update.update_id}`
  if (message) return written(message, dedupeKey, config)
  if (edited_message) return edited(edited_message, dedupeKey, config)
  if (callback_query) return pressed(callback_query, dedupeKey)
  if (message_reaction) return reacted(message_reaction, dedupeKey)
  if (my_chat_member) return left(my_chat_member, dedupeKey)
  return []
}

/**
 * A group became a supergroup: both get a service message, which say the same. Undefined for other messages.
 * https://core.telegram.org/bots/api#message
 */
function migrated({ chat, from, sender_chat, date, ...message }: Message): InboundEvent[] | undefined {
  const { migrate_to_chat_id: next, migrate_from_chat_id: before } = message
  if (next === undefined && before === undefined) return undefined
  const sender = (sender_chat ?? from ?? chat).id
  return [
    {
      ...{ dedupeKey: messageKey({ chat, message_id: message.message_id }), at: date, type: 'renamed' },
      endpoint: endpointOf(sender, { chat: { id: before ?? chat.id } }),
      to: endpointOf(sender, { chat: { id: next ?? chat.id } }),
    },
  ]
}

function written(message: Message, updateKey: string, config: Config): InboundEvent[] {
  const renamed = migrated(message)
  if (renamed) return renamed
  const about = aboutOf(message, message.message_id > 0 ? messageKey(message) : updateKey, config)
  if (!about) return []
  const start = typeof message.text === 'string' && /^\/start(?:@\w+)?(?:\s+(\S.*))?$/s.exec(message.text)
  if (!start) return messages(about, contentsOf(message))
  const payload = start[1]?.trim()
  return [{ ...about, type: 'started', ...(payload && { payload }) }]
}

/** One message for each content; the first has the key of the whole. */
const messages = (about: About, contents: readonly InboundContent[]): InboundEvent[] =>
  contents.map((content, i) => ({
    ...about,
    dedupeKey: i === 0 ? about.dedupeKey : `${about.dedupeKey}:${i}`,
    type: 'message',
    content,
  }))

/** Of a message with several contents, the first: its words, if it has some. */
function edited(message: Message, dedupeKey: string, config: Config): InboundEvent[] {
  const about = aboutOf(message, dedupeKey, config)
  const [content] = contentsOf(message)
  if (!about || !content || message.message_id <= 0) return []
  const at = message.edit_date ?? message.date
  return [{ ...about, at, type: 'edited', messageKey: messageKey(message), content }]
}

/**
 * Undefined for messages of bots, and for posts that Telegram copies from a channel to its group. A message in the name
 * of a group or a channel has a bot in `from`, too.
 */
function aboutOf(message: Message, dedupeKey: string, config: Config): About | undefined {
  const { from, sender_chat, date, is_automatic_forward } = message
  const sender = sender_chat ?? from
  if (!sender || is_automatic_forward || String(sender.id) === botId(config)) return undefined
  if (!sender_chat && from?.is_bot) return undefined
  return { dedupeKey, endpoint: endpointOf(sender.id, message), at: date, ...personOf(sender_chat, from) }
}

function personOf(
  room: z.infer<typeof chatSchema> | undefined,
  user: z.infer<typeof userSchema> | undefined,
): { person?: Person } {
  const name = room ? titleOf(room) : user && nameOf(user)
  const locale = room ? undefined : user?.language_code
  return name || locale ? { person: { ...(name && { name }), ...(locale && { locale }) } } : {}
}

/**
 * Telegram does not say when a button was pressed; `at` is the time of its message or of the last edit. A button of a game
 * has its name as its value. A message that was sent in inline mode is in a chat that the bot does not know: the press
 * belongs to the chat with the person.
 */
function pressed(
  { from, data, game_short_name, message, inline_message_id }: z.infer<typeof callbackSchema>,
  dedupeKey: string,
): InboundEvent[] {
  const token = data || game_short_name
  if (!token) return []
  const label = message && labelOf(message.reply_markup, token)
  const refersTo = message ? messageKey(message) : inline_message_id
  return [
    {
      dedupeKey,
      endpoint: endpointOf(from.id, message ?? { chat: { id: from.id } }),
      at: message ? (message.edit_date ?? message.date) : new Date(0),
      ...personOf(undefined, from),
      ...(refersTo && { refersTo }),
      ...{ type: 'choice', token, ...(label !== undefined && { label }) },
    },
  ]
}

const markupSchema = z.object({
  inline_keyboard: z.array(z.array(z.object({ text, callback_data: text.optional() }))),
})

function labelOf(markup: unknown, token: string): string | undefined {
  const { data } = markupSchema.safeParse(markup)
  return data?.inline_keyboard.flat().find(({ callback_data }) => callback_data === token)?.text
}

/** Most reactions of one person to one message that are read; Telegram allows a few. */
const MAX_REACTIONS = 100

const reactionTypeSchema = z.looseObject({ type: text.max(100) })

const emojisOf = (reactions: readonly unknown[]): string[] =>
  reactions.slice(0, MAX_REACTIONS).flatMap((reaction) => {
    const { data } = reactionTypeSchema.safeParse(reaction)
    return data ? [emojiOf(data)] : []
  })

/** An update has all reactions of a person to a message, before and after. It does not have the topic. */
function reacted(reaction: z.infer<typeof reactionSchema>, dedupeKey: string): InboundEvent[] {
  const { chat, user, actor_chat, date } = reaction
  const sender = user ?? actor_chat
  if (!sender || user?.is_bot) return []
  const [before, after] = [emojisOf(reaction.old_reaction), emojisOf(reaction.new_reaction)]
  const changes = [
    ...before.filter((emoji) => !after.includes(emoji)).map((emoji) => ({ emoji, isRemoved: true })),
    ...after.filter((emoji) => !before.includes(emoji)).map((emoji) => ({ emoji, isRemoved: false })),
  ]
  return changes.map((change, i) => ({
    dedupeKey: `${dedupeKey}:${i}`,
    endpoint: endpointOf(sender.id, { chat }),
    at: date,
    ...personOf(actor_chat, user),
    type: 'reaction',
    messageKey: messageKey(reaction),
    ...change,
  }))
}

/** An emoji, or the name of another kind: `custom_emoji:5368324170671202286`, `paid`. */
function emojiOf(reaction: { type: string; [key: string]: unknown }): string {
  if (typeof reaction.emoji === 'string') return reaction.emoji
  const { custom_emoji_id: id } = reaction
  return typeof id === 'string' ? `${reaction.type}:${id}` : reaction.type
}

/** A person blocked the bot, or somebody removed it from a group. */
function left(member: z.infer<typeof memberSchema>, dedupeKey: string): InboundEvent[] {
  const { chat, from, date, new_chat_member } = member
  if (!['kicked', 'left'].includes(new_chat_member.status)) return []
  const endpoint = endpointOf(from.id, { chat })
  return [{ dedupeKey, endpoint, at: date, ...personOf(undefined, from), type: 'blocked' }]
}
