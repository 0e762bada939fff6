import type { Claimed, Lease } from '../../log/progress.js'
import type { Database } from './database.js'
import { type Owner, owesSomething, type Stream } from './stream.js'

/** Whether the lease can be had at this time: nobody has it, or it has ended. */
export const isFree = ({ holder }: Stream, now: Date): boolean => !holder || holder.until <= now

/** When the stream is to be taken up: when its lease ends or, where nobody has it, when there is something to do. */
export const dueAt = ({ holder, nextAt }: Stream): Date | undefined => holder?.until ?? nextAt

/** Whether this is the newest lease and nobody has given it back. After its end too, until somebody else takes it. */
export const isHolder = ({ holder }: Stream, owner: Owner, { fence }: Lease): boolean =>
  holder !== undefined && holder.owner === owner && holder.fence === fence

/** Whether a reclaim may have the lease: it is the owner's, and still this one or what an earlier reclaim made of it. */
export function mayReclaim({ holder }: Stream, owner: Owner, lease: Lease | undefined): boolean {
  if (holder?.owner !== owner) return false
  return lease === undefined || lease.fence === holder.fence || lease.fence === holder.reclaimedFrom
}

/** Gives the owner its lease anew. A reclaim that is repeated has the lease that the first one made. */
export function retake(database: Database, stream: Stream, owner: Owner, lease: Lease | undefined): Claimed {
  const { holder } = stream
  if (holder && lease?.fence === holder.reclaimedFrom && lease) {
    holder.until = endOf(database, database.now())
    return claimedOf(stream, { fence: holder.fence, until: holder.until })
  }
  const from = stream.fence
  const again = hold(database, stream, owner)
  if (stream.holder) stream.holder.reclaimedFrom = from
  return claimedOf(stream, again)
}

/** Gives a stream that is free to the owner, with all that it needs to deliver it. */
export function take(database: Database, stream: Stream, owner: Owner, now = database.now()): Claimed {
  const lease = hold(database, stream, owner, now)
  stream.nextAt = undefined
  // The new holder reads everything that is there.
  stream.isWoken = false
  return claimedOf(stream, lease)
}

function claimedOf(stream: Stream, lease: Lease): Claimed {
  const { clientId, streamId, userId, endpoints, scanned, lanes, entries } = stream
  return {
    ...{ clientId, streamId, endpoints, scanned, lanes, seq: entries.length, lease },
    ...(userId !== undefined && { userId }),
  }
}

/**
 * Begins a lease. The fence rises each time, also when an owner takes its own lease again: a call that still uses the
 * earlier one is refused.
 */
function hold(database: Database, stream: Stream, owner: Owner, now = database.now()): Lease {
  stream.fence += 1
  stream.holder = { owner, fence: stream.fence, until: endOf(database, now) }
  return { fence: stream.fence, until: stream.holder.until }
}

/** Moves the end of the lease, in the stream and in the object that its holder has. */
export function renew(database: Database, { holder }: Stream, lease: Lease): void {
  if (!holder) return
  holder.until = endOf(database, database.now())
  lease.until = new Date(holder.until)
}

/** Ends the lease. The stream is due at this time; null when its holder knows of nothing that is owed. */
export function giveBack(database: Database, stream: Stream, nextAt: Date | null): void {
  const { isWoken } = stream
  stream.holder = undefined
  stream.isWoken = false
  if (nextAt) wake(database, stream, nextAt)
  // The holder does not know of what came in while it held the stream, such as a replay.
  if (owesSomething(stream) && (isWoken || nextAt === null)) wake(database, stream, soon(database, stream))
}

/** Makes the stream due at this time at the latest, or once its holder gives it back. */
export function wake(database: Database, stream: Stream, at: Date): void {
  if (stream.holder) stream.isWoken = true
  else if (!stream.nextAt || at < stream.nextAt) {
    stream.nextAt = new Date(at)
    database.announce((watcher) => watcher.due(new Date(at)))
  }
}

/** Now, or the time of the newest entry: it is past by the clock of every process, also where clocks differ. */
export function soon(database: Database, { entries }: Stream): Date {
  const now = database.now()
  const newest = entries.at(-1)?.at ?? now
  return new Date(Math.min(newest.getTime(), now.getTime()))
}

const endOf = ({ leaseMs }: Database, now: Date): Date => new Date(now.getTime() + leaseMs)
