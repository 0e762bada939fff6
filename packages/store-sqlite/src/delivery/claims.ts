import type { Id } from '@plugboard/core'
import type { Backlog, Claimed, Due, Lease, Mark, Progress, Schedule, StreamRef } from '@plugboard/hub'
import { type Connection, prepareAll, prepareNumber, prepareWrite, toHex } from '../database/sql.js'
import { HOLDS } from '../encoding.js'
import type { StreamCache } from '../streams/stream-cache.js'
import { claimedOf, isHolder, leaseOf, mayReclaim, progress } from '../streams/stream-state.js'
import type { ProgressTable } from './progress-table.js'

const FREE = HOLDS.indexOf('free')
const WOKEN = HOLDS.indexOf('woken')

const CLAIM = `
  SELECT json_array(${toHex('s.client')}, ${toHex('s.id')}, next_at) AS row
  FROM progress p INDEXED BY progress_due CROSS JOIN streams s ON s.n = p.n
  WHERE next_at >= ? AND next_at <= ? AND p.client NOT IN (SELECT unhex(value) FROM json_each(?))
  ORDER BY next_at LIMIT ?`

const WAKE = `
  UPDATE progress SET next_at = iif(hold = ${FREE}, ?1, next_at), hold = iif(hold = ${FREE}, hold, ${WOKEN})
  WHERE n IN (SELECT n FROM progress INDEXED BY progress_of_client
    WHERE client = unhex(?2) AND (next_at > ?1 OR hold <> ${FREE}))`

type DueRow = [clientId: Id, streamId: Id, nextAt: number]

/** Which streams are due, who delivers them, and how far that got. */
export class Claims {
  readonly #streams: StreamCache
  readonly #progress: ProgressTable
  readonly #now: () => number
  readonly #claim
  readonly #nextDue
  readonly #wake
  /** Every stream that is due before this is of a client in {@link #passedOver}. */
  #passed = 0
  #passedOver: ReadonlySet<Id> = new Set()

  constructor(db: Connection, streams: StreamCache, progress: ProgressTable, now: () => number) {
    this.#streams = streams
    this.#progress = progress
    this.#now = now
    this.#claim = prepareAll<DueRow>(db, CLAIM)
    this.#nextDue = prepareNumber(
      db,
      'SELECT next_at FROM progress WHERE next_at > ? ORDER BY next_at LIMIT 1',
    )
    this.#wake = prepareWrite(db, WAKE)
    // Whoever held streams is gone.
    const release = `UPDATE progress SET next_at = ?, hold = ${FREE} WHERE hold <> ${FREE}`
    db.exec('BEGIN IMMEDIATE')
    prepareWrite(db, release)(now())
    db.exec('COMMIT')
  }

  claimDue({ now, limit, except }: { now: Date; limit: number; except: readonly Id[] }): Due {
    this.#streams.flush()
    const ms = now.getTime()
    const rows = this.#claim(this.#startFor(except), ms, JSON.stringify(except), limit)
    this.#passed = rows.length < limit ? ms : (rows.at(-1)?.[2] ?? ms)
    this.#passedOver = new Set(except)
    const from = Math.max(ms, this.#now())
    const claimed = rows.flatMap(([clientId, streamId]) => this.#take(clientId, streamId, from) ?? [])
    this.#streams.flush()
    const nextAt = this.#nextDue(ms)
    return { claimed, ...(nextAt !== undefined && { nextAt: new Date(nextAt) }) }
  }

  /** So that the many streams of a client that is left out are not walked through each time. */
  #startFor(except: readonly Id[]): number {
    const earliest = this.#streams.takeEarliestDue()
    const left = new Set(except)
    for (const clientId of this.#passedOver) if (!left.has(clientId)) return 0
    return Math.min(this.#passed, earliest)
  }

  #take(clientId: Id, streamId: Id, now: number): Claimed | undefined {
    const stream = this.#streams.find(clientId, streamId)
    if (!stream) return undefined
    this.#streams.take(stream, now)
    return claimedOf(stream)
  }

  /** Answers the lease too, whose end may have moved. */
  mark({ clientId, streamId }: StreamRef, lease: Lease, mark: Mark): { seq: number; lease: Lease } | 'lost' {
    const stream = this.#streams.find(clientId, streamId)
    if (!stream || !isHolder(stream, lease)) return 'lost'
    progress(stream, mark, this.#now(), this.#streams.leaseMs)
    this.#streams.touch(stream)
    return { seq: stream.seq, lease: stream.hold === 'free' ? lease : leaseOf(stream) }
  }

  reclaim({ clientId, streamId }: StreamRef, lease?: Lease): Claimed | 'lost' {
    const stream = this.#streams.find(clientId, streamId)
    if (!stream || !mayReclaim(stream, lease)) return 'lost'
    this.#streams.retake(stream, lease, this.#now())
    return claimedOf(stream)
  }

  wakeClient(clientId: Id, now: Date): void {
    this.#streams.flush()
    const ms = now.getTime()
    this.#wake(ms, clientId)
    this.#streams.woken(clientId, ms)
  }

  findProgress({ clientId, streamId }: StreamRef): Progress | undefined {
    const stream = this.#streams.find(clientId, streamId)
    return stream && { scanned: stream.scanned, lanes: stream.lanes }
  }

  findSchedule({ clientId, streamId }: StreamRef): Schedule | undefined {
    const stream = this.#streams.find(clientId, streamId)
    if (!stream || stream.nextAt === null) return stream && {}
    const at = new Date(stream.nextAt)
    return stream.hold === 'free' ? { dueAt: at } : { leasedUntil: at }
  }

  backlog(limit: number): Backlog {
    return this.#progress.backlog(limit)
  }
}
