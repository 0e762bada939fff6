import type { Id } from '@plugboard/core'
import type { PullLane } from '../log/pull-lane.js'
import type { Store } from '../ports/store.js'

/** An event that has waited for a reader for so long means that there is none, or that it is too slow. */
export const UNREAD_MS = 5 * 60_000

/** Most lanes that are looked at. */
export const MAX_UNREAD = 200

/** Lanes of a pull webhook that have waited for a reader for {@link UNREAD_MS}, longest waiting first. */
export async function unreadLanes(
  store: Pick<Store, 'listPulls'>,
  clientId: Id,
  webhookId: Id,
  now: Date,
): Promise<PullLane[]> {
  const before = new Date(now.getTime() - UNREAD_MS)
  const lanes = await store.listPulls(clientId, webhookId, { before, limit: MAX_UNREAD })
  return lanes.filter(({ dueAt, heldTo }) => heldTo === undefined || dueAt === undefined || dueAt <= now)
}
