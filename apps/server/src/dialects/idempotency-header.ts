import { z } from 'zod'
import { MAX_KEY } from './idempotent.js'

/** For the API document: the header of requests that can be repeated. */
export const idempotencyHeader = z.object({
  'idempotency-key': z.string().min(1).max(MAX_KEY).optional().meta({
    description:
      'Any text. A request with the same key and body has no second effect and gets the first response again',
  }),
})
