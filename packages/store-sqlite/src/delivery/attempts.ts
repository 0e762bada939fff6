import {
  type AttemptRecord,
  type Entry,
  KEPT_ATTEMPTS,
  type NewAttempt,
  newestOfEach,
  type StreamRef,
  type Target,
} from '@plugboard/hub'
import { type Connection, prepareAll, prepareWrite } from '../database/sql.js'
import type { StreamCache } from '../streams/stream-cache.js'
import { PromptAttempts } from './prompt-attempts.js'

/** One statement for a whole batch, since each value that is bound has a price of its own. */
const INSERT = `
  INSERT INTO attempts (stream, seq, target, at, took, status, failed, facts)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
  FROM json_each(?) WHERE TRUE ON CONFLICT DO NOTHING`

const DELIVERY = 'stream = ?1 AND seq = ?2 AND target = ?3'

/** All but the newest of one delivery. */
const TRIM = `
  DELETE FROM attempts WHERE ${DELIVERY} AND at <= (
    SELECT at FROM attempts WHERE ${DELIVERY} ORDER BY at DESC LIMIT 1 OFFSET ${KEPT_ATTEMPTS})`

const LIST = `
  SELECT json_array(seq, target, at, took, status, failed, facts) AS row
  FROM attempts WHERE stream = ? AND seq IN (SELECT value FROM json_each(?))`

/** Rows are in order of their insertion, so that those that are too old are the first ones. */
const PURGE = `
  DELETE FROM attempts WHERE n IN (
    SELECT n FROM (SELECT n, at FROM attempts ORDER BY n LIMIT ?) WHERE at < ?)`

type Row = [
  seq: number,
  target: Target,
  at: number,
  took: number,
  status: number | null,
  failed: Exclude<AttemptRecord['outcome'], 'delivered'> | null,
  facts: string | null,
]

type Facts = Pick<AttemptRecord, 'error' | 'code' | 'response'>

/** The history of attempts at deliveries. */
export class Attempts {
  readonly #streams: StreamCache
  readonly #prompt: PromptAttempts
  readonly #insert
  readonly #trim
  readonly #list
  readonly #purge

  constructor(db: Connection, streams: StreamCache) {
    this.#streams = streams
    this.#prompt = new PromptAttempts(db)
    this.#insert = prepareWrite(db, INSERT)
    this.#trim = prepareWrite(db, TRIM)
    this.#list = prepareAll<Row>(db, LIST)
    this.#purge = prepareWrite(db, PURGE)
  }

  record(attempts: readonly NewAttempt[]): void {
    const rows: unknown[] = []
    const failed: [stream: number, seq: number, target: Target][] = []
    const prompt: NewAttempt[] = []
    for (const attempt of attempts) {
      if (attempt.isPrompt) {
        prompt.push(attempt)
        continue
      }
      const { clientId, streamId, seq, target, at, durationMs, status, outcome } = attempt
      const stream = this.#streams.find(clientId, streamId)
      if (!stream) continue
      const failure = outcome === 'delivered' ? null : outcome
      const facts = failure === null ? null : factsOf(attempt)
      rows.push([stream.n, seq, target, at.getTime(), durationMs, status ?? null, failure, facts])
      if (failure !== null) failed.push([stream.n, seq, target])
    }
    if (rows.length > 0) this.#insert(JSON.stringify(rows))
    for (const delivery of failed) this.#trim(...delivery)
    this.#prompt.record(prompt)
  }

  list({ clientId, streamId }: StreamRef, entries: readonly Pick<Entry, 'seq' | 'at'>[]): AttemptRecord[] {
    const stream = this.#streams.find(clientId, streamId)
    if (!stream) return []
    const seqs = JSON.stringify(entries.map(({ seq }) => seq))
    return newestOfEach([
      ...this.#list(stream.n, seqs).map(toAttempt),
      ...this.#prompt.list(streamId, entries),
    ])
  }

  purge(before: Date, limit: number): number {
    const purged = this.#prompt.purge(before, limit)
    return purged < limit ? purged + this.#purge(limit - purged, before.getTime()) : purged
  }
}

function factsOf({ error, code, response }: Facts): string {
  return JSON.stringify({ error, code, response })
}

function toAttempt([seq, target, at, took, status, failed, facts]: Row): AttemptRecord {
  return {
    ...{ seq, target, at: new Date(at), durationMs: took, outcome: failed ?? 'delivered' },
    ...(status !== null && { status }),
    ...(facts !== null && (JSON.parse(facts) as Facts)),
  }
}
