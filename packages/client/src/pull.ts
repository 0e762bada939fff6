import { PlugboardApiError } from './errors.js'
import { toEvent, type WebhookEvent } from './events.js'
import { pause } from './retry.js'
import type { Transport } from './transport.js'

/** An event that was pulled. */
export type PulledEvent = WebhookEvent & {
  /** How often the server gave it, this time included. */
  attempts: number
}

/** Options of `client.pull`. */
export interface PullOptions {
  /** Name of the pull webhook. Default: `default`. */
  webhook?: string | undefined
  /** Conversations that are handled at the same time. Default: 16. */
  concurrency?: number | undefined
  /**
   * After how many seconds the server gives events of a bot that died to another one. It is extended while a handler
   * works. Default: 30.
   */
  leaseSeconds?: number | undefined
  /** Stops the pulling, as `stop` does. */
  signal?: AbortSignal | undefined
  /**
   * Called with what a handler threw and its event, and with failed requests. Both are tried again. Default: ignored.
   */
  onError?: ((error: unknown, event?: PulledEvent) => void) | undefined
}

/** A running `client.pull`. */
export interface Pulling {
  /** Takes nothing more, waits for the handlers that are at work, and gives the other events back. Never rejects. */
  stop(): Promise<void>
  /**
   * Resolves when it was stopped. Rejects if it cannot continue: the credentials are wrong (401, 403), or there is no
   * such pull webhook (404).
   */
  readonly done: Promise<void>
}

/** Handles an event. When it resolves, the event is acknowledged; when it rejects, the event comes again. */
export type PullHandler = (event: PulledEvent) => unknown

interface WireEvent {
  position: string
  id: string
  conversationId?: string
  attempts: number
  type: string
  data: unknown
}

interface Item {
  id: string
  /** Of when it was given last. */
  position: string
  event: PulledEvent | undefined
}

/** How long the server waits for events, in seconds. */
const WAIT_SECONDS = 25
/** Time for the answer after that, in milliseconds. */
const ANSWER_MS = 15_000
/** Events that wait while all handlers are at work, for each conversation that is handled at the same time. */
const AHEAD = 4
const MAX_LIMIT = 1000
/** Longest pause before an event comes again whose handler failed, in seconds. */
const MAX_DELAY_SECONDS = 60
/** Longest pause between requests that fail, in milliseconds. */
const MAX_PAUSE_MS = 30_000
/** Statuses with which it makes no sense to ask again. */
const FATAL: ReadonlySet<number> = new Set([400, 401, 403, 404])

const isFatal = (error: unknown): boolean => error instanceof PlugboardApiError && FATAL.has(error.status)

/**
 * Pulls events and calls `handler` with each: those of a conversation one after another, several conversations at the same
 * time.
 * @throws RangeError for an invalid option
 */
export function pull(http: Transport, handler: PullHandler, options: PullOptions = {}): Pulling {
  const { webhook, concurrency = 16, leaseSeconds = 30, signal } = options
  assertCount('concurrency', concurrency, MAX_LIMIT)
  assertCount('leaseSeconds', leaseSeconds, 43_200)
  const capacity = Math.min(concurrency * AHEAD, MAX_LIMIT)
  const stopping = new AbortController()
  /** Events of one conversation each, in order; the first is being handled if the conversation is at work. */
  const hands = new Map<string, Item[]>()
  /** Conversations that wait for a handler. */
  const queue: string[] = []
  let working = 0
  const acknowledging = new Set<string>()
  let sending: Promise<void> | undefined
  let progressed = (): void => undefined

  /** Returns the refused positions. */
  async function post(action: string, positions: readonly string[], more: object = {}): Promise<string[]> {
    const all: string[] = []
    for (let start = 0; start < positions.length; start += MAX_LIMIT) {
      const body = { positions: positions.slice(start, start + MAX_LIMIT), ...more }
      const request = { method: 'POST', path: ['pull', action], body, repeat: 'always' } as const
      const { refused = [] } = await http.send<{ refused?: string[] }>(request)
      all.push(...refused)
    }
    return all
  }

  const progress = () => new Promise<void>((resolve) => (progressed = resolve))

  const count = () => [...hands.values()].reduce((sum, items) => sum + items.length, 0)

  function report(error: unknown, event?: PulledEvent): void {
    try {
      options.onError?.(error, event)
    } catch {
      // It is only told.
    }
  }

  function add(wire: WireEvent): void {
    const key = wire.conversationId ?? userOf(wire.data) ?? wire.id
    const known = toEvent(wire.id, wire)
    const { id, position, attempts } = wire
    const item = { id, position, event: known && { ...known, attempts } }
    const items = hands.get(key)
    const again = items?.find((each) => each.id === id)
    // Its lease ended meanwhile. It need not be handled twice.
    if (again) Object.assign(again, item)
    else if (items) items.push(item)
    else {
      hands.set(key, [item])
      queue.push(key)
    }
  }

  function work(): void {
    while (working < concurrency && !stopping.signal.aborted) {
      const key = queue.shift()
      if (key === undefined) return
      working += 1
      void handleAll(key).finally(() => {
        working -= 1
        progressed()
        work()
      })
    }
  }

  async function handleAll(key: string): Promise<void> {
    const items = hands.get(key) ?? []
    for (let item = items[0]; item && !stopping.signal.aborted; item = items[0]) {
      const { event } = item
      try {
        // What this version of the client cannot read is of no use to its handler either.
        if (event) await handler(event)
      } catch (error) {
        report(error, event)
        hands.delete(key)
        const delay = Math.min(2 ** ((event?.attempts ?? 1) - 1), MAX_DELAY_SECONDS)
        return giveBack(items, delay)
      }
      // Its lease may have ended: another bot that has it acknowledges too, and if it came again, that is done as well.
      const { position } = (items[0]?.id === item.id && items.shift()) || item
      acknowledge(position)
      progressed()
    }
    if (items.length === 0) hands.delete(key)
  }

  function acknowledge(position: string): void {
    acknowledging.add(position)
    void flush()
  }

  /** Sends all acknowledgements, one request at a time, each with everything since the last one. */
  function flush(): Promise<void> {
    sending ??= sendAcknowledgements().finally(() => {
      sending = undefined
      progressed()
    })
    return sending
  }

  /**
   * Until the server has them all: they count after the end of the lease too, and their conversations stand until then. If
   * that fails while it stops, the events come again.
   */
  async function sendAcknowledgements(): Promise<void> {
    for (let failures = 0; acknowledging.size > 0; ) {
      const positions = [...acknowledging].slice(0, MAX_LIMIT)
      const isOver = await post('ack', positions).then(
        () => true,
        (error) => {
          report(error)
          return stopping.signal.aborted || isFatal(error)
        },
      )
      if (isOver) for (const position of positions) acknowledging.delete(position)
      // Not for long: conversations wait for it.
      else await pauseAfter(Math.min(++failures, 3))
    }
  }

  async function giveBack(items: readonly Item[], delay: number): Promise<void> {
    const positions = items.map(({ position }) => position)
    if (positions.length === 0) return
    // Acknowledgements first, so that only the rest comes again.
    while (acknowledging.size > 0) await flush()
    await post('nack', positions, { delay }).catch(report)
  }

  /** Before a third of the lease is over, in case a request is slow. Drops what another bot may have by now. */
  async function extend(): Promise<void> {
    const positions = [...hands.values()].flatMap((items) => items.map(({ position }) => position))
    try {
      const lost = new Set(await post('extend', positions, { lease: leaseSeconds }))
      for (const [key, items] of hands)
        if (items.some(({ position }) => lost.has(position) && !acknowledging.has(position))) drop(key, items)
    } catch (error) {
      report(error)
    }
  }

  /** A conversation that is at work stays in hand: what comes of it meanwhile waits. */
  function drop(key: string, items: Item[]): void {
    items.length = 0
    const waiting = queue.indexOf(key)
    if (waiting < 0) return
    queue.splice(waiting, 1)
    hands.delete(key)
  }

  async function run(): Promise<void> {
    const timer = setInterval(() => void extend(), (leaseSeconds * 1000) / 3)
    try {
      for (let failures = 0; !stopping.signal.aborted; ) {
        const room = capacity - count()
        const free = concurrency - working
        // Not for a few, since each request costs the same; unless one conversation with much to do has all the others wait.
        if (free === 0 && room < capacity / 2) await progress()
        else if (await take(Math.max(room, free))) failures = 0
        else await pauseAfter(++failures)
      }
    } finally {
      stopping.abort()
      while (working > 0) await progress()
      clearInterval(timer)
      while (acknowledging.size > 0) await flush()
      await giveBack([...hands.values()].flat(), 0)
    }
  }

  /** False if the request failed. @throws PlugboardApiError if it makes no sense to ask again */
  async function take(limit: number): Promise<boolean> {
    const query = { webhook, limit, wait: WAIT_SECONDS, lease: leaseSeconds }
    try {
      const { events = [] } = await http.send<{ events?: WireEvent[] }>(
        { method: 'GET', path: ['pull'], query, repeat: 'refused' },
        { signal: stopping.signal, timeoutMs: WAIT_SECONDS * 1000 + ANSWER_MS },
      )
      for (const event of events) add(event)
      work()
      return true
    } catch (error) {
      if (stopping.signal.aborted) return true
      report(error)
      if (isFatal(error)) throw error
      return false
    }
  }

  /** With jitter, so that the bots of a server that restarts do not come back at the same time. */
  async function pauseAfter(failures: number): Promise<void> {
    const longest = Math.min(500 * 2 ** failures, MAX_PAUSE_MS)
    await pause(longest / 2 + (Math.random() * longest) / 2, stopping.signal).catch(() => undefined)
  }

  function stop(): void {
    stopping.abort(new Error('the pulling was stopped'))
    progressed()
  }
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  const done = run().finally(() => signal?.removeEventListener('abort', stop))
  // Callers that only use `stop` need not handle it.
  done.catch(() => undefined)
  return {
    done,
    async stop() {
      stop()
      await done.catch(() => undefined)
    },
  }
}

/** Events of a user without a conversation are in order too. */
function userOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null || !('userId' in data)) return undefined
  return typeof data.userId === 'string' ? data.userId : undefined
}

function assertCount(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  throw new RangeError(`${name} must be a whole number from 1 to ${max}`)
}
