import type { JsonObject, OutboundContent, Part } from '@plugboard/core'

/** Every payload goes out as it is, in one request. Payloads came as JSON, so the cast loses nothing. */
export function render(content: OutboundContent): Part[] {
  return [{ call: 'post', args: { payload: content as JsonObject } }]
}
