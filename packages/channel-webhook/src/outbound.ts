import type { JsonObject, OutboundContent, Part } from '@plugboard/core'

/** Every payload is sent unchanged in one request. Payloads were parsed from JSON, so the cast is safe. */
export function render(content: OutboundContent): Part[] {
  return [{ call: 'post', args: { payload: content as JsonObject } }]
}
