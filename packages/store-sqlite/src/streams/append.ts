import { type Conversation, PlugboardError, type User } from '@plugboard/core'
import type { Append, Appended, EndpointRecord, Entry, NewEntry } from '@plugboard/hub'
import { isTaken } from '../database/failure.js'
import type { Entries } from './entries.js'
import type { NewStream, StreamCache } from './stream-cache.js'
import { advance, claimedOf, type StreamState } from './stream-state.js'

/** Whether it is the stream of a user who was neither deleted nor merged into another. */
export const isUser = (stream: StreamState | undefined): boolean =>
  stream?.kind === 'user' && stream.deletedAt === null && stream.mergedInto === undefined

/** How streams begin and grow. Everything here runs within a transaction of the writer. */
export class Appender {
  readonly #streams: StreamCache
  readonly #entries: Entries
  readonly #now: () => number

  constructor(streams: StreamCache, entries: Entries, now: () => number) {
    this.#streams = streams
    this.#entries = entries
    this.#now = now
  }

  append({ clientId, streamId, kind, entry, resolve }: Append): Appended | undefined {
    const known = this.#streams.find(clientId, streamId)
    if (known ? known.kind !== kind || known.deletedAt !== null : kind !== 'integration') return undefined
    const { endpoints = [], userId } = known ?? {}
    const resolved = resolve(userId === undefined ? { endpoints } : { userId, endpoints })
    const stream = known ?? this.#begin({ clientId, streamId, kind }, entry.at)
    try {
      return this.add(stream, entry, resolved)
    } catch (error) {
      const duplicate = isTaken(error) ? this.#findDuplicate(stream, entry) : undefined
      if (!duplicate) throw error
      return this.#there(duplicate)
    }
  }

  /** Puts an entry at the end of a stream. Of a {@link NewEntry} both arguments are that. */
  add(
    stream: StreamState,
    given: Append['entry'],
    { owes, channel }: ReturnType<Append['resolve']>,
  ): Appended {
    const { clientId, streamId, userId, lastAt } = stream
    const { id, type, payload, details, author, incomingId, collectUntil, dedupe } = given
    const at = given.at.getTime() < lastAt ? new Date(lastAt) : given.at
    // Field by field, since copying objects was a third of the price of an append.
    const entry: Entry = { id, clientId, streamId, seq: stream.seq + 1, type, payload, at, owes }
    if (details !== undefined) entry.details = details
    if (author !== undefined) entry.author = author
    if (channel !== undefined) entry.channel = channel
    if (incomingId !== undefined) entry.incomingId = incomingId
    if (collectUntil !== undefined) entry.collectUntil = collectUntil
    if (dedupe !== undefined) entry.dedupe = dedupe
    this.#entries.insert(stream.n, entry)
    const isClaimed = advance(stream, entry, given.claim, this.#now)
    if (isClaimed) this.#streams.take(stream, this.#now())
    if (type === 'message') this.#streams.rise(stream)
    this.#streams.touch(stream)
    const appended: Appended = { entry, duplicate: false }
    if (userId !== undefined) appended.userId = userId
    if (isClaimed) appended.claimed = claimedOf(stream)
    return appended
  }

  createUser(user: User, event: NewEntry): Appended {
    const known = this.#streams.find(user.clientId, user.id)
    return known ? this.#first(known, 'user') : this.openUser(user, event)
  }

  /** @throws NOT_FOUND when the client has no such user */
  createConversation(conversation: Conversation, event: NewEntry): Appended {
    const known = this.#streams.find(conversation.clientId, conversation.id)
    return known ? this.#first(known, 'conversation') : this.openConversation(conversation, event)
  }

  /** Begins the stream of a user whose id is new. */
  openUser({ id, clientId, createdAt, data }: User, event: NewEntry): Appended {
    const user = { clientId, streamId: id, kind: 'user', userId: id } as const
    const stream = this.#begin({ ...user, data: data ? JSON.stringify(data) : null }, createdAt)
    return this.add(stream, event, event)
  }

  /** Begins the stream of a conversation whose id is new. @throws NOT_FOUND when the client has no such user */
  openConversation(
    { id, clientId, userId, createdAt }: Conversation,
    event: NewEntry,
    endpoints: readonly EndpointRecord[] = [],
  ): Appended {
    const user = userId === undefined ? undefined : this.#streams.findUser(clientId, userId)
    if (userId !== undefined && !isUser(user)) throw new PlugboardError('NOT_FOUND', 'there is no such user')
    const of = { userId: user?.streamId, userN: user?.n ?? null }
    const conversation = { clientId, streamId: id, kind: 'conversation', ...of } as const
    return this.add(this.#begin({ ...conversation, endpoints }, createdAt), event, event)
  }

  #begin(stream: Partial<NewStream> & Pick<NewStream, 'clientId' | 'streamId' | 'kind'>, createdAt: Date) {
    return this.#streams.create({ userId: undefined, userN: null, ...stream, createdAt: createdAt.getTime() })
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

  #findDuplicate(stream: StreamState, { id, dedupe }: Append['entry']): Entry | undefined {
    const same = this.#entries.find(stream.clientId, id)
    return same ?? (dedupe === undefined ? undefined : this.#entries.findDuplicate(stream, dedupe))
  }
}
