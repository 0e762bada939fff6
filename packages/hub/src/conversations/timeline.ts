import { type Id, PlugboardError } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, OpenWebhook } from '../clients/directory.js'
import { isFeed } from '../clients/feed.js'
import { integrationOf, labelOf, type OpenIntegration } from '../clients/open-integration.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import type { TargetState } from '../delivery/targets/target-state.js'
import { yieldIfBusy } from '../event-loop.js'
import type { Attempt, AttemptRecord } from '../log/attempt.js'
import type { ConversationRecord } from '../log/endpoint-record.js'
import type { Dead, Entry, StreamRef } from '../log/entry.js'
import { firstPage, isFull } from '../log/page.js'
import { type LaneState, type Progress, replayOf, type Schedule } from '../log/progress.js'
import { parseTarget, type Target, type TargetKind } from '../log/target.js'
import type { Store } from '../ports/store.js'
import type { Deliveries, Delivery } from './deliveries.js'

/** An entry of a conversation with its deliveries. */
export interface TimelineItem {
  entry: Entry
  deliveries: TimelineDelivery[]
}

/** A delivery with its attempts, and why it is not made now. */
export interface TimelineDelivery
  extends Pick<Delivery, 'target' | 'state' | 'nextAttemptAt' | 'error' | 'code'> {
  kind: TargetKind
  /** Readable name of the target; of a webhook its URL. */
  label: string
  /** Why it was given up. */
  reason?: Dead['reason']
  /** The newest ten, in order of time. */
  attempts: Attempt[]
  /** Of a delivery that was not made. Absent if it waits for nothing but its next attempt. */
  held?: Hold
}

/**
 * What a delivery waits for. `pause`: an operator, or new credentials. `lane`: an earlier entry to the same target.
 * `circuit`: a target that fails. `window`: the person has to write. `lease`: the process that delivers the conversation.
 * `backlog`: a process that has room for it, or a reader.
 */
export interface Hold {
  by: 'pause' | 'lane' | 'circuit' | 'window' | 'lease' | 'backlog'
  /** One sentence, without secrets. */
  reason: string
  since?: Date
  until?: Date
  /** The earlier entry. */
  entryId?: Id
}

/** Selects the newest entries before a number, or the oldest after one. */
export interface TimelinePage {
  before?: number
  after?: number
  limit: number
}

export interface TimelineOptions {
  store: Store
  monitor: Pick<TargetMonitor, 'read'>
  channels: Pick<Channels, 'isLoaded'>
  deliveries: Pick<Deliveries, 'stateOf' | 'stateForReaders' | 'headOf'>
  now(): Date
}

/** What the deliveries of one page have in common. */
interface Scene {
  client: ClientView
  conversation: ConversationRecord
  progress: Progress | undefined
  schedule: Schedule
  states: ReadonlyMap<Id, TargetState>
  attempts: ReadonlyMap<string, Attempt[]>
  /** The first entry that each lane still has to deliver. */
  heads: Map<Target, Promise<Entry | undefined>>
}

/** A target as it is configured now, if it still is. */
interface Place {
  kind: TargetKind
  webhook?: OpenWebhook
  integration?: OpenIntegration
  label?: string
  health?: TargetState
}

/**
 * Deliveries and attempts of one page, which is sent as a whole: a client may have many webhooks, each of which answers
 * with a kilobyte to each attempt.
 */
const MAX_FACTS = 2_000
/** Deliveries whose attempts are read at once, unless one entry has more: it must not take long. */
const READ_AT_ONCE = 100

/** The entries of a conversation, each with what became of its deliveries and what holds them back. */
export class Timeline {
  readonly #options: TimelineOptions

  constructor(options: TimelineOptions) {
    this.#options = options
  }

  /**
   * Newest first. A page ends with the entry that brings it to 1 MiB or to 2000 deliveries and attempts, and entries that
   * fill an unused number are left out, so that it may be short. @throws NOT_FOUND
   */
  async read(client: ClientView, conversationId: Id, page: TimelinePage): Promise<TimelineItem[]> {
    const { store, monitor } = this.#options
    const conversation = await store.findConversation(client.id, conversationId)
    if (!conversation) throw new PlugboardError('NOT_FOUND', 'conversation not found')
    const stream = { clientId: client.id, streamId: conversationId }
    const near = await this.#entries(conversation, page)
    const [progress, schedule, states, { entries, attempts }] = await Promise.all([
      store.findProgress(stream),
      store.findSchedule(stream),
      monitor.read(client.id),
      this.#withAttempts(stream, near),
    ])
    const scene: Scene = {
      ...{ client, conversation, progress, schedule: schedule ?? {}, states },
      ...{ attempts: byDelivery(attempts), heads: new Map() },
    }
    const feed = client.webhooks.find(isFeed)?.id
    const items: TimelineItem[] = []
    for (const entry of entries) {
      const turn = yieldIfBusy()
      if (turn) await turn
      const shown = entry.owes.filter((target) => parseTarget(target).id !== feed)
      const deliveries = await Promise.all(shown.map((target) => this.#delivery(scene, entry, target)))
      items.push({ entry, deliveries })
    }
    return items.sort((a, b) => b.entry.seq - a.entry.seq)
  }

  /** The nearest to where the page begins come first. */
  async #entries({ id: streamId, clientId, seq }: ConversationRecord, page: TimelinePage): Promise<Entry[]> {
    const { before = seq + 1, after, limit } = page
    const from = after ?? Math.max(0, Math.min(before, seq + 1) - 1 - limit)
    const end = after === undefined ? Math.min(before - 1, seq) : Math.min(after + limit, seq)
    let entries: Entry[] = []
    for (let last = from; last < end; ) {
      const turn = yieldIfBusy()
      if (turn) await turn
      const read = await this.#options.store.readEntries({ clientId, streamId }, last, end - last)
      // The store reads in the order of the numbers alone: of large entries, the last ones are kept.
      const known = after === undefined ? [...read.reverse(), ...entries] : [...entries, ...read]
      last = (after === undefined ? read.at(0) : read.at(-1))?.seq ?? end
      entries = firstPage(known, limit)
      if (after !== undefined && isFull(entries, limit)) break
    }
    return entries.filter(({ type }) => type !== 'void')
  }

  /** The first of these entries, as many as have room, with the attempts at their deliveries. */
  async #withAttempts(
    stream: StreamRef,
    near: readonly Entry[],
  ): Promise<{ entries: Entry[]; attempts: AttemptRecord[] }> {
    const entries: Entry[] = []
    const attempts: AttemptRecord[] = []
    for (let facts = 0; entries.length < near.length && facts < MAX_FACTS; ) {
      const turn = yieldIfBusy()
      if (turn) await turn
      const next = someOf(near.slice(entries.length))
      const read = await this.#options.store.listAttempts(stream, next)
      facts += read.length + deliveriesOf(next)
      attempts.push(...read)
      entries.push(...next)
    }
    return { entries, attempts }
  }

  async #delivery(scene: Scene, entry: Entry, target: Target): Promise<TimelineDelivery> {
    const place = placeOf(scene, target)
    const dead = entry.dead?.[target]
    const attempts = scene.attempts.get(deliveryKey(entry.seq, target)) ?? []
    const state = await this.#stateOf(scene, entry, target, place, attempts)
    const held = await this.#held(scene, entry, target, place, state.state)
    const { state: name, nextAttemptAt, error, code } = state
    return {
      ...{ target, kind: place.kind, label: dead?.label ?? place.label ?? `${place.kind} (removed)` },
      ...{ state: name, attempts },
      ...(nextAttemptAt && { nextAttemptAt }),
      ...(error !== undefined && { error }),
      ...(code !== undefined && { code }),
      ...(dead && { reason: dead.reason }),
      ...(held && { held }),
    }
  }

  async #stateOf(
    { progress }: Scene,
    entry: Entry,
    target: Target,
    { webhook, health }: Place,
    attempts: readonly Attempt[],
  ): Promise<Pick<Delivery, 'state' | 'nextAttemptAt' | 'error' | 'code'>> {
    const { deliveries } = this.#options
    const state = await deliveries.stateOf(entry, target, progress, health)
    if (entry.dead?.[target]?.isDiscarded) return { ...state, state: 'cancelled' }
    if (state.state !== 'delivered') return state
    if (webhook?.mode === 'pull') return deliveries.stateForReaders(entry, webhook.id)
    // Lanes pass what was deleted before it was sent.
    const wasSent = entry.sent?.[target] || attempts.some(({ outcome }) => outcome === 'delivered')
    return entry.deletedAt && !wasSent ? { state: 'cancelled' } : state
  }

  async #held(
    scene: Scene,
    entry: Entry,
    target: Target,
    place: Place,
    state: Delivery['state'],
  ): Promise<Hold | undefined> {
    const dead = entry.dead?.[target]
    if (dead?.reason === 'window-closed' && !dead.isDiscarded)
      return { by: 'window', since: dead.at, reason: dead.error ?? 'the person has to write first' }
    if (state !== 'pending' && state !== 'retrying') return undefined
    const now = this.#options.now()
    const paused = this.#pause(scene, place)
    if (paused) return paused
    if (place.webhook?.mode === 'pull') return this.#reader(scene, place.webhook.id)
    const replay = replayOf(scene.progress, entry.seq, target)
    const lane = replay ?? scene.progress?.lanes[target]
    const head = replay || !lane ? entry : await this.#headOf(scene, entry, target, lane)
    if (head && head.id !== entry.id) return inLane(head, lane)
    const circuit = place.health?.circuit
    if (circuit && circuit.until > now)
      return {
        by: 'circuit',
        ...{ since: circuit.since, until: circuit.until },
        reason: 'this target failed several times in a row; one delivery tests it after the pause',
      }
    // It waits for its next attempt, which is shown.
    if (lane?.blockedUntil && lane.blockedUntil > now) return undefined
    return inSchedule(scene.schedule, now)
  }

  #pause({ client }: Scene, { kind, webhook, integration }: Place): Hold | undefined {
    const { disabled } = client.record
    if (disabled) {
      const why = disabled.reason === undefined ? '' : `: ${disabled.reason}`
      return { by: 'pause', since: disabled.at, reason: `the client is disabled${why}` }
    }
    const since = (webhook ?? integration)?.pausedAt
    if (since) return { by: 'pause', since, reason: 'an operator paused deliveries to this target' }
    if (integration?.status === 'paused')
      return {
        by: 'pause',
        reason: `the integration needs new credentials: ${integration.reason ?? 'refused'}`,
      }
    if (kind === 'endpoint' && integration && !this.#options.channels.isLoaded(integration.channel))
      return { by: 'pause', reason: 'the server does not load this channel any more' }
    return undefined
  }

  #headOf({ heads }: Scene, entry: Entry, target: Target, lane: LaneState): Promise<Entry | undefined> {
    const known = heads.get(target)
    if (known) return known
    const head = this.#options.deliveries.headOf(entry, target, lane)
    heads.set(target, head)
    return head
  }

  /** What waits for the readers of a pull webhook. */
  async #reader({ client, conversation }: Scene, webhookId: Id): Promise<Hold> {
    const lanes = await this.#options.store.findPulls(client.id, [{ webhookId, streamId: conversation.id }])
    const [lane] = lanes
    if (lane?.heldTo !== undefined && lane.dueAt)
      return { by: 'lease', until: lane.dueAt, reason: 'a reader has it, and has not acknowledged it yet' }
    return {
      by: 'backlog',
      reason: 'it waits for a reader of the pull webhook',
      ...(lane && { since: lane.since }),
    }
  }
}

function inLane(head: Entry, lane: LaneState | undefined): Hold {
  const isFailing = lane?.error !== undefined
  return {
    ...{ by: 'lane', entryId: head.id, since: head.at },
    ...(lane?.blockedUntil && { until: lane.blockedUntil }),
    reason: isFailing
      ? `an earlier entry of this conversation fails: ${lane.error}`
      : 'an earlier entry of this conversation is not delivered yet',
  }
}

function inSchedule({ leasedUntil, dueAt }: Schedule, now: Date): Hold | undefined {
  if (leasedUntil && leasedUntil > now)
    return {
      by: 'lease',
      until: leasedUntil,
      reason: 'a process delivers this conversation; if it has ended, another one continues after its lease',
    }
  if (!dueAt && !leasedUntil) return undefined
  return {
    by: 'backlog',
    reason: 'it is due, and waits for a process that has room for it',
    ...(dueAt && (dueAt <= now ? { since: dueAt } : { until: dueAt })),
  }
}

/** Entries whose attempts are read at once; at least one. */
function someOf(entries: readonly Entry[]): Entry[] {
  let count = 1
  while (count < entries.length && deliveriesOf(entries.slice(0, count + 1)) <= READ_AT_ONCE) count += 1
  return entries.slice(0, count)
}

const deliveriesOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { owes }) => sum + owes.length, 0)

const deliveryKey = (seq: number, target: Target): string => `${seq} ${target}`

function byDelivery(attempts: readonly AttemptRecord[]): ReadonlyMap<string, Attempt[]> {
  const found = new Map<string, Attempt[]>()
  for (const { seq, target, ...attempt } of attempts) {
    const key = deliveryKey(seq, target)
    const list = found.get(key) ?? []
    found.set(key, list)
    list.push(attempt)
  }
  return found
}

function placeOf({ client, conversation, states }: Scene, target: Target): Place {
  const { kind, id } = parseTarget(target)
  if (kind === 'webhook') {
    const webhook = client.webhooks.find((hook) => hook.id === id)
    return { kind, ...(webhook && { webhook, label: webhook.url }), ...healthOf(states, id) }
  }
  const endpoint = conversation.endpoints.find((each) => each.id === id)
  if (!endpoint) return { kind }
  const integration = integrationOf(client, endpoint.channel)
  return {
    ...{ kind, label: integration ? labelOf(integration) : endpoint.channel.name },
    ...(integration && { integration, ...healthOf(states, integration.id) }),
  }
}

function healthOf(states: ReadonlyMap<Id, TargetState>, id: Id): { health?: TargetState } {
  const health = states.get(id)
  return health ? { health } : {}
}
