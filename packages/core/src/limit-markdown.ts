import type { Card, Content } from './content.js'

/** Maximum length of Markdown per payload, in UTF-16 units. */
const MAX_MARKDOWN = 10_000

/**
 * Turns Markdown above the limit into plain text, because a payload may become hundreds of messages, and a channel parses
 * each. The first content stays Markdown at any length: the parser has its own limit.
 */
export function limitMarkdown(contents: readonly Content[]): Content[] {
  let length = 0
  const isWithin = (...texts: (string | undefined)[]): boolean => {
    const isFirst = length === 0
    for (const text of texts) length += text?.length ?? 0
    return isFirst || length <= MAX_MARKDOWN
  }
  const limitCard = <T extends Card>(card: T): T =>
    card.markdown !== true || isWithin(card.title, card.subtitle) ? card : { ...card, markdown: false }
  return contents.map((content) => {
    switch (content.type) {
      case 'card':
        return limitCard(content)
      case 'carousel':
        return { ...content, items: content.items.map(limitCard) }
      case 'text':
      case 'single-choice':
        // A question that core created from a text has the text's Markdown flag.
        return content.markdown !== true || isWithin(content.text) ? content : { ...content, markdown: false }
      case 'dropdown':
        return content.markdown !== true || isWithin(content.message)
          ? content
          : { ...content, markdown: false }
      default:
        return content
    }
  })
}
