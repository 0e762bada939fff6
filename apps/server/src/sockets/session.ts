import type { Id } from '@plugboard/core'
import type { ClientView, Hub, Keyring, StoredEvent } from '@plugboard/hub'
import type { Logger } from 'pino'
import type { Socket } from 'socket.io'
import { z } from 'zod'
import type { ClientSlots } from '../dialects/client-slots.js'
import type { GuestLimits } from '../dialects/guest-limits.js'
import { render } from '../dialects/messaging-v1/webhook-format.js'
import { type Line, MAX_WAITING } from './bounded-connection.js'
import type { Person } from './handshake.js'
import { missedOf } from './missed-entries.js'
import { JsonText } from './packets.js'
import { type Asking, messageOf, routeOf } from './requests.js'
import { MAX_CONVERSATIONS, type ResumePoint, sealPoint } from './resume-point.js'
import { Bucket } from './token-bucket.js'

export interface SessionOptions {
  hub: Hub
  keyring: Keyring
  guests: GuestLimits
  /** Lists that visitors of a client may read at once. */
  listSlots: ClientSlots
  /** Sockets of a client that are sent what they missed at once. */
  resumeSlots: ClientSlots
  /** Long lists that clients of a client read at once. */
  longSlots: ClientSlots
  log: Logger
}

/** Requests that a page makes at once, and per second after that. More are answered with an error. */
const REQUESTS = { burst: 200, perSecond: 20 }
/** Requests that wait for those before. */
const MAX_QUEUED = 300
/** Longest name that a request may have for its reply. */
const MAX_NAME = 100

/** How long a socket is open before its client connects again: so that where it continues is never too old. */
const MAX_OPEN_MS = 3 * 24 * 60 * 60 * 1000

/** What was pushed this long before the last event may still be on its way to another one, in milliseconds. */
const LATE_MS = 10_000
/** How long a client may read what it missed while others of its client wait for their turn, in milliseconds. */
const CATCH_UP_MS = 5_000
/** How far the clocks of two processes may differ, in milliseconds. */
const CLOCKS_MS = 2_000

/** What is pushed to the sockets of a user, except to the one that caused it. */
const PUSHED: ReadonlySet<string> = new Set(['message', 'user.updated'])

const FAILED = 'an error occurred'
const TOO_MANY = 'too many requests; try again later'

const requestSchema = z.object({
  request: z.string().min(1).max(MAX_NAME),
  type: z.string(),
  data: z.unknown().optional(),
})
type Request = z.infer<typeof requestSchema>

/** One socket of a user: its requests, one after the other, and what is pushed to it. */
export class Session {
  readonly #options: SessionOptions
  readonly #socket: Socket
  readonly #line: Line
  readonly #userId: Id
  readonly #isGuest: boolean
  readonly #network: string
  #client: ClientView
  /** When its token expires, or when its client has to connect again, in milliseconds since 1970. */
  readonly endsAt: number
  readonly #bucket = new Bucket(REQUESTS)
  readonly #requests: Request[] = []
  #running: Promise<void> | undefined
  /** Events that wait until what was missed, or a long reply, is sent. */
  #held: StoredEvent[] | undefined = []
  #heldBytes = 0
  /** What the client knows, with every event that is sent to it. */
  readonly #seqs: Map<Id, number>
  /** Entries that this socket caused, until they come along. */
  readonly #caused = new Set<Id>()
  /** Those of them that were answered. */
  readonly #own: Set<Id>
  #isOver = false
  #leave: (() => void) | undefined
  /** Ends the reading of what was missed. */
  #reading: AbortController | undefined
  readonly #startedAt = Date.now()
  readonly #authenticatedAt: Date
  /** Set while events are held that happened since then: the connection may break before they are sent. */
  #heldSince: Date | undefined

  constructor(
    options: SessionOptions,
    { socket, line, person, network }: { socket: Socket; line: Line; person: Person; network: string },
  ) {
    this.#options = options
    this.#socket = socket
    this.#line = line
    this.#client = person.client
    this.#userId = person.userId
    this.#isGuest = person.isGuest
    this.#network = network
    this.#authenticatedAt = person.at
    this.#seqs = new Map(person.from?.seqs)
    this.#own = new Set(person.from?.own)
    for (const id of this.#own) this.#caused.add(id)
    socket.on('message', (packet: unknown) => this.#receive(packet))
    socket.once('disconnect', () => this.#end())
    this.endsAt = Math.min(
      person.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
      this.#startedAt + MAX_OPEN_MS,
    )
  }

  get clientId(): Id {
    return this.#client.id
  }

  /** Watches the user, says who it is, and sends what the client missed. Then it takes requests. */
  async begin({ login, from }: Person): Promise<void> {
    this.#running = this.#start(login, from)
    await this.#running
    this.#running = undefined
    this.#next()
  }

  async #start(login: Person['login'], from: ResumePoint | undefined): Promise<void> {
    const { hub } = this.#options
    const leave = await hub.live.watchUser(this.#client, this.#userId, {
      event: (event) => 'entry' in event && this.#hear(event),
      // Its client connects again, and finds who it is then.
      ended: () => void this.finish(),
    })
    if (this.#isOver) return leave()
    this.#leave = leave
    this.#heldSince = from?.since ?? this.#since
    this.#emit('login', JSON.stringify(login))
    if (from) await this.#catchUp(from)
    await this.#release()
  }

  async #catchUp(from: ResumePoint): Promise<void> {
    const { hub, resumeSlots } = this.#options
    const reading = new AbortController()
    this.#reading = reading
    const options = {
      ...{ hub, signal: reading.signal, client: this.#client, userId: this.#userId },
      // The log was restored to an earlier state.
      isAhead: (conversationId: Id) => this.#seqs.delete(conversationId),
    }
    await this.#inSlot(resumeSlots, async () => {
      const until = performance.now() + CATCH_UP_MS
      // It continues where it was when it connects again, so that nobody is held up by who reads slowly.
      const isTooLong = () => performance.now() > until && resumeSlots.isAwaited(this.#client.id)
      for await (const events of missedOf(options, from)) {
        for (const event of events) {
          if (this.#isOver) return
          this.#push(event)
          await this.#line.drained(isTooLong)
        }
      }
    })
    this.#reading = undefined
  }

  /** A client that reads slowly is cut, and continues when it connects again. */
  #hear(event: StoredEvent): void {
    if (this.#isOver) return
    const size = event.entry.payload.length
    const mayWait = this.#held ? this.#heldBytes + size <= MAX_WAITING : this.#line.mayWait(size)
    if (!mayWait) return this.#line.cut('slow')
    if (!this.#held) return this.#push(event)
    this.#heldBytes += size
    this.#held.push(event)
  }

  /** Sends the events held back, including those that arrive during the call. */
  async #release(): Promise<void> {
    for (let event = this.#held?.shift(); event && !this.#isOver; event = this.#held?.shift()) {
      this.#heldBytes -= event.entry.payload.length
      this.#push(event)
      await this.#line.drained()
    }
    this.#held = undefined
    this.#heldSince = undefined
  }

  #push(event: StoredEvent): void {
    const { entry } = event
    const { id, streamId, seq } = entry
    const isConversation = streamId !== this.#userId
    if (isConversation && seq <= (this.#seqs.get(streamId) ?? 0)) return
    if (isConversation) this.#knows(streamId, seq)
    const isMine = this.#caused.delete(id)
    this.#own.delete(id)
    if (entry.type !== 'conversation.new' && (isMine || !PUSHED.has(entry.type))) return
    const { userId, endpoints } = event
    const isCollecting =
      entry.collectUntil !== undefined && entry.collectUntil > new Date() && !entry.turnEndedAt
    this.#emit('message', render({ entry, client: this.#client, userId, endpoints, isCollecting }))
  }

  /** The newest one last. */
  #knows(conversationId: Id, seq: number): void {
    const known = this.#seqs.get(conversationId) ?? 0
    this.#seqs.delete(conversationId)
    this.#seqs.set(conversationId, Math.max(known, seq))
    const [oldest] = this.#seqs.keys()
    if (this.#seqs.size > MAX_CONVERSATIONS && oldest) this.#seqs.delete(oldest)
  }

  /** Since when its client may not know of other conversations than those whose numbers it knows. */
  get #since(): Date {
    return new Date(Math.max(Date.now() - LATE_MS, this.#startedAt - CLOCKS_MS))
  }

  #emit(event: string, text: string): void {
    const point: ResumePoint = {
      ...{ userId: this.#userId, isGuest: this.#isGuest, seqs: this.#seqs, own: this.#own },
      ...{ at: this.#authenticatedAt, since: this.#heldSince ?? this.#since },
    }
    const offset = sealPoint(this.#options.keyring, this.#client.id, point)
    this.#socket.emit(event, new JsonText(text), offset)
  }

  #receive(packet: unknown): void {
    const { data: request } = requestSchema.safeParse(packet)
    // Nobody waits for a reply to what has no name.
    if (!request) return
    if (!this.#bucket.take(1) || this.#requests.length >= MAX_QUEUED) return this.#fail(request, TOO_MANY)
    this.#requests.push(request)
    this.#next()
  }

  #next(): void {
    if (this.#running || this.#isOver) return
    const request = this.#requests.shift()
    if (!request) return
    if (Date.now() >= this.endsAt) return void this.finish()
    this.#running = this.#answer(request).finally(() => {
      this.#running = undefined
      this.#next()
    })
  }

  async #answer(request: Request): Promise<void> {
    const { log, listSlots, longSlots } = this.#options
    const route = routeOf(request.type)
    if (typeof route === 'string') return this.#fail(request, route)
    const caused: Id[] = []
    let release: (() => void) | undefined
    const mayBeLong = async () => {
      release = await longSlots.take(this.#client.id, this.#network).catch(() => undefined)
      return release !== undefined
    }
    try {
      const asking = { ...(await this.#asking(caused)), mayBeLong }
      const text = await (route.isList
        ? this.#inSlot(listSlots, () => route.run(asking, request.data))
        : route.run(asking, request.data))
      for (const id of caused) if (this.#caused.has(id)) this.#own.add(id)
      this.#reply(request, text)
      if (!release) return
      this.#held ??= []
      this.#heldSince ??= this.#since
      await this.#line.drained()
      await this.#release()
    } catch (error) {
      // What was not stored, or may have been: then the client should hear of it.
      for (const id of caused) this.#caused.delete(id)
      const message = messageOf(error, route.notFound)
      if (message === undefined)
        log.error({ err: error, request: request.type }, 'request of a socket failed')
      this.#fail(request, message ?? FAILED)
    } finally {
      release?.()
    }
  }

  /** Networks take turns. */
  async #inSlot<T>(slots: ClientSlots, run: () => Promise<T>): Promise<T> {
    const release = await slots.take(this.#client.id, this.#network)
    try {
      return await run()
    } finally {
      release()
    }
  }

  async #asking(caused: Id[]): Promise<Omit<Asking, 'mayBeLong'>> {
    const { hub, guests } = this.#options
    if (!hub.clients.isCurrent(this.#client)) {
      const client = await hub.clients.find({ id: this.#client.id })
      if (!client || client.record.disabled) this.#line.close()
      else this.#client = client
    }
    return {
      ...{ hub, guests, client: this.#client, userId: this.#userId },
      causes: (id) => {
        caused.push(id)
        this.#caused.add(id)
      },
    }
  }

  #reply({ request }: Request, data: string): void {
    this.#emit('message', `{"request":${JSON.stringify(request)},"data":${data}}`)
  }

  #fail(request: Request, message: string): void {
    this.#reply(request, JSON.stringify({ error: true, message }))
  }

  /** Takes no more requests, answers the one under way, pushes nothing more, and lets the client connect again. */
  async finish(): Promise<void> {
    this.#requests.length = 0
    this.#isOver = true
    this.#heldSince ??= this.#since
    this.#reading?.abort()
    await this.#running?.catch(() => undefined)
    this.#line.close()
  }

  #end(): void {
    this.#isOver = true
    this.#requests.length = 0
    this.#held = undefined
    this.#reading?.abort()
    this.#leave?.()
    // A connection is for one socket.
    this.#line.close()
  }
}
