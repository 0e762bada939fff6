import type { InboundContent } from '@plugboard/core'
import { z } from 'zod'
import { fileFields, fileIn, reader } from './files.js'
import { withLinks } from './formatted-words.js'
import { at } from './property.js'
import { chatSchema, contextOf, nameOf, storyUrl, titleOf } from './replies-and-forwards.js'
import { readRichMessage } from './rich-message.js'
import { isServiceField } from './service-messages.js'

const text = z.string()
const said = text.optional().catch(undefined)

const placeSchema = z.object({ latitude: z.number(), longitude: z.number() })
const venueSchema = z.object({ location: placeSchema, title: text, address: text })
const contactSchema = z.object({
  phone_number: text,
  first_name: text,
  last_name: text.optional(),
  vcard: text.optional(),
})
const pollSchema = z.object({
  question: text,
  description: said,
  media: z.unknown().optional(),
  options: z.array(z.object({ text, media: z.unknown().optional() })).max(100),
})
const checklistSchema = z.object({
  title: text,
  tasks: z.array(z.object({ text, completion_date: z.int().optional().catch(undefined) })).max(1000),
})
const sharedUserSchema = z.object({ user_id: z.int(), first_name: said, last_name: said, username: said })
const sharedChatSchema = z.object({ chat_id: z.int(), title: said, username: said })

type Reader = (value: unknown) => InboundContent[] | undefined

const read = <T>(schema: z.ZodType<T>, contents: (value: T) => InboundContent[]): Reader => {
  return (value) => {
    const result = schema.safeParse(value)
    return result.success ? contents(result.data) : undefined
  }
}

const one = <T>(schema: z.ZodType<T>, content: (value: T) => InboundContent): Reader =>
  read(schema, (value) => [content(value)])

const words = (...lines: (string | undefined)[]): InboundContent => ({
  type: 'text',
  text: lines.filter(Boolean).join('\n'),
})

/** By field of a message, apart from text and files. The order matters: a venue also has a `location`. */
const readers: Readonly<Record<string, Reader>> = {
  rich_message: readRichMessage,
  venue: one(venueSchema, ({ location, title, address }) => ({
    type: 'location',
    ...location,
    title,
    address,
  })),
  location: one(placeSchema, (value) => ({ type: 'location', ...value })),
  contact: one(contactSchema, (value) => words(vcardOf(value))),
  poll: read(pollSchema, ({ question, description, media, options }) => [
    words(question, description, ...options.map((option) => `- ${option.text}`)),
    ...[media, ...options.map((option) => option.media)].flatMap(attachedTo),
  ]),
  checklist: one(checklistSchema, ({ title, tasks }) =>
    words(title, ...tasks.map((task) => `${task.completion_date ? '☑' : '☐'} ${task.text}`)),
  ),
  dice: one(z.object({ emoji: text, value: z.int() }), ({ emoji, value }) => words(`${emoji} ${value}`)),
  game: read(z.looseObject({ title: text, description: said, text: said }), (game) => [
    words(game.title, game.description, game.text),
    ...attachedTo(game),
  ]),
  invoice: one(z.object({ title: text, description: said }), (invoice) =>
    words(invoice.title, invoice.description),
  ),
  story: one(z.object({ id: z.int(), chat: chatSchema }), (story) =>
    words(['[story]', titleOf(story.chat), storyUrl(story)].filter(Boolean).join(' ')),
  ),
  paid_media: read(z.object({ paid_media: z.array(z.unknown()).max(100) }), ({ paid_media }) => {
    const files = paid_media.flatMap((item) => fileIn(item) ?? [])
    return files.length > 0 ? files : [words('[paid_media]')]
  }),
  giveaway: one(z.object({ prize_description: said }), (giveaway) =>
    words(['[giveaway]', giveaway.prize_description].filter(Boolean).join(' ')),
  ),
  giveaway_winners: one(z.object({ prize_description: said }), (giveaway) =>
    words(['[giveaway_winners]', giveaway.prize_description].filter(Boolean).join(' ')),
  ),
  // Telegram counts these among the service messages, but they have what a person sent to the bot.
  web_app_data: one(z.object({ data: text.min(1) }), ({ data }) => words(data)),
  users_shared: one(z.object({ users: z.array(sharedUserSchema).min(1).max(100) }), ({ users }) =>
    words(...users.map((user) => named(nameOf(user), user.username, user.user_id))),
  ),
  chat_shared: one(sharedChatSchema, ({ title = '', username, chat_id }) =>
    words(named(title, username, chat_id)),
  ),
  gift: one(z.object({ text: text.min(1) }), (gift) => words(gift.text)),
  unique_gift: one(z.object({ text: text.min(1) }), (gift) => words(gift.text)),
}

/** `Ada Lovelace (@ada, 501)`. */
function named(name: string, username: string | undefined, id: number): string {
  const marks = [username && `@${username}`, String(id)].filter(Boolean).join(', ')
  return name ? `${name} (${marks})` : marks
}

const placeReader = reader(placeSchema, (value) => ({ type: 'location', ...value }))
const linkReader = reader(z.object({ url: text.min(1) }), ({ url }) => words(url))

/** What is attached to a question or an answer of a poll, or to a game: a file, a place or a link. */
function attachedTo(owner: unknown): InboundContent[] {
  const content =
    fileIn(owner) ??
    readers.venue?.(at(owner, 'venue'))?.[0] ??
    placeReader(at(owner, 'location')) ??
    linkReader(at(owner, 'link'))
  return content ? [content] : []
}

/** Fields about a message that are not its content. */
const circumstances = new Set(
  `message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot sender_tag
  receiver_user ephemeral_message_id date guest_query_id business_connection_id chat forward_origin forward_from
  forward_from_chat forward_from_message_id forward_signature forward_sender_name forward_date is_topic_message
  is_automatic_forward reply_to_message external_reply quote reply_to_story reply_to_checklist_task_id
  reply_to_poll_option_id via_bot guest_bot_caller_user guest_bot_caller_chat edit_date has_protected_content
  has_media_spoiler is_from_offline is_paid_post media_group_id author_signature paid_star_count text entities
  link_preview_options suggested_post_info effect_id caption caption_entities show_caption_above_media
  reply_markup`.split(/\s+/),
)

const envelopeSchema = z.object({ text: said, caption: said, media_group_id: said })

/**
 * What a person wrote, as one content for each file and one for the words. Empty for a service message. A kind that is
 * unknown, or has an unexpected form, is a text with its name in brackets.
 */
export function contentsOf(message: object): InboundContent[] {
  const { text: own, caption, media_group_id } = envelopeSchema.parse(message)
  const spoken = own && withLinks(own, at(message, 'entities'))
  const title = caption && withLinks(caption, at(message, 'caption_entities'))
  const [first, ...rest] = spoken ? [words(spoken)] : (bodyOf(message) ?? placeholderOf(message, title))
  if (!first) return []
  const group = media_group_id || (rest.length > 0 ? groupOf(message) : undefined)
  const grouped = group ? { mediaGroup: group } : {}
  return [
    { ...titled(first, title), ...contextOf(message), ...grouped },
    ...rest.map((content) => ({ ...content, ...grouped })),
  ]
}

function bodyOf(message: object): InboundContent[] | undefined {
  const known = Object.keys(readers).find((field) => Object.hasOwn(message, field))
  const contents = known === undefined ? undefined : readers[known]?.(at(message, known))
  if (contents && contents.length > 0) return contents
  const file = fileIn(message)
  return file && [file]
}

function placeholderOf(message: object, title: string | undefined): InboundContent[] {
  const others = Object.keys(message).filter((field) => !circumstances.has(field))
  const kind = others.find((field) => field in readers || fileFields.includes(field)) ?? others[0]
  const isService = others.some(isServiceField) && !title
  if (isService) return []
  return [words(`[${kind !== undefined && /^\w{1,64}$/.test(kind) ? kind : 'message'}]`)]
}

/** Names the parts of a message. */
const groupOf = (message: object): string => `message:${String(at(message, 'message_id'))}`

function titled(content: InboundContent, caption: string | undefined): InboundContent {
  if (!caption) return content
  if (content.type !== 'text') return { ...content, title: caption }
  return { ...content, text: `${String(content.text)} ${caption}` }
}

/** The vCard of a contact, or one made of name and number: RFC 2426. */
function vcardOf({ phone_number, first_name, last_name = '', vcard }: z.infer<typeof contactSchema>): string {
  if (vcard) return vcard
  const name = [first_name, last_name].filter(Boolean).join(' ')
  const rows = [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${escaped(last_name)};${escaped(first_name)};;;`,
    `FN:${escaped(name)}`,
    `TEL:${escaped(phone_number)}`,
    'END:VCARD',
  ]
  return rows.join('\n')
}

const escaped = (text: string): string => text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n')
