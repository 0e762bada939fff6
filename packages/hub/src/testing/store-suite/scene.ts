import assert from 'node:assert/strict'
import { type Conversation, type Endpoint, type Id, newId, type User } from '@plugboard/core'
import type { ChannelRef } from '../../log/endpoint-record.js'
import type { Entry, NewEntry, StreamKind, StreamRef } from '../../log/entry.js'
import { isFull } from '../../log/page.js'
import type { Claimed } from '../../log/progress.js'
import type { Target } from '../../log/target.js'
import type { ClientRecord } from '../../ports/client-record.js'
import type { Append, Appended, MapEndpoint, Store } from '../../ports/store.js'
import { contiguous, present } from './assertions.js'
import { checked } from './checked.js'
import type { OpenStore } from './open-store.js'

/** One case of the suite: a sentence and its proof. */
export type Cases = Readonly<Record<string, (scene: Scene) => Promise<void>>>

/** A conversation, and the person whose it is. */
export interface Talk extends StreamRef {
  userId: Id
}

/** What a case says of an entry; the rest is as in any other. */
export type EntryFields = Partial<Append['entry']> & {
  kind?: StreamKind
  owes?: readonly Target[]
  channel?: string
}

/** What a case says of an endpoint that is mapped. */
export interface MappingFields {
  channel?: ChannelRef
  endpoint?: Partial<Endpoint>
  owes?: readonly Target[]
  claim?: boolean
}

/** What a case works with: an empty store, a clock that goes by hand, and makers of what it needs to begin. */
export class Scene {
  /** The handle in use; another one after {@link reopen}. */
  store: Store
  readonly #open: OpenStore
  #ms = Date.now()

  constructor(open: OpenStore) {
    this.#open = open
    this.store = checked(open.store)
  }

  /** The time, one millisecond later with each call. */
  tick(): Date {
    this.#ms += 1
    return this.now
  }

  /** The time of what happened last. */
  get now(): Date {
    return new Date(this.#ms)
  }

  /** The time in so many seconds from now. */
  after(seconds: number): Date {
    return new Date(this.#ms + seconds * 1000)
  }

  /** A time at which every lease of now has ended. */
  get afterLeases(): Date {
    return this.after(24 * 3600)
  }

  async reopen(): Promise<Store> {
    assert.ok(this.#open.reopen, 'create() gave no `reopen`: say why in `lacks.reopen`, or give it')
    this.store = checked(await this.#open.reopen())
    return this.store
  }

  async another(): Promise<Store> {
    assert.ok(this.#open.another, 'create() gave no `another`: say why in `lacks.another`, or give it')
    return checked(await this.#open.another())
  }

  /** Lets time pass, for the store too. */
  pass(seconds: number): void {
    assert.ok(this.#open.advance, 'create() gave no `advance`: say why in `lacks.advance`, or give it')
    this.#open.advance(seconds * 1000)
    this.#ms += seconds * 1000
  }

  clientRecord(fields: Partial<ClientRecord> = {}): ClientRecord {
    const lists = { tokens: [], integrations: [], webhooks: [] }
    return { id: newId(), version: 1, createdAt: this.tick(), ...lists, ...fields }
  }

  async client(fields: Partial<ClientRecord> = {}): Promise<ClientRecord> {
    const client = this.clientRecord(fields)
    await this.store.insertClient(client)
    return client
  }

  /** The first entry of a stream. */
  event(type: NewEntry['type'], fields: Partial<NewEntry> = {}): NewEntry {
    return {
      id: newId(),
      type,
      payload: '{"event":true}',
      at: this.tick(),
      owes: [],
      claim: false,
      ...fields,
    }
  }

  async user(clientId: Id, fields: Partial<User> = {}): Promise<User> {
    const user = { id: newId(), clientId, createdAt: this.tick(), ...fields }
    await this.store.createUser(user, this.event('user.new'))
    return user
  }

  async conversation({ clientId, id: userId }: User, first: Partial<NewEntry> = {}): Promise<Talk> {
    const conversation: Conversation = { id: newId(), clientId, userId, createdAt: this.tick() }
    await this.store.createConversation(conversation, this.event('conversation.new', first))
    return { clientId, streamId: conversation.id, userId }
  }

  /** A conversation of a new user, of a new client unless one is given. */
  async talk(clientId?: Id): Promise<Talk> {
    return this.conversation(await this.user(clientId ?? (await this.client()).id))
  }

  /** The input of an append: by default a message of the business that owes nothing. */
  appending({ clientId, streamId }: StreamRef, fields: EntryFields = {}): Append {
    const { kind = 'conversation', owes = [], channel, ...given } = fields
    const type = given.type ?? 'message'
    const author = type === 'message' ? { author: 'business' as const } : {}
    const entry = {
      id: newId(),
      type,
      ...author,
      payload: '{"type":"text"}',
      at: this.tick(),
      claim: false,
      ...given,
    }
    const resolve = () => ({ owes, ...(channel !== undefined && { channel }) })
    return { clientId, streamId, kind, entry, resolve }
  }

  async append(stream: StreamRef, fields: EntryFields = {}): Promise<Appended> {
    return present(await this.store.append(this.appending(stream, fields)), 'an appended entry')
  }

  /** Appends, and answers the entry. */
  async say(stream: StreamRef, fields: EntryFields = {}): Promise<Entry> {
    return (await this.append(stream, fields)).entry
  }

  /** Appends a message that is owed, and takes the lease of the stream. */
  async claimAtAppend(stream: StreamRef, target: Target): Promise<{ entry: Entry; claimed: Claimed }> {
    const { entry, claimed } = await this.append(stream, { owes: [target], claim: true })
    return { entry, claimed: present(claimed, 'a lease') }
  }

  mapping(clientId: Id, fields: MappingFields = {}): MapEndpoint {
    const { channel = { name: 'telegram', custom: false }, endpoint = {}, owes = [], claim = false } = fields
    return {
      clientId,
      channel,
      endpoint: { identity: 'bot', sender: 'someone', thread: '*', ...endpoint },
      at: this.tick(),
      ids: { user: newId(), conversation: newId(), endpoint: newId() },
      events: {
        user: () => this.event('user.new', { owes, claim }),
        conversation: () => this.event('conversation.new', { owes, claim }),
      },
    }
  }

  /** What is due, at most a hundred streams of any client. */
  async claimDue(now: Date = this.now): Promise<Claimed[]> {
    return (await this.store.claimDue({ now, limit: 100, except: [] })).claimed
  }

  /** Streams that are due, which this takes. */
  async dueStreams(now: Date = this.now): Promise<Id[]> {
    return (await this.claimDue(now)).map(({ streamId }) => streamId)
  }

  /** All entries of a stream, which have no hole; those that fill an unused number are left out. */
  async entries(stream: StreamRef, store = this.store): Promise<Entry[]> {
    const entries: Entry[] = []
    for (;;) {
      const page = await store.readEntries(stream, entries.at(-1)?.seq ?? 0, 1000)
      entries.push(...page)
      if (!isFull(page, 1000)) return contiguous(entries).filter(({ type }) => type !== 'void')
    }
  }
}

/** The entry that an append makes at this number. */
export function entryOf({ clientId, streamId, entry: given, resolve }: Append, seq: number): Entry {
  const { claim: _, ...entry } = given
  return { ...entry, clientId, streamId, seq, ...resolve({ endpoints: [] }) }
}

/** The first entry of a stream, as it stands there. */
export function firstOf({ claim: _, ...event }: NewEntry, { clientId, streamId }: StreamRef): Entry {
  return { ...event, clientId, streamId, seq: 1 }
}
