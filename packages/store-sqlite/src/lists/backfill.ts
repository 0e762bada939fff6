import type { Id } from '@plugboard/core'
import { listedDeaths } from '@plugboard/hub'
import {
  type Connection,
  prepareAll,
  prepareNumber,
  prepareOne,
  prepareText,
  prepareWrite,
  toHex,
} from '../database/sql.js'
import { type Deaths, fromDeadText, newestMessageAt } from '../encoding.js'
import type { StreamCache } from '../streams/stream-cache.js'
import { DeadIndex } from './dead-letter-index.js'

/** Streams, and entries with dead letters, that one step looks at: some milliseconds. */
const STREAMS = 500
const ENTRIES = 100

type DeadRow = [clientId: Id, entryId: Id, streamId: Id, seq: number, type: number, dead: string]

const RECENT = `
  INSERT OR IGNORE INTO activity (n, channel, client, id, at)
  SELECT s.n, c.channel, s.client, s.id, ifnull(${newestMessageAt('s.n')}, s.created_at)
  FROM streams s JOIN (
    SELECT n, '' AS channel FROM streams WHERE n > ?1 AND n <= ?2
    UNION SELECT stream, ' ' || channel FROM endpoints WHERE stream > ?1 AND stream <= ?2
  ) c ON c.n = s.n
  WHERE s.kind = 1 AND s.deleted_at IS NULL`

const DEAD = `
  SELECT json_array(${toHex('e.dead_client')}, ${toHex('e.id')}, ${toHex('s.id')}, e.seq, e.type, e.dead) AS row
  FROM entries e INDEXED BY entries_dead JOIN streams s ON s.n = e.stream
  WHERE e.dead_client IS NOT NULL AND (e.dead_client, e.id) > (unhex(substr(?1, 1, 24)), unhex(substr(?1, 25)))
  ORDER BY e.dead_client, e.id LIMIT ${ENTRIES}`

/**
 * Puts what a file of an earlier version has into the tables of lists, step by step while the store is in use. Its place
 * is in the file, so that a process may end at any time.
 */
export class Backfill {
  readonly #db: Connection
  readonly #streams: StreamCache
  readonly #nextName
  #steps: { recent(): void; dead(): void } | undefined

  constructor(db: Connection, streams: StreamCache) {
    this.#db = db
    this.#streams = streams
    this.#nextName = prepareText(db, 'SELECT name FROM backfill ORDER BY name LIMIT 1')
  }

  /** Whether there is something to do. */
  get isNeeded(): boolean {
    return this.#nextName() !== undefined
  }

  /** One step, within a transaction of the writer. False when there is nothing left to do. */
  step(): boolean {
    const name = this.#nextName()
    if (name === undefined) return false
    this.#steps ??= this.#prepare()
    this.#streams.flush()
    if (name === 'activity') this.#steps.recent()
    else this.#steps.dead()
    return true
  }

  #prepare() {
    const db = this.#db
    const index = new DeadIndex(db)
    const find = prepareText(db, 'SELECT place FROM backfill WHERE name = ?')
    const move = prepareWrite(db, 'UPDATE backfill SET place = ? WHERE name = ?')
    const end = prepareWrite(db, 'DELETE FROM backfill WHERE name = ?')
    const newest = prepareNumber(db, 'SELECT max(n) FROM streams')
    const recent = prepareWrite(db, RECENT)
    const dead = prepareAll<DeadRow>(db, DEAD)
    const isThere = prepareOne<number>(
      db,
      'SELECT 1 FROM dead WHERE client = unhex(?) AND stream = unhex(?) AND seq = ? AND target = ?',
    )
    return {
      recent: () => {
        const from = Number(find('activity'))
        const to = from + STREAMS
        recent(from, to)
        if (to >= (newest() ?? 0)) end('activity')
        else move(`${to}`, 'activity')
      },
      dead: () => {
        const rows = dead(find('dead') ?? '')
        for (const [clientId, entryId, streamId, seq, type, text] of rows) {
          const deaths: Deaths = fromDeadText(text)
          for (const [target, death] of listedDeaths({ dead: deaths }))
            if (isThere(clientId, streamId, seq, target) === undefined)
              index.put({ clientId, streamId, seq, entryId, type }, target, death)
        }
        const last = rows.at(-1)
        if (!last || rows.length < ENTRIES) end('dead')
        else move(`${last[0]}${last[1]}`, 'dead')
      },
    }
  }
}
