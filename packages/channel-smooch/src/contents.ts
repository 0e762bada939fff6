import { type InboundContent, type Json, jsonObjectOf } from '@plugboard/core'
import type { Content } from './events.js'

/** The content of a person's message. `mediaOf` names a file: a reference if it is at Sunshine, its address if not. */
export function contentOf(
  content: Content | undefined,
  mediaOf: (url: string) => object | undefined,
): InboundContent {
  const { type = 'message', text } = content ?? {}
  switch (type) {
    case 'text':
      return text ? { type: 'text', text } : notice('empty message')
    case 'image':
    case 'file':
      return fileOf(content ?? { type }, mediaOf)
    case 'location':
      return placeOf(content ?? { type })
    case 'formResponse':
      return formOf(content ?? { type })
    default:
      return text ? { type: 'text', text } : notice(type)
  }
}

/** A text for something that cannot be shown: its kind in brackets. */
const notice = (kind: string): InboundContent => ({
  type: 'text',
  text: `[${kind.replace(/[^\w .-]/g, '').slice(0, 50) || 'message'}]`,
})

function fileOf(
  { type, mediaUrl = '', mediaType, mediaSize, altText, text }: Content,
  mediaOf: (url: string) => object | undefined,
): InboundContent {
  const media = mediaOf(mediaUrl)
  if (!media) return notice(type)
  const kind = mediaType?.split('/')[0] ?? ''
  const mime = mediaType && /^[\w.+-]+\/[^\r\n]{1,100}$/.test(mediaType) ? { mime: mediaType } : {}
  const facts = { ...mime, ...(mediaSize !== undefined && { size: mediaSize }) }
  // The name of a file is its description, unless somebody gave another.
  const name = type === 'file' && altText ? { name: altText } : {}
  return {
    type: ['image', 'audio', 'video'].includes(kind) ? kind : type,
    ...('ref' in media ? { media: { ...media, ...facts, ...name } } : { ...media, ...facts, ...name }),
    ...(text && { title: text }),
  } as InboundContent
}

function placeOf({ type, coordinates, location }: Content): InboundContent {
  if (!coordinates) return notice(type)
  return {
    ...{ type: 'location', latitude: coordinates.lat, longitude: coordinates.long },
    ...(location?.name && { title: location.name }),
    ...(location?.address && { address: location.address }),
  }
}

/** Nothing for an object, of which no words are known. */
const wordOf = (value: Json | undefined): string =>
  value === null || typeof value === 'object' ? '' : String(value ?? '')

/** The answers by the names of their fields; a choice is its name. */
function formOf({ fields = [], textFallback }: Content): InboundContent {
  const answers = fields.flatMap((given): [string, Json, string][] => {
    const { type, name, label, ...values } = jsonObjectOf(given)
    const value = typeof type === 'string' ? values[type] : undefined
    if (typeof name !== 'string' || value === undefined) return []
    const chosen = (Array.isArray(value) ? value : []).map((option) => jsonObjectOf(option))
    const answer = Array.isArray(value) ? chosen.map((option) => option.name ?? null) : value
    const words = Array.isArray(value)
      ? chosen.map((option) => wordOf(option.label)).join(', ')
      : wordOf(value)
    return [[name, answer, `${typeof label === 'string' ? label : name}: ${words}`]]
  })
  const lines = answers.map(([, , line]) => line).join('\n')
  return {
    type: 'text',
    text: textFallback || lines || '[form]',
    form: Object.fromEntries(answers.map(([name, answer]) => [name, answer])),
  }
}
