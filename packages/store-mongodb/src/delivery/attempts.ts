import type { Id } from '@plugboard/core'
import {
  type AttemptRecord,
  type Entry,
  KEPT_ATTEMPTS,
  type NewAttempt,
  newestOfEach,
  type StreamRef,
  type Target,
} from '@plugboard/hub'
import type { mongo } from 'mongoose'
import type { AttemptDoc } from '../database/document-types.js'
import { isTakenWrite, refusedOf } from '../database/failure.js'
import type { Models } from '../database/schemas.js'
import { PromptAttempts } from './prompt-attempts.js'

/** Digits of a number within an id, so that ids are in the order of the numbers. */
const DIGITS = 15

/** The history of attempts at deliveries. The id says which delivery, so that it is the only index beside that of the age. */
export class Attempts {
  readonly #attempts: Models['attempts']
  readonly #prompt: PromptAttempts

  constructor(models: Models) {
    this.#attempts = models.attempts
    this.#prompt = new PromptAttempts(models)
  }

  async record(all: readonly NewAttempt[]): Promise<void> {
    await this.#prompt.record(all.filter(({ isPrompt }) => isPrompt))
    await this.#record(all.filter(({ isPrompt }) => !isPrompt))
  }

  async #record(attempts: readonly NewAttempt[]): Promise<void> {
    if (attempts.length === 0) return
    try {
      await this.#collection.insertMany(attempts.map(toDoc), { ordered: false })
    } catch (error) {
      if (!refusedOf(error)?.every(isTakenWrite)) throw error
    }
    const failed = attempts.filter(({ outcome }) => outcome !== 'delivered')
    for (const delivery of new Set(failed.map(deliveryOf))) await this.#trim(delivery)
  }

  /** Removes all but the newest of one delivery. */
  async #trim(delivery: string): Promise<void> {
    const old = await this.#attempts
      .find({ _id: below(delivery) }, { _id: 1 })
      .sort({ _id: -1 })
      .skip(KEPT_ATTEMPTS)
      .lean<Pick<AttemptDoc, '_id'>[]>()
    if (old.length > 0) await this.#attempts.deleteMany({ _id: { $in: old.map(({ _id }) => _id) } })
  }

  async list(stream: StreamRef, entries: readonly Pick<Entry, 'seq' | 'at'>[]): Promise<AttemptRecord[]> {
    if (entries.length === 0) return []
    const wanted = new Set(entries.map(({ seq }) => seq))
    const [from, to] = [Math.min(...wanted), Math.max(...wanted)]
    const [docs, prompt] = await Promise.all([
      this.#attempts
        .find({ _id: { $gte: entryPlace(stream, from), $lt: entryPlace(stream, to + 1) } })
        .lean<AttemptDoc[]>(),
      this.#prompt.list(stream, entries),
    ])
    return newestOfEach([...docs.map(toAttempt).filter(({ seq }) => wanted.has(seq)), ...prompt])
  }

  async purge(before: Date, limit: number): Promise<number> {
    const purged = await this.#prompt.purge(before, limit)
    return purged < limit ? purged + (await this.#purge(before, limit - purged)) : purged
  }

  async #purge(before: Date, limit: number): Promise<number> {
    const docs = await this.#attempts
      .find({ at: { $lt: before } }, { _id: 1 })
      .sort({ at: 1 })
      .limit(limit)
      .lean<Pick<AttemptDoc, '_id'>[]>()
    if (docs.length === 0) return 0
    return (await this.#attempts.deleteMany({ _id: { $in: docs.map(({ _id }) => _id) } })).deletedCount
  }

  get #collection() {
    return this.#attempts.collection as unknown as mongo.Collection<AttemptDoc>
  }
}

const number = (n: number): string => String(n).padStart(DIGITS, '0')
const streamPlace = ({ clientId, streamId }: StreamRef): string => `${clientId} ${streamId}`
const entryPlace = (stream: StreamRef, seq: number): string => `${streamPlace(stream)} ${number(seq)}`
const deliveryOf = (attempt: NewAttempt): string => `${entryPlace(attempt, attempt.seq)} ${attempt.target}`

/** The ids that begin with these words. The sign after a space is the exclamation mark. */
const below = (words: string) => ({ $gt: `${words} `, $lt: `${words}!` })

/** All attempts in a stream, and all of a client. */
export const attemptsIn = (stream: StreamRef) => ({ _id: below(streamPlace(stream)) })
export const attemptsOf = (clientId: Id) => ({ _id: below(clientId) })

function toDoc(attempt: NewAttempt): AttemptDoc {
  const { at, durationMs, outcome, status, error, code, response } = attempt
  return {
    ...{ _id: `${deliveryOf(attempt)} ${number(at.getTime())}`, at, took: durationMs },
    ...(status !== undefined && { status }),
    ...(outcome !== 'delivered' && { failed: outcome }),
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    ...(response !== undefined && { response }),
  }
}

function toAttempt({ _id, at, took, failed, status, error, code, response }: AttemptDoc): AttemptRecord {
  const [, , seq, target] = _id.split(' ')
  return {
    ...{ seq: Number(seq), target: target as Target, at, durationMs: took, outcome: failed ?? 'delivered' },
    ...(status !== undefined && { status }),
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    ...(response !== undefined && { response }),
  }
}
