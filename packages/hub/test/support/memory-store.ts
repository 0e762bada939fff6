import { type Id, newId } from '@plugboard/core'
import type { EndpointRecord } from '../../src/log/endpoint-record.js'
import type { Dead, Entry, StreamRef } from '../../src/log/entry.js'
import { firstPage } from '../../src/log/page.js'
import type { Claimed, LaneState, Lease, Mark } from '../../src/log/progress.js'
import { type LaneKey, replayLane, type Target } from '../../src/log/target.js'
import type { Append, Appended, Due, Replay, Replayed } from '../../src/ports/store.js'

/** A stream as it is on disk. */
export interface StreamRow extends StreamRef {
  entries: Entry[]
  endpoints: readonly EndpointRecord[]
  scanned: number
  lanes: Record<LaneKey, LaneState>
  nextAt: number | null
  /** It became due while someone held it. */
  isWoken: boolean
  fence: number
  /** End of the lease; undefined when nobody has it. */
  heldUntil: number | undefined
}

const LEASE_MS = 60_000

/**
 * What the delivery needs of a store, by the rules of `storeSuite`, and stricter than any real one: the fence rises each
 * time that a lease is taken, so that a holder who gave it back and goes on is always found out.
 */
export class MemoryStore {
  readonly streams = new Map<Id, StreamRow>()
  readonly #now: () => Date

  constructor(now: () => Date) {
    this.#now = now
  }

  /** After a crash: leases are void, and what owes something is due. */
  reopen(): void {
    for (const row of this.streams.values()) {
      row.heldUntil = undefined
      if (!isSettled(row)) row.nextAt = this.#now().getTime()
    }
  }

  addStream(clientId: Id, streamId: Id = newId()): StreamRow {
    const row: StreamRow = {
      ...{ clientId, streamId, entries: [], endpoints: [], scanned: 0, lanes: {} },
      ...{ nextAt: null, isWoken: false, fence: 0, heldUntil: undefined },
    }
    this.streams.set(streamId, row)
    return row
  }

  append({ streamId, entry: given, resolve }: Append): Appended {
    const row = this.#get(streamId)
    const { claim, ...fields } = given
    const { owes, channel } = resolve({ endpoints: row.endpoints })
    const wasSettled = isSettled(row)
    const place = { clientId: row.clientId, streamId, seq: row.entries.length + 1 }
    const entry: Entry = { ...fields, ...place, owes, ...(channel !== undefined && { channel }) }
    row.entries.push(entry)
    const now = this.#now().getTime()
    if (owes.length === 0) {
      if (wasSettled) row.scanned = entry.seq
      return { entry, duplicate: false }
    }
    if (row.heldUntil !== undefined) return { entry, duplicate: false }
    if (claim) return { entry, duplicate: false, claimed: this.#hold(row) }
    row.nextAt = Math.min(row.nextAt ?? now, now)
    return { entry, duplicate: false }
  }

  claimDue({ now, limit, except }: { now: Date; limit: number; except: readonly Id[] }): Due {
    const ms = now.getTime()
    const due = [...this.streams.values()].filter(
      (row) =>
        !except.includes(row.clientId) &&
        (row.heldUntil === undefined ? row.nextAt !== null && row.nextAt <= ms : row.heldUntil <= ms),
    )
    return { claimed: due.slice(0, limit).map((row) => this.#hold(row)) }
  }

  readEntries({ streamId }: StreamRef, after: number, limit: number): Entry[] {
    return firstPage(this.#get(streamId).entries.slice(after), limit)
  }

  mark({ streamId }: StreamRef, lease: Lease, { scanned, lanes, nextAt }: Mark): number | 'lost' {
    const row = this.#get(streamId)
    if (row.heldUntil === undefined || row.fence !== lease.fence) return 'lost'
    row.scanned = Math.max(row.scanned, scanned)
    for (const [key, lane] of Object.entries(lanes) as [LaneKey, LaneState | null][]) {
      if (lane) row.lanes[key] = lane
      else delete row.lanes[key]
    }
    const seq = row.entries.length
    if (nextAt === 'active' || seq > scanned) {
      row.heldUntil = this.#now().getTime() + LEASE_MS
      return seq
    }
    row.heldUntil = undefined
    row.nextAt = nextAt?.getTime() ?? null
    if (row.isWoken || (nextAt === null && !isSettled(row))) row.nextAt = this.#now().getTime()
    row.isWoken = false
    return seq
  }

  bury({ streamId }: StreamRef, seq: number, target: Target, dead: Dead): void {
    const entry = this.#get(streamId).entries[seq - 1]
    if (entry) this.#replace({ ...entry, dead: { ...entry.dead, [target]: dead } })
  }

  replay({ entryId, target, to, now }: Replay): Replayed | undefined {
    const rows = [...this.streams.values()]
    const entry = rows.flatMap(({ entries }) => entries).find(({ id }) => id === entryId)
    if (!entry?.dead?.[target] || entry.deletedAt) return undefined
    const { [target]: _, ...dead } = entry.dead
    this.#replace({ ...entry, dead })
    const row = this.#get(entry.streamId)
    const key = replayLane(entry.seq, to)
    const lane = { done: entry.seq - 1, since: now }
    row.lanes[key] = lane
    this.#wake(row)
    return { clientId: row.clientId, streamId: row.streamId, key, lane }
  }

  wakeClient(clientId: Id): void {
    for (const row of this.streams.values()) if (row.clientId === clientId && !isSettled(row)) this.#wake(row)
  }

  /** Turns one entry, or all of them, into tombstones. */
  deleteMessages(streamId: Id, only: Id | 'all'): void {
    for (const entry of this.#get(streamId).entries) {
      if ((only === 'all' || entry.id === only) && !entry.deletedAt)
        this.#replace({ ...entry, payload: '', deletedAt: this.#now() })
    }
  }

  /** Whether the store says that the target has this entry, or will never get it. */
  isDone(streamId: Id, target: Target, seq: number): boolean {
    const row = this.#get(streamId)
    return (row.lanes[target]?.done ?? row.scanned) >= seq
  }

  #wake(row: StreamRow): void {
    row.nextAt = this.#now().getTime()
    row.isWoken = row.heldUntil !== undefined
  }

  #hold(row: StreamRow): Claimed {
    if (row.heldUntil === undefined) row.fence += 1
    row.heldUntil = this.#now().getTime() + LEASE_MS
    const { clientId, streamId, endpoints, scanned, fence } = row
    const lanes = { ...row.lanes }
    return { clientId, streamId, endpoints, scanned, lanes, seq: row.entries.length, lease: { fence } }
  }

  /** What was read before keeps what it says. */
  #replace(entry: Entry): void {
    this.#get(entry.streamId).entries[entry.seq - 1] = entry
  }

  #get(streamId: Id): StreamRow {
    const row = this.streams.get(streamId)
    if (!row) throw new Error(`there is no stream ${streamId}`)
    return row
  }
}

/** Nothing is owed. */
export const isSettled = (row: StreamRow): boolean =>
  row.scanned === row.entries.length && Object.keys(row.lanes).length === 0
