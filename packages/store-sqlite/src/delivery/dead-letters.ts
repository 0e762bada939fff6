import type { Id } from '@plugboard/core'
import {
  type Dead,
  type DeadEntry,
  listedDeaths,
  type Page,
  type Replay,
  type Replayed,
  replayLane,
  type StreamRef,
  type Target,
} from '@plugboard/hub'
import { type Connection, prepareAll, prepareOne, prepareWrite, toBytes, toHex } from '../database/sql.js'
import { type Deaths, fromDeadText, SILENT_ENTRY_ROW, toDeadText } from '../encoding.js'
import { DeadIndex } from '../lists/dead-letter-index.js'
import { fromPlaced, type PlacedRow, placed } from '../streams/entries.js'
import type { StreamCache } from '../streams/stream-cache.js'
import { wake } from '../streams/stream-state.js'

const BURY = `UPDATE entries SET dead = ?, dead_client = ${toBytes} WHERE n = ?`

type DeadRow = [n: number, dead: string | null, entryId: Id, type: number]
type ReplayRow = [n: number, seq: number, streamId: Id, dead: string]

/** Above every id. */
const AFTER_ALL = 'f'.repeat(26) as Id

/** Deliveries that were given up. They stand in their entries. */
export class DeadLetters {
  readonly #streams: StreamCache
  readonly #index: DeadIndex
  readonly #list
  readonly #dead
  readonly #bury
  readonly #toReplay

  constructor(db: Connection, streams: StreamCache) {
    this.#streams = streams
    this.#index = new DeadIndex(db)
    const page = `WHERE e.dead_client = ${toBytes} AND e.id < ${toBytes} ORDER BY e.id DESC LIMIT ?`
    this.#list = prepareAll<PlacedRow>(db, placed(SILENT_ENTRY_ROW, page))
    this.#dead = prepareOne<DeadRow>(
      db,
      `SELECT json_array(n, dead, ${toHex('id')}, type) FROM entries WHERE stream = ? AND seq = ?`,
    )
    this.#bury = prepareWrite(db, BURY)
    this.#toReplay = prepareOne<ReplayRow>(
      db,
      `SELECT json_array(e.n, e.seq, ${toHex('s.id')}, e.dead) FROM entries e JOIN streams s ON s.n = e.stream
       WHERE e.id = ${toBytes} AND s.client = ${toBytes} AND e.dead IS NOT NULL`,
    )
  }

  list(clientId: Id, { before = AFTER_ALL, limit }: Page): DeadEntry[] {
    return this.#list(clientId, before, limit).map((row) => {
      const { payload: _, details: __, ...entry } = fromPlaced(clientId, row)
      return entry
    })
  }

  bury({ clientId, streamId }: StreamRef, seq: number, target: Target, dead: Dead): void {
    const stream = this.#streams.find(clientId, streamId)
    const row = stream && this.#dead(stream.n, seq)
    if (!row) return
    const [n, text, entryId, type] = row
    const deaths: Deaths = { ...(text !== null && fromDeadText(text)), [target]: dead }
    this.#bury(toDeadText(deaths), clientId, n)
    this.#index.put({ clientId, streamId, seq, entryId, type }, target, dead)
  }

  discard(clientId: Id, entryId: Id, target: Target): boolean {
    const row = this.#toReplay(entryId, clientId)
    if (!row) return false
    const [n, seq, streamId, text] = row
    const deaths = fromDeadText(text)
    const dead = deaths[target]
    if (!dead || dead.isDiscarded) return false
    const left: Deaths = { ...deaths, [target]: { ...dead, isDiscarded: true } }
    this.#bury(toDeadText(left), hasListed(left) ? clientId : null, n)
    this.#index.remove({ clientId, streamId, seq }, target)
    return true
  }

  replay({ clientId, entryId, target, to, now }: Replay): Replayed | undefined {
    const row = this.#toReplay(entryId, clientId)
    if (!row) return undefined
    const [n, seq, streamId, text] = row
    const { [target]: dead, ...others } = fromDeadText(text)
    const stream = this.#streams.find(clientId, streamId)
    if (!dead || !stream) return undefined
    const left = toDeadText(others)
    this.#bury(left, hasListed(others) ? clientId : null, n)
    this.#index.remove({ clientId, streamId, seq }, target)
    const key = replayLane(seq, dead.at, to)
    const lane = { done: seq - 1, since: now }
    stream.lanes = { ...stream.lanes, [key]: lane }
    wake(stream, now.getTime())
    this.#streams.touch(stream)
    return { clientId, streamId, key, lane }
  }
}

const hasListed = (dead: Deaths): boolean => listedDeaths({ dead }).length > 0
