import type { Id } from '@plugboard/core'
import {
  type AttemptRecord,
  type Entry,
  type NewAttempt,
  promptSeconds,
  type StreamRef,
} from '@plugboard/hub'
import { type mongo, Types } from 'mongoose'
import type { PromptAttempt, PromptAttemptsDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'

const DIGITS = 12

/**
 * Attempts of prompt deliveries: a document for all that ended in the same second, since nearly all attempts are of this
 * kind, and each would change indexes at another place. They are found by the time of their entry.
 */
export class PromptAttempts {
  readonly #model: Models['promptAttempts']

  constructor({ promptAttempts }: Models) {
    this.#model = promptAttempts
  }

  async record(attempts: readonly NewAttempt[]): Promise<void> {
    if (attempts.length === 0) return
    const seconds = new Map<number, PromptAttemptsDoc>()
    for (const { clientId, streamId, seq, target, at, durationMs, status } of attempts) {
      const second = secondOf(at.getTime() + durationMs)
      const doc = seconds.get(second) ?? { _id: `${place(second)} ${new Types.ObjectId()}`, of: {} }
      seconds.set(second, doc)
      const key = keyOf({ clientId, streamId })
      const list = doc.of[key] ?? []
      doc.of[key] = list
      list.push([seq, target, at, durationMs, status ?? null])
    }
    await this.#collection.insertMany([...seconds.values()])
  }

  async list(stream: StreamRef, entries: readonly Pick<Entry, 'seq' | 'at'>[]): Promise<AttemptRecord[]> {
    const wanted = new Set(entries.map(({ seq }) => seq))
    const key = `of.${keyOf(stream)}`
    const spans = promptSeconds(entries).map(({ from, to }) => ({
      _id: { $gte: place(from), $lt: place(to) },
    }))
    const docs = await this.#collection
      .find({ $or: spans, [key]: { $exists: true } } as mongo.Filter<PromptAttemptsDoc>)
      .project<PromptAttemptsDoc>({ [key]: 1 })
      .toArray()
    return docs
      .flatMap(({ of }) => of[keyOf(stream)] ?? [])
      .filter(([seq]) => wanted.has(seq))
      .map(toAttempt)
  }

  async purge(before: Date, limit: number): Promise<number> {
    const old = { _id: { $lt: place(secondOf(before.getTime())) } }
    const docs = await this.#collection
      .find(old)
      .project<{ _id: string }>({ _id: 1 })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray()
    if (docs.length === 0) return 0
    return (await this.#collection.deleteMany({ _id: { $in: docs.map(({ _id }) => _id) } })).deletedCount
  }

  get #collection() {
    return this.#model.collection as unknown as mongo.Collection<PromptAttemptsDoc>
  }
}

const secondOf = (ms: number): number => Math.floor(ms / 1000)
const place = (second: number): string => String(second).padStart(DIGITS, '0')
const keyOf = ({ clientId, streamId }: StreamRef): `${Id} ${Id}` => `${clientId} ${streamId}`

const toAttempt = ([seq, target, at, durationMs, status]: PromptAttempt): AttemptRecord => ({
  ...{ seq, target, at, durationMs, outcome: 'delivered' },
  ...(status !== null && { status }),
})
