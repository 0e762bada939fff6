import {
  type Capabilities,
  type Content,
  contentTypes,
  degrade,
  isJsonObject,
  type Json,
  type JsonObject,
} from '@plugboard/core'
import { placeholderOf, textIn, typeIn } from '../payload.js'

/** Converts message content between this API and the hub. Pure. */

/** Content in this API: text, with files in `metadata` and buttons in `attributes`. */
export interface Said {
  type: string
  text: string
  metadata?: JsonObject
  attributes?: JsonObject
}

const MEDIA = ['image', 'audio', 'video', 'file'] as const
type MediaType = (typeof MEDIA)[number]

const isMedia = (type: string): type is MediaType => MEDIA.some((known) => known === type)

/** A file whose media type says that it is a picture, a sound or a film, is one. */
function mediaTypeOf(type: MediaType, { type: mime }: JsonObject): MediaType {
  const [major = ''] = typeof mime === 'string' ? mime.split('/') : []
  return type === 'file' && isMedia(major) ? major : type
}

/** The payload of a message, for bots and channels. */
export function payloadOf({
  type,
  text,
  metadata = {},
  attributes,
}: Omit<Said, 'text'> & { text?: string }): JsonObject {
  const { src, name } = metadata
  if (isMedia(type) && typeof src === 'string') {
    const kind = mediaTypeOf(type, metadata)
    const title = text || (typeof name === 'string' ? name : undefined)
    return { type: kind, [kind]: src, ...(title !== undefined && { title }) }
  }
  if (type === 'frame' && typeof src === 'string')
    return { type: 'text', text: [text, src].filter(Boolean).join('\n') }
  if (text === undefined) return { type, ...(Object.keys(metadata).length > 0 && { metadata }) }
  const choices = choicesIn(attributes)
  return { type: 'text', text, ...(choices.length > 0 && { choices }) }
}

/** Buttons that say something. */
function choicesIn(attributes: JsonObject | undefined): JsonObject[] {
  const attachment = objectIn(attributes?.attachment)
  const buttons = Array.isArray(attachment?.buttons) ? attachment.buttons : []
  return buttons.flatMap((button) => {
    const { type, value } = objectIn(button) ?? {}
    return type === 'text' && typeof value === 'string' ? [{ title: value, value }] : []
  })
}

const objectIn = (value: Json | undefined): JsonObject | undefined =>
  isJsonObject(value) ? value : undefined

/** Capabilities of this API. Buttons are separate from the text, so their number and length are unlimited. */
const CAN = {
  content: ['text', 'single-choice', ...MEDIA] as const,
  maxTextLength: 1_000_000,
  buttons: { max: 1_000, maxLabel: 1_000_000 },
} satisfies Capabilities

/** A type that only its author knows is kept; one that the hub knows, with fields that are not of it, is a text. */
function ownTypeIn(payload: JsonObject): string {
  const type = typeIn(payload)
  return payload.type === undefined || type === 'message' || contentTypes.some((known) => known === type)
    ? 'text'
    : type
}

/**
 * What a bot or a channel said. One message stays one: what comes after its first file is said in words. Takes any JSON
 * object; never throws.
 */
export function saidIn(payload: JsonObject): Said {
  const { contents: shown = [] } = degrade(payload, CAN) ?? {}
  if (shown.length === 0)
    return { type: ownTypeIn(payload), text: textIn(payload.text) ?? placeholderOf(payload) }
  const file = shown.find(({ type }) => isMedia(type))
  const words = shown.map((content) => (content === file ? titleOf(content) : wordsOf(content)))
  const text = words.filter((word) => word !== '').join('\n')
  const buttons = shown.flatMap(({ type, choices = [] }) => (type === 'single-choice' ? choices : []))
  return {
    type: file?.type ?? 'text',
    text,
    ...(file && { metadata: { src: srcOf(file), ...(titleOf(file) && { name: titleOf(file) }) } }),
    ...(buttons.length > 0 && {
      attributes: {
        attachment: {
          type: 'template',
          buttons: buttons.map(({ title }) => ({ type: 'text', value: title })),
        },
      },
    }),
  }
}

function srcOf(content: Content): string {
  switch (content.type) {
    case 'image':
      return content.image
    case 'audio':
      return content.audio
    case 'video':
      return content.video
    case 'file':
      return content.file
    default:
      return ''
  }
}

const titleOf = (content: Content): string =>
  'title' in content && typeof content.title === 'string' ? content.title : ''

function wordsOf(content: Content): string {
  if (content.type === 'text' || content.type === 'single-choice') return content.text
  return [titleOf(content), srcOf(content)].filter((word) => word !== '').join('\n')
}
