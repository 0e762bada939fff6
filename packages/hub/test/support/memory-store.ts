import { type Id, newId } from '@plugboard/core'
import type { EndpointRecord } from '../../src/log/endpoint-record.js'
import type { Dead, Entry, StreamRef } from '../../src/log/entry.js'
import { firstPage } from '../../src/log/page.js'
import type { Claimed, LaneState, Lease, Mark } from '../../src/log/progress.js'
import { type LaneKey, replayLane, type Target } from '../../src/log/target.js'
import type { Append, Appended, Due, Replay, Replayed } from '../../src/ports/store.js'

/** The holder of the lease of a stream. */
interface Holder {
  owner: number
  fence: number
  /** The fence of the lease that was reclaimed, if it was. */
  reclaimedFrom?: number
  until: number
}

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
  holder: Holder | undefined
  /** Times that it was taken from a holder that had not given it back, so that unmarked deliveries may be repeated. */
  takeovers: number
}

export const LEASE_MS = 60_000

/** The part of a database that deliveries need, by the rules of `storeSuite`. Each process opens its own handle. */
export class MemoryDatabase {
  readonly streams = new Map<Id, StreamRow>()
  readonly now: () => Date
  readonly leaseMs: number
  #owners = 0

  constructor(now: () => Date, leaseMs = LEASE_MS) {
    this.now = now
    this.leaseMs = leaseMs
  }

  open(): MemoryStore {
    this.#owners += 1
    return new MemoryStore(this, this.#owners)
  }

  addStream(clientId: Id, streamId: Id = newId()): StreamRow {
    const row: StreamRow = {
      ...{ clientId, streamId, entries: [], endpoints: [], scanned: 0, lanes: {} },
      ...{ nextAt: null, isWoken: false, fence: 0, holder: undefined, takeovers: 0 },
    }
    this.streams.set(streamId, row)
    return row
  }

  get(streamId: Id): StreamRow {
    const row = this.streams.get(streamId)
    if (!row) throw new Error(`there is no stream ${streamId}`)
    return row
  }

  /** Whether the target has this entry, or will never get it, according to the store. */
  isDone(streamId: Id, target: Target, seq: number): boolean {
    const row = this.get(streamId)
    return (row.lanes[target]?.done ?? row.scanned) >= seq
  }
}

/** One process's handle: an owner of leases. */
export class MemoryStore {
  readonly owner: number
  readonly #database: MemoryDatabase

  constructor(database: MemoryDatabase, owner: number) {
    this.#database = database
    this.owner = owner
  }

  get #nowMs(): number {
    return this.#database.now().getTime()
  }

  append({ streamId, entry: given, resolve }: Append): Appended {
    const row = this.#database.get(streamId)
    const { claim, ...fields } = given
    const { owes, channel } = resolve({ endpoints: row.endpoints })
    const wasSettled = isSettled(row)
    const place = { clientId: row.clientId, streamId, seq: row.entries.length + 1 }
    const entry: Entry = { ...fields, ...place, owes, ...(channel !== undefined && { channel }) }
    row.entries.push(entry)
    const now = this.#nowMs
    if (owes.length === 0) {
      if (wasSettled) row.scanned = entry.seq
      return { entry, duplicate: false }
    }
    if (this.#isHeld(row)) return { entry, duplicate: false }
    if (claim) return { entry, duplicate: false, claimed: this.#hold(row) }
    row.nextAt = Math.min(row.nextAt ?? now, now)
    return { entry, duplicate: false }
  }

  claimDue({ now, limit, except }: { now: Date; limit: number; except: readonly Id[] }): Due {
    const ms = now.getTime()
    const due = [...this.#database.streams.values()].filter(
      (row) =>
        !except.includes(row.clientId) &&
        (row.holder ? row.holder.until <= ms : row.nextAt !== null && row.nextAt <= ms),
    )
    return { claimed: due.slice(0, limit).map((row) => this.#hold(row)) }
  }

  readEntries({ streamId }: StreamRef, after: number, limit: number): Entry[] {
    return firstPage(this.#database.get(streamId).entries.slice(after), limit)
  }

  mark({ streamId }: StreamRef, lease: Lease, { scanned, lanes, nextAt }: Mark): number | 'lost' {
    const row = this.#database.get(streamId)
    if (!this.#isMine(row, lease)) return 'lost'
    row.scanned = Math.max(row.scanned, scanned)
    for (const [key, lane] of Object.entries(lanes) as [LaneKey, LaneState | null][]) {
      if (lane) row.lanes[key] = lane
      else delete row.lanes[key]
    }
    const seq = row.entries.length
    if (nextAt === 'active' || seq > scanned) {
      const until = this.#nowMs + this.#database.leaseMs
      if (row.holder) row.holder.until = until
      lease.until = new Date(until)
      return seq
    }
    row.holder = undefined
    row.nextAt = nextAt?.getTime() ?? null
    if (row.isWoken || (nextAt === null && !isSettled(row))) row.nextAt = this.#nowMs
    row.isWoken = false
    return seq
  }

  reclaim({ streamId }: StreamRef, lease?: Lease): Claimed | 'lost' {
    const row = this.#database.get(streamId)
    const { holder } = row
    if (holder?.owner !== this.owner) return 'lost'
    if (lease && lease.fence !== holder.fence && lease.fence !== holder.reclaimedFrom) return 'lost'
    const isRepeated = lease !== undefined && lease.fence === holder.reclaimedFrom
    if (isRepeated) row.fence -= 1
    const claimed = this.#claimed(row)
    if (row.holder) row.holder.reclaimedFrom = claimed.lease.fence - 1
    return claimed
  }

  bury({ streamId }: StreamRef, seq: number, target: Target, dead: Dead): void {
    const entry = this.#database.get(streamId).entries[seq - 1]
    if (entry) this.#replace({ ...entry, dead: { ...entry.dead, [target]: dead } })
  }

  replay({ entryId, target, to, now }: Replay): Replayed | undefined {
    const rows = [...this.#database.streams.values()]
    const entry = rows.flatMap(({ entries }) => entries).find(({ id }) => id === entryId)
    const { [target]: death, ...dead } = entry?.dead ?? {}
    if (!entry || !death || entry.deletedAt) return undefined
    this.#replace({ ...entry, dead })
    const row = this.#database.get(entry.streamId)
    const key = replayLane(entry.seq, death.at, to)
    const lane = { done: entry.seq - 1, since: now }
    row.lanes[key] = lane
    this.#wake(row)
    return { clientId: row.clientId, streamId: row.streamId, key, lane }
  }

  wakeClient(clientId: Id): void {
    for (const row of this.#database.streams.values())
      if (row.clientId === clientId && !isSettled(row)) this.#wake(row)
  }

  /** Turns one entry, or all of them, into tombstones. */
  deleteMessages(streamId: Id, only: Id | 'all'): void {
    for (const entry of this.#database.get(streamId).entries) {
      if ((only === 'all' || entry.id === only) && !entry.deletedAt)
        this.#replace({ ...entry, payload: '', deletedAt: this.#database.now() })
    }
  }

  #isMine({ holder }: StreamRow, { fence }: Lease): boolean {
    return holder?.owner === this.owner && holder.fence === fence
  }

  #isHeld({ holder }: StreamRow): boolean {
    return holder !== undefined && holder.until > this.#nowMs
  }

  #wake(row: StreamRow): void {
    row.nextAt = this.#nowMs
    row.isWoken = row.holder !== undefined
  }

  #hold(row: StreamRow): Claimed {
    if (row.holder) row.takeovers += 1
    return this.#claimed(row)
  }

  #claimed(row: StreamRow): Claimed {
    const { clientId, streamId, endpoints, scanned, entries } = row
    const lease = this.#take(row)
    return { clientId, streamId, endpoints, scanned, lanes: { ...row.lanes }, seq: entries.length, lease }
  }

  #take(row: StreamRow): Lease {
    row.fence += 1
    const until = this.#nowMs + this.#database.leaseMs
    row.holder = { owner: this.owner, fence: row.fence, until }
    return { fence: row.fence, until: new Date(until) }
  }

  /** Replaces the object, because entries that were read before must not change. */
  #replace(entry: Entry): void {
    this.#database.get(entry.streamId).entries[entry.seq - 1] = entry
  }
}

/** Nothing is left to deliver. */
export const isSettled = (row: StreamRow): boolean =>
  row.scanned === row.entries.length && Object.keys(row.lanes).length === 0
