import type { Content, JsonObject, OutboundContent, Part } from '@plugboard/core'

/** Converts content to parts: plain JSON, one per visible item. Pure, so that fixtures can test it. */
export function render(content: OutboundContent): Part[] {
  // The host only passes types of `capabilities`, so the default is never reached.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return [message({ text: known.text, ...formatOf(known) })]
    case 'image':
      return [message({ image: known.image, ...(known.title && { caption: known.title }) })]
    case 'single-choice': {
      // `value` is a token of the host. The `choice` event returns it, and the host resolves it.
      const buttons = known.choices.map(({ title, value }) => ({ label: title || '…', value }))
      return [message({ text: known.text, ...formatOf(known), buttons })]
    }
    default:
      return []
  }
}

const message = (args: JsonObject): Part => ({ call: 'message', args })

const formatOf = (content: { [field: string]: unknown }) =>
  content.markdown === true ? { format: 'markdown' } : {}
