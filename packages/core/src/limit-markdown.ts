import type { Card, Content } from './content.js'

/** As much of a payload as is read as Markdown, in UTF-16 units. */
const MAX_MARKDOWN = 10_000

/**
 * Takes the mark of Markdown from what is over the limit, so that it is shown as it is written: a payload may become
 * hundreds of messages, and a channel reads each alone. The first is left as it is, however long: whatever reads
 * Markdown has a limit of its own.
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
        // Where core made a question of a text, it has the text's mark.
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
