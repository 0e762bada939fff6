import type { Id } from '@plugboard/core'
import { type AttemptRecord, type Entry, type NewAttempt, promptSeconds, type Target } from '@plugboard/hub'
import { type Connection, prepareAll, prepareWrite } from '../database/sql.js'

/** Keys of one second and share: it is written several times. */
const KEYS = 4096
/** Shares of a second, by stream: whoever looks for one stream reads one of them. */
const SHARES = 16

const INSERT = `
  INSERT INTO prompt_attempts (n, attempts)
  SELECT coalesce(max(n) + 1, ?1), ?2 FROM prompt_attempts WHERE n >= ?1 AND n < ?1 + ${KEYS}`

/** To look for the id is much faster than to parse what does not have it. */
const FIND = `
  SELECT p.attempts -> ('$.' || ?1) AS row
  FROM json_each(?2) place CROSS JOIN prompt_attempts p ON p.n >= place.value AND p.n < place.value + ${KEYS}
  WHERE instr(p.attempts, ?1) > 0`

const PURGE =
  'DELETE FROM prompt_attempts WHERE n IN (SELECT n FROM prompt_attempts WHERE n < ? ORDER BY n LIMIT ?)'

type Row = [seq: number, target: Target, at: number, took: number, status: number | null]

/**
 * Attempts of prompt deliveries: a few rows for all that ended in the same second, since nearly all attempts are of this
 * kind, and each would change another page of an index. They are found by the time of their entry.
 */
export class PromptAttempts {
  readonly #insert
  readonly #find
  readonly #purge

  constructor(db: Connection) {
    this.#insert = prepareWrite(db, INSERT)
    this.#find = prepareAll<Row[]>(db, FIND)
    this.#purge = prepareWrite(db, PURGE)
  }

  record(attempts: readonly NewAttempt[]): void {
    const places = new Map<number, Record<Id, Row[]>>()
    for (const { streamId, seq, target, at, durationMs, status } of attempts) {
      const began = at.getTime()
      const place = placeOf(secondOf(began + durationMs), streamId)
      const streams = places.get(place) ?? {}
      places.set(place, streams)
      const rows = streams[streamId] ?? []
      streams[streamId] = rows
      rows.push([seq, target, began, durationMs, status ?? null])
    }
    for (const [place, streams] of places) this.#insert(place, JSON.stringify(streams))
  }

  list(streamId: Id, entries: readonly Pick<Entry, 'seq' | 'at'>[]): AttemptRecord[] {
    const wanted = new Set(entries.map(({ seq }) => seq))
    const places: number[] = []
    for (const { from, to } of promptSeconds(entries))
      for (let second = from; second < to; second += 1) places.push(placeOf(second, streamId))
    return this.#find(streamId, JSON.stringify(places))
      .flat()
      .filter(([seq]) => wanted.has(seq))
      .map(toAttempt)
  }

  purge(before: Date, limit: number): number {
    return this.#purge(secondOf(before.getTime()) * SHARES * KEYS, limit)
  }
}

const secondOf = (ms: number): number => Math.floor(ms / 1000)

const placeOf = (second: number, streamId: Id): number => (second * SHARES + shareOf(streamId)) * KEYS

/** Ids end with a counter, of which streams often have every fourth number: the golden ratio spreads them evenly. */
const shareOf = (streamId: Id): number =>
  Math.imul(Number.parseInt(streamId.slice(-6), 16), 0x9e3779b1) >>> (32 - Math.log2(SHARES))

const toAttempt = ([seq, target, at, durationMs, status]: Row): AttemptRecord => ({
  ...{ seq, target, at: new Date(at), durationMs, outcome: 'delivered' },
  ...(status !== null && { status }),
})
