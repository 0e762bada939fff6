import { invalid, type Received } from '@plugboard/core'

/** Nothing comes in through the webhook. @throws INVALID */
export function parse(): Received {
  throw invalid({ path: ['body'], message: 'is not allowed: visitors write through /web/v1' })
}
