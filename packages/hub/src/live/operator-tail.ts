import type { Author, Id, Logger } from '@plugboard/core'
import { errorShape } from '../channels/loggable-error.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry, EntryType, StreamRef } from '../log/entry.js'
import { previewOf } from '../log/preview.js'
import type { Store } from '../ports/store.js'
import type { Owners } from './conversation-owners.js'
import { isFollowed } from './live-event.js'

/** An entry as operators see it pass by, without its content. */
export interface TailEntry {
  clientId: Id
  streamId: Id
  id: Id
  seq: number
  type: EntryType
  at: Date
  /** Of messages. */
  author?: Author
  /** Of a conversation: its user and its endpoints. */
  userId?: Id
  endpoints: readonly EndpointRecord[]
  /** What it says, in one line of at most 256 characters. */
  preview: string
}

/** `missed`: that many entries are left out, because there were too many. */
export type TailEvent = { entry: TailEntry } | { missed: number }

/** Whose entries to show. Default: those of all clients. */
export interface TailScope {
  clientId?: Id
  conversationId?: Id
  /** Only of conversations for which this is true. */
  wants?(endpoints: readonly EndpointRecord[]): boolean
}

export interface TailOptions {
  store: Pick<Store, 'readEntries'>
  owners: Pick<Owners, 'of'>
  /** No other process appends. Otherwise there are notifications also of what was appended here. */
  isAlone: boolean
  log: Logger
  now(): Date
}

/** Entries that wait for one reader. */
const MAX_WAITING = 1000
/** Entries per second that this process reads for all readers together; more are left out. */
const MAX_PER_SECOND = 1000
/** Those of one client: more than anyone can read, and a busy client leaves room to the others. */
const MAX_OF_CLIENT = 250
/** A reader that got something gets more so much later, so that what happens costs one write and not one for each entry. */
const REST_MS = 100
/** What is known to have been seen: notifications may come twice. */
const MAX_SEEN = 10_000

/**
 * Shows entries as they are appended by any process, for people who watch. It is no feed: what happens while nobody
 * watches is not shown, and under load some entries are left out. So it writes nothing, and without a reader it costs
 * nothing. What is read is read once for all readers.
 */
export class Tail {
  readonly #options: TailOptions
  readonly #readers = new Set<Reader>()
  #seen = new Set<string>()
  #seenBefore: ReadonlySet<string> = new Set()
  #second = 0
  /** Entries of this second, in all and by client. */
  #read = 0
  readonly #readOf = new Map<Id, number>()
  /** The newest entry of each stream that is being read: those after it are shown after it. */
  readonly #showing = new Map<string, Promise<void>>()
  #isClosed = false

  constructor(options: TailOptions) {
    this.#options = options
  }

  /** Number of readers. */
  get size(): number {
    return this.#readers.size
  }

  /** The events from now on, in lists. Ends with the signal and with {@link close}. */
  async *open(scope: TailScope, signal: AbortSignal): AsyncGenerator<readonly TailEvent[], void, void> {
    const reader = new Reader(scope)
    const end = (): void => reader.end()
    signal.addEventListener('abort', end)
    if (signal.aborted || this.#isClosed) end()
    this.#readers.add(reader)
    try {
      while (!reader.isOver) {
        const events = reader.take()
        if (events.length === 0) await reader.wait()
        else {
          yield events
          await reader.rest()
        }
      }
    } finally {
      signal.removeEventListener('abort', end)
      this.#readers.delete(reader)
    }
  }

  /** An entry was appended by this process. */
  appended(entry: Entry): void {
    if (this.#readers.size > 0) this.#take(entry, entry)
  }

  /** An entry of this number was appended by any process. */
  appendedElsewhere(stream: StreamRef, seq: number): void {
    if (this.#readers.size > 0) this.#take({ ...stream, seq })
  }

  #take(place: StreamRef & { seq: number }, entry?: Entry): void {
    const readers: Reader[] = []
    for (const reader of this.#readers) if (isIn(reader.scope, place)) readers.push(reader)
    if (readers.length === 0 || (!this.#options.isAlone && !this.#isNew(place))) return
    if (!this.#hasRoom(place.clientId)) {
      for (const reader of readers) reader.miss()
      return
    }
    const stream = `${place.clientId}${place.streamId}`
    const before = this.#showing.get(stream)
    const showing = this.#show(place, entry, readers, before)
      .catch((err) => {
        this.#options.log.warn(errorShape(err), 'cannot read an entry for those who watch')
        for (const reader of readers) reader.miss()
      })
      .then(() => {
        if (this.#showing.get(stream) === showing) this.#showing.delete(stream)
      })
    this.#showing.set(stream, showing)
  }

  /** Called for each entry, however many there are. */
  #isNew({ clientId, streamId, seq }: StreamRef & { seq: number }): boolean {
    const key = `${clientId}${streamId} ${seq}`
    if (this.#seen.has(key) || this.#seenBefore.has(key)) return false
    if (this.#seen.size >= MAX_SEEN) {
      this.#seenBefore = this.#seen
      this.#seen = new Set()
    }
    this.#seen.add(key)
    return true
  }

  #hasRoom(clientId: Id): boolean {
    const second = Math.floor(this.#options.now().getTime() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#read = 0
      this.#readOf.clear()
    }
    const readOf = this.#readOf.get(clientId) ?? 0
    if (this.#read >= MAX_PER_SECOND || readOf >= MAX_OF_CLIENT) return false
    this.#read += 1
    this.#readOf.set(clientId, readOf + 1)
    return true
  }

  async #show(
    place: StreamRef & { seq: number },
    known: Entry | undefined,
    readers: readonly Reader[],
    before: Promise<void> | undefined,
  ): Promise<void> {
    const { store, owners } = this.#options
    const [found] = known ? [known] : await store.readEntries(place, place.seq - 1, 1)
    if (found?.seq !== place.seq || !isFollowed(found)) return
    const { userId, endpoints } = await owners.of(place)
    if (before) await before
    const { clientId, streamId, id, seq, type, at, author } = found
    const entry: TailEntry = {
      ...{ clientId, streamId, id, seq, type, at, endpoints, preview: previewOf(found) },
      ...(author && { author }),
      ...(userId && { userId }),
    }
    for (const reader of readers)
      if (!reader.scope.wants || reader.scope.wants(endpoints)) reader.push({ entry })
  }

  /** Ends all readers. */
  close(): void {
    this.#isClosed = true
    for (const reader of this.#readers) reader.end()
  }
}

const isIn = ({ clientId, conversationId }: TailScope, stream: StreamRef): boolean =>
  (clientId === undefined || clientId === stream.clientId) &&
  (conversationId === undefined || conversationId === stream.streamId)

/** One who watches. */
class Reader {
  readonly scope: TailScope
  #waiting: TailEvent[] = []
  #missed = 0
  #wake: (() => void) | undefined
  #rested: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  isOver = false

  constructor(scope: TailScope) {
    this.scope = scope
  }

  push(event: TailEvent): void {
    if (this.#waiting.length >= MAX_WAITING) return this.miss()
    this.#waiting.push(event)
    this.#call()
  }

  miss(): void {
    this.#missed += 1
    this.#call()
  }

  take(): readonly TailEvent[] {
    const taken = this.#waiting
    if (this.#missed > 0) taken.push({ missed: this.#missed })
    this.#waiting = []
    this.#missed = 0
    return taken
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  /** Also what comes meanwhile waits. */
  rest(): Promise<void> {
    if (this.isOver) return Promise.resolve()
    return new Promise((resolve) => {
      this.#rested = resolve
      this.#timer = setTimeout(resolve, REST_MS)
    })
  }

  end(): void {
    this.isOver = true
    clearTimeout(this.#timer)
    this.#rested?.()
    this.#call()
  }

  #call(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
