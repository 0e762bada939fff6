import type { Id } from '@plugboard/core'
import {
  type Dead,
  type DeadEntry,
  type DeadLetters,
  type DeadPage,
  type DeadRef,
  type DeadSpot,
  type DeadWalk,
  deadLook,
  deadPageOf,
  type Target,
} from '@plugboard/hub'
import type { DeadLetterDoc, EntryDoc } from '../database/document-types.js'
import type { Models } from '../database/schemas.js'
import { idOf, oid, toEntry } from '../encoding.js'
import { type PlacedDoc, WITH_STREAM } from '../streams/entries.js'

/** The entry of a dead letter. */
export type DeadEntryDoc = Pick<EntryDoc, '_id' | 'clientId' | 'streamId' | 'seq' | 'type'>

export function toDeadDoc(entry: DeadEntryDoc, target: Target, dead: Dead): DeadLetterDoc {
  const { _id: entryId, clientId, streamId, seq, type } = entry
  const { at, reason, channel, integrationId } = dead
  return {
    ...{ _id: nameOf(idOf(entryId), target), clientId, streamId, seq, entryId, type, target, at, reason },
    ...(channel !== undefined && { channel }),
    ...(integrationId !== undefined && { integrationId: oid(integrationId) }),
  }
}

const nameOf = (entryId: Id, target: Target): string => `${entryId} ${target}`

/**
 * By what dead letters are found. They themselves stand in their entries, which are written first; a process that dies in
 * between leaves a delivery that is repeated, and is given up again. What is here and not in its entry, since a process
 * died while it was replayed, is not listed.
 */
export class DeadIndex {
  readonly #models: Models

  constructor(models: Models) {
    this.#models = models
  }

  async put(entry: DeadEntryDoc, target: Target, dead: Dead): Promise<void> {
    const { _id, clientId, ...fields } = toDeadDoc(entry, target, dead)
    const optional = { channel: 1, integrationId: 1 } as const
    const gone = Object.fromEntries(Object.entries(optional).filter(([key]) => !(key in fields)))
    const update = { $set: fields, ...(Object.keys(gone).length > 0 && { $unset: gone }) }
    await this.#models.deadLetters.updateOne({ _id, clientId }, update as never, { upsert: true })
  }

  /** The time of the death that is here; undefined if there is none. */
  async diedAt(clientId: Id, entryId: Id, target: Target): Promise<Date | undefined> {
    const filter = { _id: nameOf(entryId, target), clientId: oid(clientId) }
    return (await this.#models.deadLetters.findOne(filter, { at: 1 }).lean<DeadLetterDoc>())?.at
  }

  /** Unless it died again meanwhile. */
  async remove(clientId: Id, entryId: Id, target: Target, diedBy: Date): Promise<void> {
    const filter = { _id: nameOf(entryId, target), clientId: oid(clientId), at: { $lte: diedBy } }
    await this.#models.deadLetters.deleteOne(filter)
  }

  async find(clientId: Id, page: DeadPage): Promise<DeadLetters> {
    const look = deadLook(page)
    const { before, since, until } = page
    const last = before && (!until || before.at <= until) ? before.at : until
    const at = { $lte: last ?? LATEST, ...(since && { $gte: since }) }
    const { key } = look
    const value = key && (key === 'integrationId' ? oid(page.integrationId as Id) : page[key])
    const filter = { clientId: oid(clientId), ...(key && { [key]: value }), at, ...behind(before) }
    const docs = await this.#models.deadLetters
      .find(filter as never)
      .sort({ at: -1, entryId: -1, ...(key !== 'target' && { target: -1 }) })
      .limit(look.count)
      .lean<DeadLetterDoc[]>()
    const { refs, next } = deadPageOf(docs.map(toRef), page, look)
    const letters = await this.#letters(clientId, refs)
    return next ? { letters, next } : { letters }
  }

  async walk(clientId: Id, { streamId, after, limit }: DeadWalk): Promise<DeadRef[]> {
    const from = after && oid(after.streamId)
    const stream = streamId ? oid(streamId) : { $gte: from ?? oid(FIRST) }
    const docs = await this.#models.deadLetters
      .find({ clientId: oid(clientId), streamId: stream, ...beyond(after) } as never)
      .sort({ ...(!streamId && { streamId: 1 }), seq: 1, target: 1 })
      .limit(limit)
      .lean<DeadLetterDoc[]>()
    return docs.map(toRef)
  }

  async #letters(clientId: Id, refs: readonly DeadRef[]): Promise<DeadLetters['letters']> {
    if (refs.length === 0) return []
    const client = oid(clientId)
    const ids = [...new Set(refs.map(({ entryId }) => entryId))].map(oid)
    const docs = await this.#models.entries.aggregate<PlacedDoc>([
      { $match: { _id: { $in: ids }, clientId: client } },
      { $unset: ['payload', 'details'] },
      WITH_STREAM(client),
    ])
    const entries = new Map<Id, DeadEntry>()
    for (const doc of docs) {
      const { payload: _, ...entry } = toEntry(doc, doc.stream[0])
      entries.set(entry.id, entry)
    }
    return refs.flatMap(({ entryId, target }) => {
      const entry = entries.get(entryId)
      const dead = entry?.dead?.[target]
      return entry && dead ? { entry, target, dead } : []
    })
  }
}

const FIRST = '0'.repeat(24) as Id
const LATEST = new Date('9999-12-31T23:59:59.999Z')

/** What comes after a place in the order of deaths, the newest first. */
const behind = (place: DeadPage['before']): object =>
  place
    ? {
        $or: [
          { at: { $lt: place.at } },
          { at: place.at, entryId: { $lt: oid(place.entryId) } },
          { at: place.at, entryId: oid(place.entryId), target: { $lt: place.target } },
        ],
      }
    : {}

/** What comes after a place in the order of streams. */
const beyond = (spot: DeadSpot | undefined): object =>
  spot
    ? {
        $or: [
          { streamId: { $gt: oid(spot.streamId) } },
          { streamId: oid(spot.streamId), seq: { $gt: spot.seq } },
          { streamId: oid(spot.streamId), seq: spot.seq, target: { $gt: spot.target } },
        ],
      }
    : {}

function toRef(doc: DeadLetterDoc): DeadRef {
  const { streamId, seq, entryId, type, target, reason, at, channel, integrationId } = doc
  return {
    ...{ streamId: idOf(streamId), seq, entryId: idOf(entryId), type, target, reason, at },
    ...(channel !== undefined && { channel }),
    ...(integrationId !== undefined && { integrationId: idOf(integrationId) }),
  }
}
