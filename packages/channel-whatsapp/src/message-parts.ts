import { isStorable } from '@plugboard/core'
import { z } from 'zod'

/** The id of a message: `wamid.…`. */
export const messageId = z.string().min(1).max(256).refine(isStorable)

/** A time in seconds since 1970, which Meta writes as text; 1970 if there is none. */
export const seconds = z.coerce
  .number()
  .int()
  .min(0)
  .max(1e11)
  .catch(0)
  .transform((value) => new Date(value * 1000))

/** A text that may be missing; empty for what is none. */
export const words = z.string().catch('')
