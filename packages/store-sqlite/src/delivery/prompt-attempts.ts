import type { Id } from '@plugboard/core'
import { type AttemptRecord, type Entry, type NewAttempt, promptSeconds, type Target } from '@plugboard/hub'
import { type Connection, prepareAll, prepareWrite } from '../database/sql.js'

/** Keys of one second: more than one process writes. */
const KEYS = 4096

const INSERT = `
  INSERT INTO prompt_attempts (n, attempts)
  SELECT coalesce(max(n) + 1, ?1), ?2 FROM prompt_attempts WHERE n >= ?1 AND n < ?1 + ${KEYS}`

/** To look for the id is much faster than to parse what does not have it. */
const FIND = `
  SELECT attempts -> ('$.' || ?1) AS row FROM prompt_attempts
  WHERE n >= ?2 AND n < ?3 AND instr(attempts, ?1) > 0`

const PURGE =
  'DELETE FROM prompt_attempts WHERE n IN (SELECT n FROM prompt_attempts WHERE n < ? ORDER BY n LIMIT ?)'

type Row = [seq: number, target: Target, at: number, took: number, status: number | null]

/**
 * Attempts of prompt deliveries: a row for all that ended in the same second, since nearly all attempts are of this kind, and
 * each would change another page of an index. They are found by the time of their entry.
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
    const seconds = new Map<number, Record<Id, Row[]>>()
    for (const { streamId, seq, target, at, durationMs, status } of attempts) {
      const began = at.getTime()
      const second = secondOf(began + durationMs)
      const ofSecond = seconds.get(second) ?? {}
      seconds.set(second, ofSecond)
      const rows = ofSecond[streamId] ?? []
      ofSecond[streamId] = rows
      rows.push([seq, target, began, durationMs, status ?? null])
    }
    for (const [second, rows] of seconds) this.#insert(second * KEYS, JSON.stringify(rows))
  }

  list(streamId: Id, entries: readonly Pick<Entry, 'seq' | 'at'>[]): AttemptRecord[] {
    const wanted = new Set(entries.map(({ seq }) => seq))
    const found: AttemptRecord[] = []
    for (const { from, to } of promptSeconds(entries))
      for (const [seq, target, at, durationMs, status] of this.#find(streamId, from * KEYS, to * KEYS).flat())
        if (wanted.has(seq))
          found.push({
            ...{ seq, target, at: new Date(at), durationMs, outcome: 'delivered' },
            ...(status !== null && { status }),
          })
    return found
  }

  purge(before: Date, limit: number): number {
    return this.#purge(secondOf(before.getTime()) * KEYS, limit)
  }
}

const secondOf = (ms: number): number => Math.floor(ms / 1000)
