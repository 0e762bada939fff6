import type { Card, Content, ContentOf, JsonObject, OutboundContent, Part } from '@plugboard/core'
import { actionButton, buttonRows, choiceButton, menuRows, pagesOf } from './components.js'
import { cardView } from './embeds.js'
import { escapedPieces, escapeText, isVisible, isWebUrl, NOTHING } from './escaped-text.js'
import { MAX_BUTTONS, MAX_EMBEDDED, MAX_EMBEDS, MAX_ROWS, MAX_TEXT } from './limits.js'
import { fromMarkdown } from './markdown.js'

/**
 * One message. `file` is the address of a file, which is uploaded, or sent as a link if that fails. Its caption is the
 * content.
 */
const post = (message: {
  content?: string
  embeds?: JsonObject[]
  components?: JsonObject[]
  file?: string
}): Part => ({ call: 'message', args: message })

/** Turns content into messages of Discord, one part each. */
export function render(content: OutboundContent): Part[] {
  // The host degrades to the types of `capabilities`, and those are core's.
  const known = content as Exclude<Content, ContentOf<'template'>>
  switch (known.type) {
    case 'text':
      return texts(wordsOf(known.text, known.markdown))
    case 'single-choice':
      return choice(known)
    case 'dropdown':
      return dropdown(known)
    case 'image':
      return media(known.image, known.title)
    case 'audio':
    case 'voice':
      return media(known.audio, known.title)
    case 'video':
      return media(known.video, known.title)
    case 'file':
      return media(known.file, known.title)
    case 'location':
      return place(known)
    case 'card':
      return cards([known])
    case 'carousel':
      return cards(known.items)
  }
}

const wordsOf = (text: string, isMarkdown = false): string[] =>
  isMarkdown ? fromMarkdown(text, MAX_TEXT) : escapedPieces(text, MAX_TEXT)

const texts = (pieces: readonly string[]): Part[] => pieces.map((content) => post({ content }))

/** Texts, and components below the last; further messages for more rows than one has. */
function withRows(pieces: readonly string[], rows: readonly JsonObject[]): Part[] {
  const last = pieces.at(-1) ?? NOTHING
  const asked = pagesOf(rows, MAX_ROWS).map((components, i) =>
    post({ content: i === 0 ? last : NOTHING, components }),
  )
  return asked.length > 0 ? [...texts(pieces.slice(0, -1)), ...asked] : texts(pieces)
}

function choice({ text, choices, ...content }: ContentOf<'single-choice'>): Part[] {
  return withRows(wordsOf(text, isMarkdown(content)), buttonRows(choices.map(choiceButton)))
}

/** Core keeps the flag when it degrades other content to choices. */
const isMarkdown = (content: object): boolean => 'markdown' in content && content.markdown === true

const dropdown = ({ message, options, markdown }: ContentOf<'dropdown'>): Part[] =>
  withRows(wordsOf(message, markdown), menuRows(message, options))

/** An address that is none of the web is a text. */
function media(url: string, title = ''): Part[] {
  const caption = isVisible(title) ? escapedPieces(title, MAX_TEXT) : []
  if (!isWebUrl(url)) return texts([...caption, ...escapedPieces(url, MAX_TEXT)])
  const [only] = caption
  if (caption.length > 1) return [...texts(caption), post({ file: url })]
  return [post({ ...(only !== undefined && { content: only }), file: url })]
}

function place({ latitude, longitude, title = '', address = '' }: ContentOf<'location'>): Part[] {
  // Six decimals are about 10 cm, and never print as `1e-7`.
  const point = `${Number(latitude.toFixed(6))},${Number(longitude.toFixed(6))}`
  const map = `https://www.google.com/maps/search/?api=1&query=${encodeURIComponent(point)}`
  const head = isVisible(title) ? escapedPieces(title, MAX_TEXT) : []
  const where = isVisible(address) ? escapedPieces(address, MAX_TEXT) : []
  const link = `[${escapeText(point)}](${map})`
  const [name = '', lines = ''] = [head.join('\n'), where.join('\n')]
  const whole = [name && `**${name.trim()}**`, lines, link].filter(Boolean).join('\n')
  return whole.length <= MAX_TEXT ? texts([whole]) : texts([...head, ...where, link])
}

/** Puts cards into one message until one has buttons, which are below all embeds of a message. */
function cards(items: readonly Card[]): Part[] {
  const parts: Part[] = []
  let embeds: JsonObject[] = []
  let size = 0
  const flush = (components: JsonObject[] = []): void => {
    const rows = components.length > 0 ? { components } : {}
    if (embeds.length > 0) parts.push(post({ embeds, ...rows }))
    else if (components.length > 0) parts.push(post({ content: NOTHING, ...rows }))
    embeds = []
    size = 0
  }
  for (const card of items) {
    const view = cardView(card)
    if (view.before.length > 0 || embeds.length === MAX_EMBEDS || size + view.size > MAX_EMBEDDED) flush()
    parts.push(...texts(view.before))
    if (view.embed) embeds.push(view.embed)
    size += view.size
    const buttons = card.actions.map(actionButton).filter((button) => button !== undefined)
    for (const page of pagesOf(buttons, MAX_BUTTONS)) flush(buttonRows(page))
  }
  flush()
  return parts.length > 0 ? parts : texts([NOTHING])
}
