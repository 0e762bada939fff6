import type { InboundContent, MediaRef } from '@plugboard/core'
import { z } from 'zod'
import { messageKey } from './endpoint.js'
import { fileIdSchema } from './media.js'

const file = z.object({
  file_id: fileIdSchema,
  file_size: z.int().optional(),
  mime_type: z.string().optional(),
  file_name: z.string().optional(),
})
const photo = z.array(file.extend({ width: z.int(), height: z.int() })).min(1)
const sticker = file.extend({
  is_animated: z.boolean().optional(),
  is_video: z.boolean().optional(),
  emoji: z.string().optional(),
  thumbnail: file.optional(),
})
const place = z.object({ latitude: z.number(), longitude: z.number() })
const venue = z.object({ location: place, title: z.string(), address: z.string() })
const contact = z.object({
  phone_number: z.string(),
  first_name: z.string(),
  last_name: z.string().optional(),
  vcard: z.string().optional(),
  user_id: z.int().optional(),
})

type File = z.infer<typeof file>

function mediaOf({ file_id, file_size, mime_type, file_name }: File, usualMime?: string): MediaRef {
  const mime = mime_type || usualMime
  return {
    ref: file_id,
    ...(mime && { mime }),
    ...(file_size !== undefined && { size: file_size }),
    ...(file_name && { name: file_name }),
  }
}

type Reader = (value: unknown) => InboundContent | undefined

/** Reads one kind of content. Undefined for a value of an unexpected form. */
const reader =
  <T>(schema: z.ZodType<T>, read: (value: T) => InboundContent | undefined): Reader =>
  (value) => {
    const result = schema.safeParse(value)
    return result.success ? read(result.data) : undefined
  }

const fileReader = (type: 'file' | 'audio' | 'voice' | 'video', mime?: string): Reader =>
  reader(file, (value) => ({ type, media: mediaOf(value, mime) }))

/** By field of a message. The order matters: an animation also has a `document`, and a venue a `location`. */
const readers: Readonly<Record<string, Reader>> = {
  text: reader(z.string(), (text) => ({ type: 'text', text })),
  photo: reader(photo, (sizes) => {
    const [largest] = [...sizes].sort((a, b) => b.width * b.height - a.width * a.height)
    return largest && { type: 'image', media: mediaOf(largest, 'image/jpeg') }
  }),
  animation: reader(file, (value) => ({
    type: value.mime_type === 'image/gif' ? 'image' : 'video',
    media: mediaOf(value, 'video/mp4'),
  })),
  document: fileReader('file'),
  audio: fileReader('audio'),
  voice: fileReader('voice', 'audio/ogg'),
  video: fileReader('video'),
  video_note: fileReader('video', 'video/mp4'),
  sticker: reader(sticker, ({ is_animated, is_video, emoji, thumbnail, ...still }) => {
    // Others cannot show an animated sticker, but its preview.
    const picture = is_animated || is_video ? thumbnail : still
    return picture && { type: 'image', media: mediaOf(picture, 'image/webp'), ...(emoji && { title: emoji }) }
  }),
  venue: reader(venue, ({ location, title, address }) => ({ type: 'location', ...location, title, address })),
  location: reader(place, (value) => ({ type: 'location', ...value })),
  contact: reader(contact, (value) => ({ type: 'text', text: vcardOf(value) })),
}

/** Fields about a message that are not its content. */
const circumstances = new Set(
  `message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_business_bot sender_tag
  date business_connection_id chat forward_origin forward_from forward_from_chat forward_from_message_id
  forward_signature forward_sender_name forward_date is_topic_message is_automatic_forward reply_to_message
  external_reply quote reply_to_story reply_to_checklist_task_id via_bot edit_date has_protected_content
  is_from_offline is_paid_post media_group_id author_signature paid_star_count entities link_preview_options
  suggested_post_info effect_id caption caption_entities show_caption_above_media has_media_spoiler
  reply_markup`.split(/\s+/),
)

const envelope = z.object({
  caption: z.string().optional().catch(undefined),
  media_group_id: z.string().optional().catch(undefined),
  message_thread_id: z.int().optional().catch(undefined),
  reply_to_message: z
    .object({ message_id: z.int(), chat: z.object({ id: z.int() }) })
    .optional()
    .catch(undefined),
})

/** The content of a message. An unknown kind is a text with its name in brackets. */
export function contentOf(message: object): InboundContent {
  const { caption, media_group_id, message_thread_id, reply_to_message } = envelope.parse(message)
  // Telegram marks every message of a topic as a reply to the first.
  const isReply = reply_to_message && reply_to_message.message_id !== message_thread_id
  return {
    ...titled(bodyOf(message), caption),
    ...(isReply && { replyTo: messageKey(reply_to_message) }),
    ...(media_group_id && { mediaGroup: media_group_id }),
  }
}

function bodyOf(message: object): InboundContent {
  const known = Object.keys(readers).find((each) => each in message)
  const content = known === undefined ? undefined : readers[known]?.(Reflect.get(message, known))
  const kind = known ?? Object.keys(message).find((each) => !circumstances.has(each)) ?? 'message'
  return content ?? { type: 'text', text: `[${/^\w{1,64}$/.test(kind) ? kind : 'message'}]` }
}

function titled(content: InboundContent, caption: string | undefined): InboundContent {
  if (!caption) return content
  if (content.type !== 'text') return { ...content, title: caption }
  return { ...content, text: `${String(content.text)} ${caption}` }
}

/** The vCard of a contact, or one made of name and number: RFC 2426. */
function vcardOf({ phone_number, first_name, last_name = '', vcard }: z.infer<typeof contact>): string {
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
