import type { InboundContent } from '@plugboard/core'

/** A text for something that cannot be shown: its kind in brackets. */
export const notice = (name: string): InboundContent => ({ type: 'text', text: `[${name.slice(0, 50)}]` })
