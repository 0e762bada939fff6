import { type Conversation, PlugboardError, type User } from '@plugboard/core'
import type { Append, Appended, EndpointRecord, Entry, NewEntry } from '@plugboard/hub'
import type { Entries } from './entries.js'
import { isTaken } from './failure.js'
import { advance, claimedOf, type StreamState } from './stream-state.js'
import type { Streams } from './streams.js'

/** How streams begin and grow. Everything here runs within a transaction of the writer. */
export class Log {
  readonly #streams: Streams
  readonly #entries: Entries
  readonly #now: () => Date

  constructor(streams: Streams, entries: Entries, now: () => Date) {
    this.#streams = streams
    this.#entries = entries
    this.#now = now
  }

  append({ clientId, streamId, kind, entry: given, resolve }: Append): Appended | undefined {
    const known = this.#streams.find(clientId, streamId)
    if (known ? known.kind !== kind || known.deletedAt !== null : kind !== 'integration') return undefined
    const { endpoints = [], userId } = known ?? {}
    const entry: NewEntry = {
      ...given,
      ...resolve(userId === undefined ? { endpoints } : { userId, endpoints }),
    }
    const createdAt = entry.at.getTime()
    const stream = known ?? this.#streams.create({ clientId, streamId, kind, userId: undefined, createdAt })
    try {
      return this.add(stream, entry)
    } catch (error) {
      const duplicate = isTaken(error) ? this.#findDuplicate(stream, entry) : undefined
      if (!duplicate) throw error
      return this.#there(duplicate)
    }
  }

  /** Puts an entry at the end of a stream. */
  add(stream: StreamState, entry: NewEntry): Appended {
    const seq = stream.seq + 1
    const at = Math.max(stream.lastAt, entry.at.getTime())
    this.#entries.insert(stream, seq, at, entry)
    const { claim, ...fields } = entry
    const change = { at, isMessage: entry.type === 'message', isOwed: entry.owes.length > 0, claim }
    const isClaimed = advance(stream, change, this.#now().getTime())
    this.#streams.touch(stream)
    const { clientId, streamId, userId } = stream
    const appended: Appended = {
      entry: { ...fields, clientId, streamId, seq, at: new Date(at) },
      duplicate: false,
    }
    if (userId !== undefined) appended.userId = userId
    if (isClaimed) appended.claimed = claimedOf(stream)
    return appended
  }

  createUser({ id, clientId, createdAt, data }: User, event: NewEntry): Appended {
    const known = this.#streams.find(clientId, id)
    if (known) return this.#first(known, 'user')
    const stream = this.#streams.create({
      ...{ clientId, streamId: id, kind: 'user', userId: id, createdAt: createdAt.getTime() },
      ...(data && { data: JSON.stringify(data) }),
    })
    return this.add(stream, event)
  }

  /** @throws NOT_FOUND when the client has no such user */
  createConversation(
    { id, clientId, userId, createdAt, lastMessageAt }: Conversation,
    event: NewEntry,
    endpoints: readonly EndpointRecord[] = [],
  ): Appended {
    const known = this.#streams.find(clientId, id)
    if (known) return this.#first(known, 'conversation')
    if (this.#streams.find(clientId, userId)?.kind !== 'user') {
      throw new PlugboardError('NOT_FOUND', 'there is no such user')
    }
    const stream = this.#streams.create({
      ...{ clientId, streamId: id, kind: 'conversation', userId, createdAt: createdAt.getTime(), endpoints },
      ...(lastMessageAt && { lastMessageAt: lastMessageAt.getTime() }),
    })
    return this.add(stream, event)
  }

  /** The answer to one who makes what is there. */
  #first(stream: StreamState, kind: StreamState['kind']): Appended {
    const [entry] = this.#entries.listAfter(stream, 0, 1)
    if (stream.kind !== kind || !entry) throw new PlugboardError('CONFLICT', 'this id is taken')
    return this.#there(entry)
  }

  #there(entry: Entry): Appended {
    const userId = this.#streams.find(entry.clientId, entry.streamId)?.userId
    return { entry, duplicate: true, ...(userId !== undefined && { userId }) }
  }

  #findDuplicate(stream: StreamState, { id, dedupe }: NewEntry): Entry | undefined {
    const same = this.#entries.find(stream.clientId, id)
    return same ?? (dedupe === undefined ? undefined : this.#entries.findDuplicate(stream, dedupe))
  }
}
