import { invalid, isStorable, readJson } from '@plugboard/core'
import { z } from 'zod'
import { MAX_NOTIFICATION_VALUES } from '../fields.js'

/** Most updates of one notification that are read. */
const MAX_UPDATES = 1_000
/** Longest id, in UTF-16 units. Those of messages on Instagram have about 170. */
const MAX_ID = 512

/** What notifications are about: pages of Facebook, or professional accounts of Instagram. */
export type MessagingObject = 'page' | 'instagram'

/** An id of Meta: of a page, a person or a message. */
export const idSchema = z
  .string()
  .min(1)
  .max(MAX_ID)
  .refine((text) => isStorable(text))

const notificationSchema = z.object({ object: z.string(), entry: z.array(z.unknown()) })
const entrySchema = z.object({ id: idSchema, messaging: z.array(z.unknown()) })

/** The updates of one page or account. */
export interface Entry {
  account: string
  updates: unknown[]
}

/**
 * The entries of a notification that have messages, in order. Empty for a notification about another kind of object.
 * Updates that another app has to answer (`standby`) are left out.
 * @throws PlugboardError INVALID for a body that is no notification
 */
export function entriesIn(body: Uint8Array, object: MessagingObject): Entry[] {
  const json = readJson(body, 'body', { maxValues: MAX_NOTIFICATION_VALUES })
  const { data } = notificationSchema.safeParse(json)
  if (!data) throw invalid({ path: ['body'], message: 'must be a notification of Meta' })
  if (data.object !== object) return []
  return data.entry.slice(0, MAX_UPDATES).flatMap((each) => {
    const entry = entrySchema.safeParse(each).data
    return entry ? [{ account: entry.id, updates: entry.messaging.slice(0, MAX_UPDATES) }] : []
  })
}

/** The pages or accounts that a notification has messages of. Empty for a body that is no notification; never throws. */
export function accountsIn(body: Uint8Array, object: MessagingObject): string[] {
  try {
    return [...new Set(entriesIn(body, object).map(({ account }) => account))]
  } catch {
    return []
  }
}
