import { type InboundContent, isUrl, type JsonObject, jsonFault, truncate } from '@plugboard/core'
import { z } from 'zod'
import type { Activity, Attachment } from './activity.js'
import { messageKey } from './endpoint.js'
import { splitQuote, textOfHtml } from './html.js'

/** Most attachments of a message that are read. */
const MAX_ATTACHMENTS = 50

/** A text for something that cannot be shown: its kind in brackets. */
const notice = (kind: string): InboundContent => ({ type: 'text', text: `[${truncate(kind, 50)}]` })

/** The contents of a message: one for each file, the words with the first. Never empty. */
export function contentsOf(activity: Activity): [InboundContent, ...InboundContent[]] {
  const { words, quoted } = wordsOf(activity)
  const replyTo = quoted ?? activity.replyToId
  const origin: JsonObject =
    replyTo === undefined ? {} : { replyTo: messageKey(activity.conversation.id, replyTo) }
  const files = activity.attachments.slice(0, MAX_ATTACHMENTS).flatMap(contentOf)
  const [first, ...others] = files
  const all = ((): [InboundContent, ...InboundContent[]] => {
    if (!first) return [words ? { type: 'text', text: words } : notice(unknownKind(activity))]
    if (!words) return [first, ...others]
    if (first.media) return [{ ...first, title: words }, ...others]
    return [{ type: 'text', text: words }, first, ...others]
  })()
  const [head, ...tail] = all
  return [{ ...head, ...origin }, ...tail.map((content) => ({ ...content, ...origin }))]
}

const unknownKind = ({ type, name }: Activity): string => name ?? type

/**
 * The words of the person, and the message that they quote. The name of the bot is left out, and others have an `@`. A
 * message of emoji or of animations alone has words in its markup only.
 */
function wordsOf(activity: Activity): { words: string; quoted?: string } {
  const html = activity.attachments.find(({ contentType }) => contentType === 'text/html')?.content
  const markup = splitQuote(typeof html === 'string' ? html : '')
  const quotes = activity.entities.flatMap((entity) =>
    'quotedReply' in entity ? [entity.quotedReply.messageId] : [],
  )
  const own = splitQuote(activity.text ?? '')
  const plain = own.rest.replace(/<quoted\b[^<>]{0,200}\/>/gi, '')
  const { text, bot } = named(plain, activity)
  const quoted = quotes[0] ?? own.quoted ?? markup.quoted
  const words = text || named(textOfHtml(markup.rest), activity).text || bot
  return { words, ...(quoted !== undefined && { quoted }) }
}

/** Replaces mentions. `bot` is the name of the bot, if the person wrote nothing else. */
function named(source: string, { entities, recipient }: Activity): { text: string; bot: string } {
  const mentions = entities.flatMap((entity) => ('mentioned' in entity ? [entity] : []))
  let bot = ''
  const text = source.replace(/<at\b[^<>]{0,100}>([^<>]{0,300})<\/at>/gi, (mention, name: string) => {
    const shown = textOfHtml(name)
    const entity = mentions.find(({ text, mentioned }) =>
      text === undefined ? mentioned.name === shown : text === mention,
    )
    if (entity === undefined || entity.mentioned.id !== recipient?.id) return `@${shown}`
    bot = `@${shown}`
    return ''
  })
  return { text: text.replaceAll('&nbsp;', ' ').replace(/\r\n?/g, '\n').trim(), bot }
}

/** A file in the person's OneDrive. */
const FILE = 'application/vnd.microsoft.teams.file.download.info'
const downloadSchema = z.object({ downloadUrl: z.string(), fileType: z.string().optional().catch(undefined) })

function contentOf(attachment: Attachment): InboundContent[] {
  const { contentType, contentUrl, content, name } = attachment
  const kind = contentType.toLowerCase()
  // The same words as the text, with formatting.
  if (kind === 'text/html') return []
  const download = kind === FILE ? downloadSchema.safeParse(content).data : undefined
  if (download && isSecure(download.downloadUrl))
    return [fileContent(typeOfName(download.fileType ?? name ?? ''), download.downloadUrl, name)]
  const [main = ''] = kind.split('/')
  if (/^(image|audio|video)$/.test(main) && isSecure(contentUrl))
    return [fileContent(main, contentUrl, name, /^[\w.+-]+\/[\w.+-]+$/.test(kind) ? kind : undefined)]
  if (kind.endsWith('reference')) return [forwarded(content, attachment)]
  if (kind.startsWith('application/vnd.microsoft.card.')) return [cardContent(kind, content)]
  return [linked(kind, attachment)]
}

const isSecure = (url: string | undefined): url is string =>
  url !== undefined && url.length <= 4000 && isUrl(url) && new URL(url).protocol === 'https:'

function fileContent(type: string, url: string, name: string | undefined, mime?: string): InboundContent {
  return { type, media: { ref: { url }, ...(mime && { mime }), ...(name && { name: truncate(name, 255) }) } }
}

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    image: ['bmp', 'gif', 'heic', 'jpeg', 'jpg', 'png', 'svg', 'tiff', 'webp'],
    audio: ['aac', 'flac', 'm4a', 'mp3', 'oga', 'ogg', 'opus', 'wav', 'wma'],
    video: ['avi', 'm4v', 'mkv', 'mov', 'mp4', 'webm', 'wmv'],
  }).flatMap(([type, endings]) => endings.map((ending): [string, string] => [ending, type])),
)

/** The kind of a file by its ending: `png`, or `picture.png`. */
const typeOfName = (name: string): string =>
  TYPES.get(name.slice(name.lastIndexOf('.') + 1).toLowerCase()) ?? 'file'

const referenceSchema = z.object({
  messagePreview: z.string().optional().catch(undefined),
  messageSender: z
    .object({ user: z.object({ displayName: z.string() }) })
    .optional()
    .catch(undefined),
})

/** A message that the person forwarded, whose content is JSON in a text; or a file in a channel, which has an address. */
function forwarded(content: unknown, attachment: Attachment): InboundContent {
  const value = typeof content === 'string' ? parsed(content) : content
  const { data } = referenceSchema.safeParse(value)
  const preview = data?.messagePreview?.trim()
  if (!preview) return linked(attachment.contentType.toLowerCase(), attachment)
  const sender = data?.messageSender?.user.displayName
  return { type: 'text', text: sender ? `${sender}: ${preview}` : preview, forwarded: true }
}

function parsed(text: string): unknown {
  if (jsonFault(Buffer.from(text)) !== undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A file or another thing that has at most a name and an address: the bot gets both as text. */
function linked(kind: string, { name, contentUrl }: Attachment): InboundContent {
  const [tail = kind] = kind === 'reference' ? ['file'] : kind.split(/[/.]/).slice(-1)
  const words = [name, isSecure(contentUrl) && contentUrl !== name ? contentUrl : undefined].filter(Boolean)
  return { type: 'text', text: [notice(tail || 'attachment').text, ...words].join(' ') }
}

/** Longest text of a card that is passed on. */
const LONGEST_CARD = 10_000
const words = z.string().optional().catch(undefined)
const cardSchema = z.object({
  title: words,
  subtitle: words,
  text: words,
  body: z
    .array(z.object({ text: words }).catch({ text: undefined }))
    .optional()
    .catch(undefined),
})

/** A card that a person sent through an app: its kind and its words. */
function cardContent(kind: string, content: unknown): InboundContent {
  const { title, subtitle, text, body = [] } = cardSchema.safeParse(content).data ?? {}
  const lines = [title, subtitle, text, ...body.slice(0, 100).map((block) => block.text)].filter(Boolean)
  const name = notice(`${kind.slice('application/vnd.microsoft.card.'.length)} card`).text
  return { type: 'text', text: truncate([name, ...lines].join('\n'), LONGEST_CARD) }
}
