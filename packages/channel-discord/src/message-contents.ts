import type { InboundContent, JsonObject, MediaRef } from '@plugboard/core'
import { messageKey } from './endpoint.js'
import { notice } from './notice.js'
import type { Attachment, Body, Message, Sticker } from './payloads.js'
import { readable, withoutMention } from './readable-text.js'

/** One content of a message. `suffix` makes its key unique; it is empty for the first content. */
export interface MessageContent {
  suffix: string
  content: InboundContent
}

/** https://docs.discord.com/developers/resources/message#message-object-message-flags */
const IS_VOICE_MESSAGE = 1 << 13
/** https://docs.discord.com/developers/resources/message#message-reference-types */
const FORWARD = 1
/** https://docs.discord.com/developers/resources/sticker#sticker-object-sticker-format-types */
const [LOTTIE, GIF] = [3, 4]
/** Longest quoted text, in UTF-16 units. */
const MAX_QUOTE = 1000

/**
 * The contents of a message: each file, with the text as the caption of the first; or the text. Empty for a message of
 * which the bot does not get the content. `self` is the id of the bot; a leading mention of it is removed.
 */
export function contentsOf(message: Message, self: string): MessageContent[] {
  const forwarded =
    message.message_reference?.type === FORWARD ? message.message_snapshots?.[0]?.message : undefined
  const own = bodyContents(message, message, self)
  const all = forwarded ? [...own, ...bodyContents(forwarded, message, self)] : own
  const about = aboutOf(message, self)
  return all.map(({ id, content }, i) => ({
    suffix: i === 0 ? '' : `:${id}`,
    content: { ...content, ...about },
  }))
}

interface Named {
  id: string
  content: InboundContent
}

function bodyContents(body: Body, { id, channel_id }: Message, self: string): Named[] {
  const words = readable({ ...body, content: withoutMention(body.content ?? '', self) })
  const isVoice = ((body.flags ?? 0) & IS_VOICE_MESSAGE) !== 0
  const files: Named[] = [
    ...(body.attachments ?? []).map((file) => ({
      id: file.id,
      content: fileContent(file, { channel: channel_id, message: id }, isVoice),
    })),
    ...(body.sticker_items ?? []).map((sticker) => ({ id: sticker.id, content: stickerContent(sticker) })),
  ]
  const poll = pollContent(body)
  if (poll) files.push({ id: 'poll', content: poll })
  const [first, ...others] = files
  if (words.trim() === '') return files.length > 0 ? files : activityOf(body)
  const text: Named = { id: 'text', content: { type: 'text', text: words } }
  if (!first) return [text]
  // A text, such as a poll, has no caption.
  if (!first.content.media) return [text, ...files]
  return [{ ...first, content: { ...first.content, title: words } }, ...others]
}

const activityOf = ({ activity }: Body): Named[] =>
  activity ? [{ id: 'activity', content: notice('activity') }] : []

/** Where a file is: its address is valid for a day, and its message has a newer one. */
export function fileContent(
  { id, filename, title, description, content_type, size, url }: Attachment,
  place?: { channel: string; message: string },
  isVoice = false,
): InboundContent {
  const mime = content_type?.split(';')[0]?.trim()
  const media: MediaRef = {
    ref: { url, ...(place && { ...place, attachment: id }) },
    ...(mime && { mime }),
    ...(size != null && { size }),
    ...(filename && { name: filename }),
  }
  const caption = description || title
  return { type: isVoice ? 'voice' : mediaType(mime), media, ...(caption && { title: caption }) }
}

function mediaType(mime = ''): string {
  const [kind = ''] = mime.split('/')
  return ['image', 'audio', 'video'].includes(kind) ? kind : 'file'
}

/** https://docs.discord.com/developers/reference#image-formatting: an animation of the kind Lottie is no picture. */
function stickerContent({ id, name, format_type }: Sticker): InboundContent {
  if (format_type === LOTTIE) return notice(name ? `sticker: ${name}` : 'sticker')
  const [url, mime] =
    format_type === GIF
      ? [`https://media.discordapp.net/stickers/${id}.gif`, 'image/gif']
      : [`https://cdn.discordapp.com/stickers/${id}.png`, 'image/png']
  return { type: 'image', media: { ref: { url }, mime }, ...(name && { title: name }) }
}

function pollContent({ poll }: Body): InboundContent | undefined {
  if (!poll) return undefined
  const answers = (poll.answers ?? []).flatMap(({ poll_media }) =>
    poll_media?.text ? [`- ${poll_media.text}`] : [],
  )
  const lines = [poll.question?.text, ...answers].filter(Boolean)
  return lines.length > 0 ? { type: 'text', text: lines.join('\n') } : notice('poll')
}

/** What a message is about besides its own content: the message that it replies to, or was forwarded from. */
function aboutOf(
  { message_reference: reference, referenced_message: quoted, channel_id }: Message,
  self: string,
): JsonObject {
  if (!reference?.message_id) return {}
  const key = messageKey(reference.channel_id ?? channel_id, reference.message_id)
  if (reference.type === FORWARD) return { forwardedFrom: { message: key } }
  const quote = quoted ? readable({ ...quoted, content: withoutMention(quoted.content ?? '', self) }) : ''
  return { replyTo: key, ...(quote.trim() && { quote: quote.slice(0, MAX_QUOTE).toWellFormed() }) }
}
