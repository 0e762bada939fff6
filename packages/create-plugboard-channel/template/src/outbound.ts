import type { Content, JsonObject, OutboundContent, Part } from '@plugboard/core'

/** Content becomes parts: plain JSON, one for each thing that the person sees. Pure, so that fixtures can show it. */
export function render(content: OutboundContent): Part[] {
  // The host keeps to the types of `capabilities`, so that nothing gets to the default.
  const known = content as Content
  switch (known.type) {
    case 'text':
      return [message({ text: known.text, ...formatOf(known) })]
    case 'image':
      return [message({ image: known.image, ...(known.title && { caption: known.title }) })]
    case 'single-choice': {
      // `value` is a token that the host made. It comes back in `choice`, and the host knows what stands behind it.
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
