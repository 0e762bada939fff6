import { fileNameIn, type InboundContent, isUrl, type JsonObject } from '@plugboard/core'
import { z } from 'zod'
import type { IsFile } from './media.js'
import { idSchema } from './notification.js'

/** Most attachments of a message that are read. */
const MAX_ATTACHMENTS = 100
/** Most products of a message that are read. */
const MAX_PRODUCTS = 100

const said = z.string().min(1).optional().catch(undefined)
const flag = z.boolean().optional().catch(undefined)
const anId = z
  .union([idSchema, z.int().transform(String)])
  .optional()
  .catch(undefined)

/** How a person came here: a link with a reference, an advertisement, a product. */
export const referralSchema = z.object({
  ref: said,
  source: said,
  type: said,
  ad_id: anId,
  referer_uri: said,
  ads_context_data: z
    .object({ ad_title: said, photo_url: said, video_url: said, post_id: anId, product_id: anId })
    .optional()
    .catch(undefined),
  product: z.object({ id: anId }).optional().catch(undefined),
})

type Referral = z.infer<typeof referralSchema>

/** https://developers.facebook.com/docs/messenger-platform/reference/webhook-events/messages */
export const messageSchema = z.object({
  mid: idSchema,
  text: said,
  is_echo: flag,
  is_deleted: flag,
  is_unsupported: flag,
  quick_reply: z
    .object({ payload: z.string().min(1) })
    .optional()
    .catch(undefined),
  reply_to: z
    .object({
      mid: idSchema.optional().catch(undefined),
      story: z.object({ id: anId, url: said }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
  attachments: z.array(z.unknown()).catch([]),
  referral: referralSchema.optional().catch(undefined),
})

type Message = z.infer<typeof messageSchema>

const attachmentSchema = z.object({
  type: z.string(),
  // Some links have their title and address beside a payload that is null.
  title: said,
  url: said,
  payload: z
    .object({
      title: said,
      url: said,
      sticker_id: anId,
      coordinates: z.object({ lat: z.number(), long: z.number() }).optional().catch(undefined),
      product: z
        .object({ elements: z.array(z.unknown()) })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
})

type Attachment = z.infer<typeof attachmentSchema>

const productSchema = z.object({ title: said, subtitle: said, retailer_id: anId, id: anId })

/** What a person wrote: one content for each file, the text with the first, or before what is no file. */
export function contentsOf(message: Message, isFile: IsFile): InboundContent[] {
  const { text } = message
  const attached = attachmentsOf(message).map((attachment) => contentOf(attachment, isFile))
  const [first, ...rest] = text === undefined ? attached : withText(text, attached)
  const kind = message.is_unsupported ? 'unsupported message' : 'empty message'
  return [{ ...(first ?? notice(kind)), ...contextOf(message) }, ...rest]
}

/** Until the end of August 2026, a sticker came as a picture too. */
function attachmentsOf({ attachments }: Message): Attachment[] {
  const all = attachments
    .slice(0, MAX_ATTACHMENTS)
    .flatMap((each) => attachmentSchema.safeParse(each).data ?? [])
  const stickers = all.filter(({ type }) => type === 'sticker').map(({ payload }) => payload?.sticker_id)
  return all.filter(({ type, payload }) => type !== 'image' || !stickers.includes(payload?.sticker_id ?? ''))
}

function withText(text: string, attached: InboundContent[]): InboundContent[] {
  const [first, ...rest] = attached
  if (first && ('media' in first || 'url' in first)) return [{ ...first, title: text }, ...rest]
  // A link that the person wrote comes once more, as a preview.
  const news = attached.filter((each) => each.type !== 'text' || !saysNoMore(String(each.text), text))
  return [words(text), ...news]
}

const saysNoMore = (preview: string, text: string): boolean => {
  const addresses = preview.split('\n').filter((line) => isUrl(line))
  return addresses.length > 0 && addresses.every((address) => text.includes(address))
}

const words = (...lines: (string | undefined)[]): InboundContent => ({
  type: 'text',
  text: lines.filter(Boolean).join('\n'),
})

/** A text for what cannot be shown: its kind in brackets. */
const notice = (kind: string): InboundContent =>
  words(`[${/^[\w ]{1,64}$/.test(kind) ? kind : 'attachment'}]`)

function contentOf(attachment: Attachment, isFile: IsFile): InboundContent {
  const { type, payload } = attachment
  switch (type) {
    case 'image':
    case 'audio':
    case 'video':
    case 'file':
      return file(type, attachment, isFile) ?? notice(type)
    case 'sticker':
      return file('image', attachment, isFile) ?? notice(type)
    // A picture or a video: Meta does not say which.
    case 'story_mention':
      return titled(file('file', attachment, isFile), '[story_mention]') ?? notice(type)
    case 'location':
      return placeOf(attachment) ?? notice(type)
    default: {
      const lines = [
        payload?.title ?? attachment.title,
        payload?.url ?? attachment.url,
        ...productsOf(payload),
      ]
      return lines.some(Boolean) ? words(...lines) : notice(type)
    }
  }
}

const titled = (content: InboundContent | undefined, title: string): InboundContent | undefined =>
  content && { ...content, title }

/** A file at Meta is fetched for the bot; of any other, the bot gets the address. */
function file(type: string, attachment: Attachment, isFile: IsFile): InboundContent | undefined {
  const address = attachment.payload?.url ?? attachment.url
  const url = address !== undefined && isUrl(address) ? new URL(address) : undefined
  if (!url) return undefined
  const sticker = attachment.payload?.sticker_id
  const more = sticker === undefined ? {} : { stickerId: sticker }
  if (!isFile(url)) return /^https?:$/.test(url.protocol) ? { type, url: url.href, ...more } : undefined
  const name = type === 'file' ? fileNameIn(url) : undefined
  return { type, media: { ref: url.href, ...(name !== undefined && { name }) }, ...more }
}

function placeOf({ title, payload }: Attachment): InboundContent | undefined {
  const { lat, long } = payload?.coordinates ?? { lat: Number.NaN, long: Number.NaN }
  if (!(Math.abs(lat) <= 90 && Math.abs(long) <= 180)) return undefined
  return { type: 'location', latitude: lat, longitude: long, ...(title !== undefined && { title }) }
}

function productsOf(payload: Attachment['payload']): string[] {
  const elements = payload?.product?.elements ?? []
  return elements.slice(0, MAX_PRODUCTS).flatMap((each) => {
    const { title, subtitle, retailer_id, id } = productSchema.safeParse(each).data ?? {}
    const line = [title ?? retailer_id ?? id, subtitle].filter(Boolean).join(', ')
    return line ? [line] : []
  })
}

/** What a message is about besides its own content. */
function contextOf({ reply_to, referral }: Message): JsonObject {
  const { mid, story } = reply_to ?? {}
  const from = referral && referralOf(referral)
  return {
    ...(mid !== undefined && { replyTo: mid }),
    ...(story && { externalReply: { kind: 'story', ...defined({ id: story.id, url: story.url }) } }),
    ...(from && { referral: from }),
  }
}

/** Undefined if it says nothing. */
function referralOf({ ref, source, type, ad_id, referer_uri, ads_context_data: ad, product }: Referral) {
  const referral = defined({
    ...{ ref, type, sourceType: source, sourceId: ad_id ?? ad?.post_id, sourceUrl: referer_uri },
    ...{ headline: ad?.ad_title, mediaUrl: ad?.photo_url ?? ad?.video_url },
    productId: product?.id ?? ad?.product_id,
  })
  return Object.keys(referral).length === 0 ? undefined : referral
}

const defined = (fields: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined),
  )
