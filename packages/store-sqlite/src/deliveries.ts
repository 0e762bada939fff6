import type { Id } from '@plugboard/core'
import {
  type Claimed,
  type Dead,
  type Due,
  type Lease,
  type Mark,
  type Progress,
  type Replay,
  type Replayed,
  replayLane,
  type StreamRef,
  type Target,
} from '@plugboard/hub'
import type { ProgressRows } from './progress-rows.js'
import { type Deaths, fromDeadText, HOLDS, toDeadText } from './rows.js'
import {
  type Connection,
  prepareAll,
  prepareNumber,
  prepareOne,
  prepareWrite,
  toBytes,
  toHex,
} from './sql.js'
import { claimedOf, isHolder, leaseOf, mayReclaim, progress, wake } from './stream-state.js'
import type { Streams } from './streams.js'

const FREE = HOLDS.indexOf('free')
const WOKEN = HOLDS.indexOf('woken')

const CLAIM = `
  SELECT json_array(${toHex('s.client')}, ${toHex('s.id')}, next_at) AS row
  FROM progress p INDEXED BY progress_due CROSS JOIN streams s ON s.n = p.n
  WHERE next_at >= ? AND next_at <= ? AND p.client NOT IN (SELECT unhex(value) FROM json_each(?))
  ORDER BY next_at LIMIT ?`

const WAKE = `
  UPDATE progress SET next_at = iif(hold = ${FREE}, ?1, next_at), hold = iif(hold = ${FREE}, hold, ${WOKEN})
  WHERE n IN (SELECT n FROM progress INDEXED BY progress_due
    WHERE client = unhex(?2) AND (next_at > ?1 OR hold <> ${FREE}))`

const BURY = `UPDATE entries SET dead = ?, dead_client = ${toBytes} WHERE n = ?`

type DueRow = [clientId: Id, streamId: Id, nextAt: number]
type DeadRow = [n: number, dead: string | null]
type ReplayRow = [n: number, seq: number, streamId: Id, dead: string]

/** What is owed, and how far it got. */
export class Deliveries {
  readonly #streams: Streams
  readonly #progress: ProgressRows
  readonly #now: () => number
  readonly #claim
  readonly #nextDue
  readonly #wake
  readonly #dead
  readonly #bury
  readonly #toReplay
  /** Every stream that is due before this is of a client in {@link #passedOver}. */
  #passed = 0
  #passedOver: ReadonlySet<Id> = new Set()

  constructor(db: Connection, streams: Streams, progress: ProgressRows, now: () => number) {
    this.#streams = streams
    this.#progress = progress
    this.#now = now
    this.#claim = prepareAll<DueRow>(db, CLAIM)
    this.#nextDue = prepareNumber(
      db,
      'SELECT next_at FROM progress WHERE next_at > ? ORDER BY next_at LIMIT 1',
    )
    this.#wake = prepareWrite(db, WAKE)
    this.#dead = prepareOne<DeadRow>(
      db,
      'SELECT json_array(n, dead) FROM entries WHERE stream = ? AND seq = ?',
    )
    this.#bury = prepareWrite(db, BURY)
    // Whoever held streams is gone.
    const release = `UPDATE progress SET next_at = ?, hold = ${FREE} WHERE hold <> ${FREE}`
    db.exec('BEGIN IMMEDIATE')
    streams.catchUp()
    prepareWrite(db, release)(now())
    db.exec('COMMIT')
    this.#toReplay = prepareOne<ReplayRow>(
      db,
      `SELECT json_array(e.n, e.seq, ${toHex('s.id')}, e.dead) FROM entries e JOIN streams s ON s.n = e.stream
       WHERE e.id = ${toBytes} AND s.client = ${toBytes} AND e.dead IS NOT NULL`,
    )
  }

  claimDue({ now, limit, except }: { now: Date; limit: number; except: readonly Id[] }): Due {
    this.#streams.catchUp()
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
    progress(stream, mark, this.#now())
    this.#streams.touch(stream)
    return { seq: stream.seq, lease: stream.hold === 'free' ? lease : leaseOf(stream) }
  }

  reclaim({ clientId, streamId }: StreamRef, lease?: Lease): Claimed | 'lost' {
    const stream = this.#streams.find(clientId, streamId)
    if (!stream || !mayReclaim(stream, lease)) return 'lost'
    this.#streams.retake(stream, lease?.fence ?? stream.fence, this.#now())
    return claimedOf(stream)
  }

  bury({ clientId, streamId }: StreamRef, seq: number, target: Target, dead: Dead): void {
    const stream = this.#streams.find(clientId, streamId)
    const row = stream && this.#dead(stream.n, seq)
    if (!row) return
    const [n, text] = row
    const deaths: Deaths = { ...(text !== null && fromDeadText(text)), [target]: dead }
    this.#bury(toDeadText(deaths), clientId, n)
  }

  replay({ clientId, entryId, target, to, now }: Replay): Replayed | undefined {
    const row = this.#toReplay(entryId, clientId)
    if (!row) return undefined
    const [n, seq, streamId, text] = row
    const { [target]: dead, ...others } = fromDeadText(text)
    const stream = this.#streams.find(clientId, streamId)
    if (!dead || !stream) return undefined
    const left = toDeadText(others)
    this.#bury(left, left === null ? null : clientId, n)
    const key = replayLane(seq, to)
    const lane = { done: seq - 1, since: now }
    stream.lanes = { ...stream.lanes, [key]: lane }
    wake(stream, now.getTime())
    this.#streams.touch(stream)
    return { clientId, streamId, key, lane }
  }

  wakeClient(clientId: Id, now: Date): void {
    this.#streams.catchUp()
    const ms = now.getTime()
    this.#wake(ms, clientId)
    this.#streams.woken(clientId, ms)
  }

  findProgress({ clientId, streamId }: StreamRef): Progress | undefined {
    const stream = this.#streams.find(clientId, streamId)
    return stream && { scanned: stream.scanned, lanes: stream.lanes }
  }

  backlog(): { streams: number; oldest?: Date } {
    const { streams, oldest } = this.#progress.backlog()
    return { streams, ...(oldest !== null && { oldest: new Date(oldest) }) }
  }
}
