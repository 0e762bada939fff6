import type { Content, ContentOf, OutboundContent, Part } from '@plugboard/core'
import { cutBytes, type MessageForm, messageParts } from '@plugboard/graph-api/messaging'
import { toPlainText } from '@plugboard/markdown'
import { MAX_TEXT_BYTES } from './limits.js'

export const form: MessageForm = { cut: (text) => cutBytes(text, MAX_TEXT_BYTES), toPlain: toPlainText }

/** Turns content into messages, one part each. */
export function render(content: OutboundContent): Part[] {
  // The host degrades to the types of `capabilities`, and those are core's.
  return messageParts(
    content as Exclude<Content, ContentOf<'file' | 'location' | 'dropdown' | 'template'>>,
    form,
  )
}
