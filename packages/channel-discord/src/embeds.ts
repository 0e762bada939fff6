import type { Action, Card, JsonObject } from '@plugboard/core'
import { actionButton } from './components.js'
import { escapedPieces, isVisible, isWebUrl, NOTHING } from './escaped-text.js'
import { MAX_DESCRIPTION, MAX_EMBEDDED, MAX_PICTURE_URL, MAX_TEXT, MAX_TITLE } from './limits.js'
import { fromMarkdown } from './markdown.js'

/** How a card is shown. `before` are texts that are too long for an embed. */
export interface CardView {
  before: string[]
  /** Undefined for a card of which only buttons are left. */
  embed: JsonObject | undefined
  /** Characters that count towards the limit of a message. */
  size: number
}

/** A card as an embed: its title, its words, and its picture. */
export function cardView({ title, subtitle = '', image = '', actions, markdown }: Card): CardView {
  const picture = isWebUrl(image) && image.length <= MAX_PICTURE_URL ? image : undefined
  const words = (text: string, max: number): string[] => {
    if (!isVisible(text)) return []
    return markdown ? fromMarkdown(text, max) : escapedPieces(text, max)
  }
  const links = [...(image && !picture ? [image] : []), ...actions.flatMap(unlinkable)]
  const lines = links.flatMap((line) => escapedPieces(line, MAX_TEXT))
  const isSurelyLong = title.length > MAX_TITLE || subtitle.length > MAX_DESCRIPTION
  const head = isSurelyLong ? [] : words(title, MAX_TITLE)
  const below = isSurelyLong ? [] : words(subtitle, MAX_DESCRIPTION)
  const rest = [...below, ...lines].join('\n')
  const size = head.join('').length + rest.length
  const isLong = isSurelyLong || head.length > 1 || rest.length > MAX_DESCRIPTION || size > MAX_EMBEDDED
  const shown = isLong ? {} : { ...(head[0] && { title: head[0] }), ...(rest && { description: rest }) }
  const embed = { ...shown, ...(picture && { image: { url: picture } }) }
  return {
    before: isLong ? [...words(title, MAX_TEXT), ...words(subtitle, MAX_TEXT), ...lines] : [],
    embed: Object.keys(embed).length > 0 ? embed : undefined,
    size: isLong ? 0 : size,
  }
}

/** A link that cannot be a button, as a line of text. */
const unlinkable = (action: Action): string[] =>
  action.action === 'Open URL' && !actionButton(action)
    ? [[action.title, action.url].filter(isVisible).join(': ') || NOTHING]
    : []
