import { setTimeout as sleep } from 'node:timers/promises'
import type { Id, Logger } from '@plugboard/core'
import { PlugboardError } from '@plugboard/core'
import type { ClientView, OpenWebhook } from '../clients/directory.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { DeliveryObserver } from '../delivery/outcome-reports.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import type { QueueBell } from '../delivery/to-readers/queue-bell.js'
import { lateWebhookBody, webhookBody } from '../delivery/to-webhooks/webhook-body.js'
import { type Lookups, type WebhookFormat, webhookEventOf } from '../delivery/to-webhooks/webhook-format.js'
import { type Dead, type Entry, hasConversation } from '../log/entry.js'
import { COUNTED_BACKLOG } from '../log/owing-streams.js'
import { bytesOf, PAGE_BYTES } from '../log/page.js'
import { attemptsOf, type PullLane } from '../log/pull-lane.js'
import type { Store } from '../ports/store.js'
import { Acknowledgements } from './acknowledgements.js'
import { deadlineFor, sinceOf } from './deadline.js'
import {
  BURY_MS,
  type Death,
  isForReaders,
  MAX_PER_LANE,
  NOT_ACKNOWLEDGED,
  type PullLanes,
} from './lane-entries.js'
import { given, isHeldBy, passed, released } from './lane-rules.js'
import { laneKey, type PullPosition, positionOf, textOfPosition } from './position.js'
import { pullUrl } from './url.js'
import { WaitingReaders } from './waiting-readers.js'

/** What a reader asks for. */
export interface PullRequest {
  /** Most events. */
  limit: number
  /** Time that the reader has to acknowledge them, in milliseconds. */
  leaseMs: number
  /** How long to wait for the first event, in milliseconds. */
  waitMs: number
  /** The reader is gone. */
  signal: AbortSignal
}

/** An event for a reader. */
export interface PulledEvent {
  /** Names the event and the lease, to acknowledge it. */
  position: string
  /** The same at each attempt. */
  id: string
  conversationId?: Id
  /** This one included. */
  attempts: number
  /** The body of a webhook's request: JSON text. */
  body: string
}

/** What waits for the readers of a pull webhook. */
export interface PullBacklog {
  /** Conversations (and other streams) in which something waits, counted up to {@link COUNTED_BACKLOG}. */
  conversations: number
  /** There are more. */
  isMore: boolean
  /** At or before the time of the oldest waiting event. */
  oldest?: Date
}

export interface PullOptions {
  store: Store
  bell: QueueBell
  lanes: PullLanes
  formats: ReadonlyMap<string, WebhookFormat>
  lookupsOf(client: ClientView): Lookups
  dispatcher: Pick<Dispatcher, 'startedAt'>
  observer: DeliveryObserver
  monitor: Pick<TargetMonitor, 'delivered' | 'failed'>
  log: Logger
  now(): Date
}

/** Most lanes that one look takes. */
const MAX_LANES = 128
/** Lanes that are prepared at once: few, because each may read a page of large entries. */
const AT_ONCE = 16
/** How often a waiting reader looks without change notifications, in milliseconds. */
const LOOK_MS = 1000
/** The same with them, only for lost ones. */
const SELDOM_MS = 15_000
/** Longest wait of a stream before it looks what its reader acknowledged, in milliseconds. */
const STREAM_WAIT_MS = 15_000
/** How often it looks while its reader has as many events as it may, in milliseconds. */
const FULL_MS = 100
/** Pause of a lane whose entries cannot be read or rendered now, in milliseconds. */
const PAUSE_MS = 1000

/** What one look found. */
interface Found {
  events: PulledEvent[]
  /** There may be more now. */
  isMore: boolean
  nextAt?: Date
}

/** What is to become of a lane. `lane` is written by compare-and-set before anything else happens. */
interface Plan {
  lane: PullLane
  events: PulledEvent[]
  bytes: number
  /** To bury under the lease. */
  deaths: Death[]
}

/**
 * Events for the readers of pull webhooks. A lane (what a webhook has of one stream) goes to one reader at a time, so that
 * events of a conversation stay in order. Each change of a lane is one compare-and-set, on any replica.
 */
export class Pull {
  readonly #options: PullOptions
  /** The last look of each webhook: those of one process would only take lanes from each other. */
  readonly #looks = new Map<Id, Promise<unknown>>()
  readonly #waiting: WaitingReaders
  readonly #acknowledgements: Acknowledgements
  readonly #closing = new AbortController()
  /** Whether the store reports what other processes add. */
  isNotified = false

  constructor(options: PullOptions) {
    this.#options = options
    this.#waiting = new WaitingReaders(options.bell)
    this.#acknowledgements = new Acknowledgements(options)
  }

  /** The pull webhook of this name. @throws NOT_FOUND */
  find(client: ClientView, format: string, name: string): OpenWebhook {
    const url = pullUrl(name)
    const found = client.webhooks.find(
      (hook) => hook.mode === 'pull' && hook.format === format && hook.url === url,
    )
    if (!found) throw new PlugboardError('NOT_FOUND', `the client has no pull webhook ${name}`)
    return found
  }

  /** Takes the next events, with a lease. Empty when none came in time. @throws UNAVAILABLE */
  async take(client: ClientView, webhook: OpenWebhook, request: PullRequest): Promise<PulledEvent[]> {
    const waiter = this.#waiting.join(webhook.id)
    const signal = AbortSignal.any([request.signal, this.#closing.signal])
    const until = performance.now() + request.waitMs
    try {
      for (;;) {
        if (signal.aborted) return []
        waiter.isRung = false
        const { events, isMore, nextAt } = await this.#look(client, webhook, request).catch((error) => {
          // What it was rung for still waits: the next one looks, when the store may be back.
          this.#waiting.passOn(webhook.id, LOOK_MS)
          throw error
        })
        if (isMore) waiter.isRung = true
        if (events.length > 0) return events
        if (isMore) continue
        const leftMs = until - performance.now()
        if (leftMs <= 0) return []
        await waiter.wait(Math.min(leftMs, this.#pauseUntil(nextAt)), signal)
      }
    } finally {
      this.#waiting.leave(webhook.id, waiter)
    }
  }

  /**
   * Takes events as they come, for as long as the reader stays and `find` finds the webhook, which may be removed. At most
   * `limit` are with it; what it acknowledges, gives back or loses makes room for others. What it has when it goes is given
   * back.
   */
  async *stream(
    find: () => Promise<{ client: ClientView; webhook: OpenWebhook } | undefined>,
    { limit, leaseMs, signal }: Omit<PullRequest, 'waitMs'>,
  ): AsyncGenerator<PulledEvent[], void, void> {
    let hand: PullPosition[] = []
    let reader: ClientView | undefined
    try {
      while (!signal.aborted && !this.#closing.signal.aborted) {
        const { client, webhook } = (await find()) ?? {}
        if (!client || !webhook) return
        reader = client
        hand = await this.#stillHeld(client, hand)
        if (hand.length >= limit) {
          await sleep(FULL_MS, undefined, { signal }).catch(() => undefined)
          continue
        }
        const request = { limit: limit - hand.length, leaseMs, waitMs: STREAM_WAIT_MS, signal }
        const events = await this.take(client, webhook, request)
        hand.push(...events.flatMap(({ position }) => positionOf(position) ?? []))
        if (events.length > 0) yield events
      }
    } finally {
      // If that fails, the leases end.
      if (reader) await this.release(reader, hand.map(textOfPosition), 0).catch(() => undefined)
    }
  }

  async #stillHeld(client: ClientView, hand: readonly PullPosition[]): Promise<PullPosition[]> {
    if (hand.length === 0) return []
    const lanes = [...new Map(hand.map((position) => [laneKey(position), position])).values()]
    const found = await this.#options.store.findPulls(client.id, lanes)
    const held = new Map(found.map((lane) => [laneKey(lane), lane]))
    return hand.filter((position) => {
      const lane = held.get(laneKey(position))
      return lane !== undefined && isHeldBy(lane, position.fence) && lane.done < position.seq
    })
  }

  /** Ends waiting. */
  close(): void {
    this.#closing.abort()
  }

  /**
   * Acknowledges events, each with the earlier ones of its conversation. Returns the positions that are of no event which
   * a reader got. It also counts after the end of the lease.
   */
  acknowledge(client: ClientView, positions: readonly string[]): Promise<string[]> {
    return this.#acknowledgements.acknowledge(client, positions)
  }

  /**
   * Gives events back after a pause: the first one that is not acknowledged comes again, and with it the later ones of its
   * conversation. Returns the positions whose lease is over.
   */
  release(client: ClientView, positions: readonly string[], delayMs: number): Promise<string[]> {
    return this.#acknowledgements.release(client, positions, delayMs)
  }

  /** Moves the end of leases. Returns the positions whose lease is over. */
  extend(client: ClientView, positions: readonly string[], leaseMs: number): Promise<string[]> {
    return this.#acknowledgements.extend(client, positions, leaseMs)
  }

  async backlog(client: ClientView, webhookId: Id): Promise<PullBacklog> {
    const { lanes, isMore, oldest } = await this.#options.store.pullBacklog(
      client.id,
      webhookId,
      COUNTED_BACKLOG,
    )
    return { conversations: lanes, isMore, ...(oldest && { oldest }) }
  }

  #pauseUntil(nextAt: Date | undefined): number {
    const pollMs = this.isNotified ? SELDOM_MS : LOOK_MS
    return nextAt ? Math.min(pollMs, Math.max(1, nextAt.getTime() - this.#options.now().getTime())) : pollMs
  }

  /** One after another for each webhook. */
  async #look(client: ClientView, webhook: OpenWebhook, request: PullRequest): Promise<Found> {
    const before = this.#looks.get(webhook.id) ?? Promise.resolve()
    const look = before.then(
      () => this.#lookNow(client, webhook, request),
      () => this.#lookNow(client, webhook, request),
    )
    this.#looks.set(webhook.id, look)
    try {
      return await look
    } finally {
      if (this.#looks.get(webhook.id) === look) this.#looks.delete(webhook.id)
    }
  }

  async #lookNow(client: ClientView, webhook: OpenWebhook, request: PullRequest): Promise<Found> {
    const { store, now } = this.#options
    // It has not looked, so that the next reader has to.
    if (request.signal.aborted) return { events: [], isMore: true }
    const limit = Math.min(request.limit, MAX_LANES)
    const { lanes, nextAt } = await store.duePulls(client.id, webhook.id, { now: now(), limit })
    const events: PulledEvent[] = []
    let bytes = 0
    for (let start = 0; start < lanes.length; start += AT_ONCE) {
      const room = request.limit - events.length
      const some = lanes.slice(start, start + AT_ONCE)
      const plans = await Promise.all(
        some.map((lane) => this.#plan(client, webhook, lane, { ...request, limit: room })),
      )
      const chosen = chooseOf(plans, room, PAGE_BYTES - bytes)
      for (const plan of await this.#write(client, webhook, chosen)) {
        events.push(...plan.events)
        bytes += plan.bytes
      }
      if (chosen.length < plans.length) break
    }
    return { events, isMore: lanes.length > 0, ...(nextAt && { nextAt }) }
  }

  /** Returns the plans that came to be. */
  async #write(client: ClientView, webhook: OpenWebhook, plans: readonly Plan[]): Promise<Plan[]> {
    const { store, monitor } = this.#options
    if (plans.length === 0) return []
    const isWritten = await store.replacePulls(plans.map(({ lane }) => lane))
    const written = plans.filter((_, index) => isWritten[index])
    for (const { lane, deaths, events } of written) {
      if (deaths.length > 0) await this.#options.lanes.bury(lane, webhook.url, deaths)
      if (events.some(({ attempts }) => attempts > 1))
        monitor.failed(
          { clientId: client.id, targetId: webhook.id },
          { kind: 'transient', message: NOT_ACKNOWLEDGED },
        )
    }
    return written
  }

  /** Decides what becomes of a lane that is due: given, passed where nothing is for readers, or the first entry buried. */
  async #plan(client: ClientView, webhook: OpenWebhook, lane: PullLane, request: PullRequest): Promise<Plan> {
    const { dispatcher, formats, log } = this.#options
    const now = this.#options.now()
    const format = formats.get(webhook.format)
    const nothing = (next: PullLane): Plan => ({ lane: next, events: [], bytes: 0, deaths: [] })
    try {
      const entries = await this.#options.lanes.entriesOf(lane, Math.min(MAX_PER_LANE, request.limit))
      const end = entries.at(-1)?.seq
      if (end === undefined && (await this.#options.lanes.isPurged(lane)))
        return nothing(passed(lane, lane.upTo, { now, isOver: true }))
      if (end === undefined || !format) return nothing(released(lane, new Date(now.getTime() + PAUSE_MS)))
      const mine = entries.filter((entry) => isForReaders(lane, entry))
      const [head] = mine
      if (!head) return nothing(passed(lane, end, { now, isOver: true }))
      const until = new Date(now.getTime() + request.leaseMs)
      const gift = { after: head.seq - 1, until, since: sinceOf(lane, head) }
      const isOverdue = now >= deadlineFor(format, lane, head, dispatcher.startedAt)
      const bury = (error: string, reason: Dead['reason']): Plan => ({
        ...nothing(given(lane, { ...gift, last: head.seq, until: new Date(now.getTime() + BURY_MS) })),
        deaths: [{ entry: head, reason, error, attempts: attemptsOf(lane.given, head.seq) }],
      })
      if (attemptsOf(lane.given, head.seq) > 0 && isOverdue) return bury(NOT_ACKNOWLEDGED, 'exhausted')
      const bodies = await this.#bodies(client, webhook, format, lane, mine)
      const [first] = bodies
      if (first && typeof first.body !== 'string') return bury(first.body.message, 'invalid')
      const rendered = bodies.flatMap(({ entry, body }) =>
        typeof body === 'string' ? [{ entry, body }] : [],
      )
      const last = rendered.at(-1)?.entry.seq ?? end
      const told = rendered.filter(({ body }) => body !== '')
      const [start] = told
      if (!start) return nothing(passed(lane, last, { now, isOver: true }))
      const next = given(lane, {
        ...gift,
        after: start.entry.seq - 1,
        last,
        since: sinceOf(lane, start.entry),
      })
      const events = told.map(({ entry, body }) => eventOf(next, entry, body))
      return {
        lane: next,
        events,
        bytes: told.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0),
        deaths: [],
      }
    } catch (err) {
      log.error(
        { err, clientId: client.id, streamId: lane.streamId },
        'cannot prepare events for readers; will retry',
      )
      return nothing(released(lane, new Date(now.getTime() + PAUSE_MS)))
    }
  }

  /** Up to the first that cannot be rendered, or that fills a page. */
  async #bodies(
    client: ClientView,
    webhook: OpenWebhook,
    format: WebhookFormat,
    lane: PullLane,
    entries: readonly Entry[],
  ) {
    const { store, log, lookupsOf, now } = this.#options
    const conversation = entries.some(hasConversation)
      ? await store.findConversation(client.id, lane.streamId)
      : undefined
    const context = {
      ...{ client, webhook, lookups: lookupsOf(client), now: now() },
      userId: conversation?.userId ?? lane.userId,
      endpoints: conversation?.endpoints ?? [],
    }
    const bodies: { entry: Entry; body: Awaited<ReturnType<typeof lateWebhookBody>> }[] = []
    let bytes = 0
    for (const entry of entries) {
      if (bytes >= PAGE_BYTES) break
      const event = webhookEventOf(entry, context)
      const body = format.isLate ? await lateWebhookBody(format, event, log) : webhookBody(format, event, log)
      bodies.push({ entry, body })
      if (typeof body !== 'string') break
      bytes += bytesOf({ data: body })
    }
    return bodies
  }
}

/** As many plans as there is room for; one that gives events is taken whole. */
function chooseOf(plans: readonly Plan[], room: number, roomBytes: number): Plan[] {
  let [events, bytes] = [0, 0]
  const end = plans.findIndex((plan) => {
    const isFull =
      plan.events.length > 0 && events > 0 && (events + plan.events.length > room || bytes >= roomBytes)
    events += plan.events.length
    bytes += plan.bytes
    return isFull
  })
  return end < 0 ? [...plans] : plans.slice(0, end)
}

const eventOf = (lane: PullLane, entry: Entry, body: string): PulledEvent => ({
  position: textOfPosition({
    ...{ webhookId: lane.webhookId, streamId: lane.streamId, seq: entry.seq, fence: lane.fence },
    ...(lane.replay !== undefined && { replay: lane.replay }),
  }),
  id: `${entry.id}-${lane.webhookId}`,
  ...(hasConversation(entry) && { conversationId: entry.streamId }),
  attempts: attemptsOf(lane.given, entry.seq),
  body,
})
