import { splitText } from '@plugboard/core'
import { MAX_ENTITIES } from './limits.js'

/** A formatted range of a text: https://core.telegram.org/bots/api#messageentity, in UTF-16 units. */
export type Entity = {
  type: 'bold' | 'italic' | 'strikethrough' | 'code' | 'pre' | 'text_link' | 'blockquote'
  offset: number
  length: number
  url?: string
  language?: string
}

/** A text and its formatting. */
export interface Formatted {
  text: string
  entities: Entity[]
}

/** A text without meaning in any language, because Telegram rejects an empty one. */
export const NOTHING = '…'

/** Whether a text is visible. Telegram rejects a text of only white space and zero-width characters. */
export const isVisible = (text: string): boolean =>
  /[^\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\ufffc]/u.test(text)

/** Replaces halves of surrogate pairs, which UTF-8 cannot encode. */
export const clean = (text: string): string => text.toWellFormed()

export const plain = (text: string): Formatted => ({ text: clean(text), entities: [] })

export const bold = (text: string): Formatted => {
  const { length } = text
  return {
    text: clean(text),
    entities: isVisible(text) ? [{ type: 'bold', offset: 0, length }] : [],
  }
}

/** Joins lines; invisible ones are left out. */
export function lines(...all: (Formatted | undefined)[]): Formatted {
  const result: Formatted = { text: '', entities: [] }
  for (const line of all) {
    if (!line || !isVisible(line.text)) continue
    if (result.text) result.text += '\n'
    const by = result.text.length
    result.entities.push(...line.entities.map((each) => ({ ...each, offset: each.offset + by })))
    result.text += line.text
  }
  return result
}

/** Splits a text where core would, into at least one piece. Formatting continues after a split. */
export function split({ text, entities }: Formatted, max: number): Formatted[] {
  let end = 0
  const pieces = splitText(text, max).map((piece) => {
    const start = text.indexOf(piece, end)
    end = start + piece.length
    return { text: piece, entities: clip(entities, text, start, end) }
  })
  const visible = pieces.filter((piece) => isVisible(piece.text))
  return visible.length > 0 ? visible : [{ text: NOTHING, entities: [] }]
}

/** The entities between two offsets, relative to the first. */
function clip(entities: readonly Entity[], text: string, start: number, end: number): Entity[] {
  const clipped = entities.flatMap((entity) => {
    const from = Math.max(entity.offset, start)
    const to = Math.min(entity.offset + entity.length, end)
    if (from >= to || !isVisible(text.slice(from, to))) return []
    return [{ ...entity, offset: from - start, length: to - from }]
  })
  return clipped.slice(0, MAX_ENTITIES)
}
