import type { ServerResponse } from 'node:http'
import { isPlugboardError } from '@plugboard/core'
import { yieldIfBusy } from '@plugboard/hub'
import type { FastifyBaseLogger, FastifyReply } from 'fastify'
import { type PrintedEvent, positionEvent, resetEvent } from './printed-event.js'

// @fastify/sse has a timer for each connection, neither cuts slow readers nor ends streams when the server stops, and
// needs a newer Node.js.

declare module 'fastify' {
  interface FastifyInstance {
    eventStreams: EventStreams
  }
}

/** Events of a stream, and the position behind them. */
type StreamPage<Event> = { events: readonly Event[]; position: string } | { reset: { oldest: string } }

/** What is sent over one connection. */
export interface EventStreamSource<Event> {
  /** Its first page was taken. Ends when the reader goes. */
  pages: AsyncGenerator<StreamPage<Event>, void, void>
  first: StreamPage<Event>
  /** Send the start position first, so that a reader that named none can resume before the first event. */
  isFromNow: boolean
  /** Undefined: the event is not for this reader. The same event gives the same object to all readers who may see it. */
  print(event: Event): PrintedEvent | undefined
  /** Whether the credentials are still good. Asked for each page, and from time to time. */
  mayContinue(): boolean | Promise<boolean>
  /** Called once when the stream is over, to end `pages` and free what is taken. */
  closed(): void
}

/** A reader gets something at least this often, so that proxies keep the connection and both sides notice a broken one. */
const COMMENT_SECONDS = 15
const COMMENT = ':\n\n'

/** Bytes that may wait for one reader; what else is there for it stays in the log. */
const MAX_UNSENT = 1_048_576

/** The same while {@link MAX_UNSENT_OF_ALL} is reached. */
const MIN_UNSENT = 65_536

/** Bytes that may wait for all readers before each of them gets less. */
const MAX_UNSENT_OF_ALL = 64 * 1_048_576

/** A reader who takes none of what waits for it for so long is cut, in milliseconds. It resumes at its position. */
const STALLED_MS = 10_000

/** Characters per write. */
const CHUNK = 32_768

/** When a reader connects again, in milliseconds. Random, so that the readers of a process that ends do not come at once. */
const RETRY_MS = { min: 1_000, max: 5_000 }

/**
 * `no-transform`: proxies neither compress nor collect. `x-accel-buffering`: nginx does not buffer. `connection`: it ends with
 * the stream, also when the server stops, and no client may have sent the next request over it.
 */
const HEADERS = {
  connection: 'close',
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

/** Connections with server-sent events (WHATWG HTML, 9.2). One timer serves all of them. */
export class EventStreams {
  /** Each second, the readers of one of these get a comment. */
  readonly #groups = Array.from({ length: COMMENT_SECONDS }, () => new Set<EventStream>())
  /** Those that wait for their reader. */
  readonly #paused = new Set<EventStream>()
  #second = 0
  #timer: NodeJS.Timeout | undefined
  #size = 0
  #maxUnsent = MAX_UNSENT
  readonly #stalledMs: number

  /** `stalledMs`: for tests. */
  constructor({ stalledMs = STALLED_MS }: { stalledMs?: number } = {}) {
    this.#stalledMs = stalledMs
  }

  /** Number of open streams. */
  get size(): number {
    return this.#size
  }

  /** Sends pages until they end or the reader goes. The reply is answered with this call. */
  open<Event>(reply: FastifyReply, source: EventStreamSource<Event>): void {
    void reply.headers(HEADERS).hijack()
    // What is not needed any more would be kept for as long as the stream lasts: headers of the request, those of the answer
    // if they were set one by one, and the timer of a silent connection, since each reader gets comments.
    const { raw: request } = reply.request
    request.headers = {}
    request.rawHeaders = []
    reply.raw.setTimeout(0)
    reply.raw.writeHead(200, Object.fromEntries(Object.entries(reply.getHeaders())))
    // Proxies and clients see the headers before there is an event. (Alone, so that their text is kept in one piece.)
    reply.raw.flushHeaders()
    reply.raw.write(`retry: ${Math.round(RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min))}\n\n`)
    const group = this.#groups[(this.#second + this.#size) % COMMENT_SECONDS]
    const stream = new EventStream(reply, source)
    group?.add(stream)
    this.#size += 1
    this.#timer ??= setInterval(() => this.#tick(), 1_000).unref()
    void this.#run(stream, source).finally(() => {
      group?.delete(stream)
      this.#paused.delete(stream)
      this.#size -= 1
      if (this.#size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
  }

  async #run<Event>(stream: EventStream, source: EventStreamSource<Event>): Promise<void> {
    try {
      for (let page: StreamPage<Event> | undefined = source.first, isFirst = true; page; isFirst = false) {
        const turn = yieldIfBusy()
        if (turn) await turn
        await this.#send(stream, textsOf(page, source, !isFirst || source.isFromNow))
        if (stream.isOver) return
        const { value, done } = await source.pages.next()
        if (done || stream.isOver || !(await source.mayContinue())) return
        page = value
      }
    } catch (err) {
      // The reader comes again.
      if (!isPlugboardError(err, 'UNAVAILABLE')) stream.log.error({ err }, 'event stream failed')
    } finally {
      stream.end()
      await source.pages.return().catch(() => undefined)
      // What is left still goes to the reader, if it takes it.
      this.#paused.add(stream)
      await stream.gone
    }
  }

  /** In parts, so that no more than the limit waits for the reader. */
  async #send(stream: EventStream, texts: Iterable<string>): Promise<void> {
    let chunk = ''
    for (const text of texts) {
      chunk += text
      if (chunk.length < CHUNK) continue
      await this.#write(stream, chunk)
      chunk = ''
    }
    if (chunk !== '') await this.#write(stream, chunk)
  }

  async #write(stream: EventStream, chunk: string): Promise<void> {
    if (stream.isOver) return
    stream.response.write(chunk)
    if (stream.response.writableLength <= this.#maxUnsent) return
    this.#paused.add(stream)
    await stream.drained()
    this.#paused.delete(stream)
  }

  #tick(): void {
    this.#second = (this.#second + 1) % COMMENT_SECONDS
    for (const stream of this.#groups[this.#second] ?? []) void this.#comment(stream)
    for (const stream of this.#paused) stream.cutIfStalled(this.#stalledMs)
    let unsent = 0
    for (const { response } of this.#paused) unsent += response.writableLength
    this.#maxUnsent = unsent > MAX_UNSENT_OF_ALL ? MIN_UNSENT : MAX_UNSENT
  }

  async #comment(stream: EventStream): Promise<void> {
    const ask = async (): Promise<boolean> => stream.source.mayContinue()
    // If it cannot be told now, it is asked again.
    const mayContinue = await ask().catch(() => true)
    if (stream.isOver) return
    if (!mayContinue) return stream.end()
    // What waits keeps the connection as well.
    if (stream.response.writableLength === 0) stream.response.write(COMMENT)
    else stream.cutIfStalled(this.#stalledMs)
  }
}

/** One connection. */
class EventStream {
  readonly response: ServerResponse
  readonly log: FastifyBaseLogger
  readonly source: Pick<EventStreamSource<never>, 'closed' | 'mayContinue'>
  /** Resolves when the connection is closed. */
  readonly gone: Promise<void>
  /** Nothing more is written. */
  isOver = false
  #drained: (() => void) | undefined
  /** Bytes that the connection has taken, and when that last changed. */
  #taken = 0
  #takenAt = performance.now()

  constructor({ raw: response, log }: FastifyReply, source: EventStream['source']) {
    this.response = response
    this.log = log
    this.source = source
    response.on('drain', () => this.#wake())
    this.gone = new Promise((resolve) => {
      const closed = () => {
        this.#finish()
        resolve()
      }
      if (response.closed) closed()
      else response.once('close', closed)
    })
  }

  /** Resolves when all that was written is sent, or the stream is over. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#drained = resolve
    })
  }

  /** To be called from time to time. Cuts the connection when its reader has taken nothing of what waits for so long. */
  cutIfStalled(stalledMs: number): void {
    const { socket, writableLength } = this.response
    const taken = socket ? socket.bytesWritten - socket.writableLength : 0
    const now = performance.now()
    if (writableLength === 0 || taken !== this.#taken) this.#takenAt = now
    this.#taken = taken
    if (now - this.#takenAt > stalledMs) this.response.destroy()
  }

  /** Ends the response after what was written; the reader connects again. */
  end(): void {
    if (this.isOver) return
    this.response.end()
    this.#finish()
  }

  #wake(): void {
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
  }

  #finish(): void {
    if (this.isOver) return
    this.isOver = true
    this.#wake()
    this.source.closed()
  }
}

/** A page without an event for the reader tells it at least the position, unless it is the one that it named. */
function* textsOf<Event>(
  page: StreamPage<Event>,
  { print }: Pick<EventStreamSource<Event>, 'print'>,
  isNews: boolean,
): Iterable<string> {
  if ('reset' in page) {
    yield resetEvent(page.reset.oldest)
    return
  }
  let isEmpty = true
  for (const event of page.events) {
    const printed = print(event)
    if (!printed) continue
    isEmpty = false
    yield printed.text
  }
  if (isEmpty && isNews) yield positionEvent(page.position)
}
