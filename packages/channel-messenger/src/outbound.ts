import { type Content, type ContentOf, type OutboundContent, type Part, splitText } from '@plugboard/core'
import { type MessageForm, messageParts } from '@plugboard/graph-api/messaging'
import { toPlainText } from '@plugboard/markdown'
import { MAX_TEXT } from './limits.js'

export const form: MessageForm = { cut: (text) => splitText(text, MAX_TEXT), toPlain: toPlainText }

/** Turns content into messages, one part each. */
export function render(content: OutboundContent): Part[] {
  // The host degrades to the types of `capabilities`, and those are core's.
  const known = content as Exclude<Content, ContentOf<'location' | 'dropdown'>>
  return known.type === 'template' ? [utility(known)] : messageParts(known, form)
}

/** https://developers.facebook.com/docs/messenger-platform/send-messages/utility-messages */
function utility({ name, language, parameters = [] }: ContentOf<'template'>): Part {
  const body = parameters.map((text) => ({ type: 'text', text: text.toWellFormed() }))
  const template = {
    name: name.toWellFormed(),
    language: { code: language.toWellFormed() },
    components: body.length > 0 ? [{ type: 'body', parameters: body }] : [],
  }
  return { call: 'messages', args: { messaging_type: 'UTILITY', message: { template } } }
}
