import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import { type TargetMonitor, type TargetState, workingState } from '../delivery/target-monitor.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Dead, DeadEntry, Entry } from '../log/entry.js'
import type { Page } from '../log/page.js'
import type { LaneState, Progress } from '../log/progress.js'
import { type LaneKey, parseLaneKey, parseTarget, type Target } from '../log/target.js'
import type { Store } from '../ports/store.js'
import type { Messages } from './messages.js'

/** State of one delivery: one entry to one target. */
export interface Delivery {
  entryId: Id
  target: Target
  /** The webhook; undefined if it was removed. */
  webhook?: { id: Id; url: string }
  endpoint?: EndpointRecord
  /** `failed`: the provider accepted it, and reported later that it could not deliver it. */
  state: 'pending' | 'retrying' | 'delivered' | 'failed' | 'dead' | 'cancelled'
  /** Failed attempts: of what is retried (see `blockedBy`), or of the dead delivery. */
  attempts?: number
  nextAttemptAt?: Date
  /** Error of the last attempt. */
  error?: string
  /** The provider's code of the error that ended the delivery. */
  code?: string
  /** The earlier entry of the conversation that is retried, and that this one waits for. */
  blockedBy?: Pick<Entry, 'id' | 'type'>
}

/** A delivery that failed all retries. */
export interface DeadLetter {
  entry: DeadEntry
  target: Target
  dead: Dead
}

/** Most replays of one conversation that wait at the same time. */
const MAX_WAITING_REPLAYS = 1000

/** How many entries are read to find what blocks a lane. */
const HEAD_WITHIN = 64

export interface DeliveriesOptions {
  store: Store
  dispatcher: Dispatcher
  messages: Messages
  monitor: Pick<TargetMonitor, 'read'>
  now(): Date
}

/** Reads the state of deliveries, and replays dead letters. */
export class Deliveries {
  readonly #options: DeliveriesOptions

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /** One for each target of a message. @throws NOT_FOUND */
  async ofMessage(client: ClientView, messageId: Id): Promise<Delivery[]> {
    const { store, messages, monitor } = this.#options
    const entry = await messages.getEntry(client, messageId)
    const [progress, conversation, states] = await Promise.all([
      store.findProgress(entry),
      store.findConversation(client.id, entry.streamId),
      monitor.read(client.id),
    ])
    const deliveries = entry.owes.map(async (target): Promise<Delivery> => {
      const { kind, id } = parseTarget(target)
      const webhook = kind === 'webhook' && client.webhooks.find((hook) => hook.id === id)
      const endpoint = kind === 'endpoint' && conversation?.endpoints.find((endpoint) => endpoint.id === id)
      const healthOf = endpoint ? integrationOf(client, endpoint.channel)?.id : id
      return {
        entryId: entry.id,
        target,
        ...(webhook && { webhook: { id: webhook.id, url: webhook.url } }),
        ...(endpoint && { endpoint }),
        ...(await this.#stateOf(entry, target, progress, healthOf && states.get(healthOf))),
      }
    })
    return Promise.all(deliveries)
  }

  /** Derives the state of a delivery from the entry, the lanes of its stream and the state of the target. */
  async #stateOf(
    entry: Entry,
    target: Target,
    progress: Progress | undefined,
    health: TargetState | undefined,
  ): Promise<Pick<Delivery, 'state' | 'attempts' | 'nextAttemptAt' | 'error' | 'code' | 'blockedBy'>> {
    const dead = entry.dead?.[target]
    if (dead)
      return {
        state: dead.reason === 'undelivered' ? 'failed' : 'dead',
        attempts: dead.attempts,
        ...(dead.error !== undefined && { error: dead.error }),
        ...(dead.code !== undefined && { code: dead.code }),
      }
    const replay = replayOf(progress, entry.seq, target)
    const lane = replay ?? progress?.lanes[target]
    if ((lane?.done ?? progress?.scanned ?? 0) >= entry.seq) return { state: 'delivered' }
    if (entry.deletedAt) return { state: 'cancelled' }
    const trouble = troubleOf(lane, health, this.#options.now())
    if (!trouble) return { state: 'pending' }
    const head = replay || !lane ? entry : await this.#headOf(entry, target, lane)
    return {
      state: 'retrying',
      attempts: lane?.attempt ?? 0,
      ...trouble,
      ...(head && head.id !== entry.id && { blockedBy: { id: head.id, type: head.type } }),
    }
  }

  /** The first entry that a lane still has to deliver, if it is near. */
  async #headOf(entry: Entry, target: Target, { done }: LaneState): Promise<Entry | undefined> {
    if (done === entry.seq - 1) return entry
    const next = await this.#options.store.readEntries(entry, done, HEAD_WITHIN)
    return next.find(
      ({ type, deletedAt, owes, dead }) =>
        type !== 'void' && !deletedAt && owes.includes(target) && !dead?.[target],
    )
  }

  /** Dead letters, newest entry first. Those of one entry are on the same page. */
  async listDead(client: ClientView, page: Page): Promise<DeadLetter[]> {
    const entries = await this.#options.store.listDead(client.id, page)
    return entries.flatMap((entry) =>
      Object.entries(entry.dead ?? {}).map(([target, dead]) => ({
        entry,
        target: target as Target,
        dead: dead as Dead,
      })),
    )
  }

  /**
   * Replays a dead letter, with a retry schedule that starts now. It keeps its id and ignores the order. `to` selects
   * another target. @throws NOT_FOUND, RATE_LIMITED while very many replays of its conversation wait
   */
  async replay(client: ClientView, entryId: Id, target: Target, to: Target = target): Promise<void> {
    const { store, dispatcher, now } = this.#options
    const { kind, id } = parseTarget(to)
    const isThere = kind !== 'webhook' || client.webhooks.some((hook) => hook.id === id)
    if (!isThere) throw new PlugboardError('NOT_FOUND', 'target not found')
    await this.#assertRoom(client, entryId)
    const replayed = await store.replay({ clientId: client.id, entryId, target, to, now: now() })
    if (!replayed) throw new PlugboardError('NOT_FOUND', 'dead letter not found')
    dispatcher.replayed(replayed)
  }

  /** Each replay that waits is looked at whenever something happens in its conversation. */
  async #assertRoom(client: ClientView, entryId: Id): Promise<void> {
    const { store } = this.#options
    const entry = await store.findEntry(client.id, entryId)
    const lanes = Object.keys((entry && (await store.findProgress(entry)))?.lanes ?? {})
    const waiting = lanes.filter((key) => parseLaneKey(key as LaneKey).only !== undefined).length
    if (waiting < MAX_WAITING_REPLAYS) return
    throw new PlugboardError(
      'RATE_LIMITED',
      `${MAX_WAITING_REPLAYS} replays of this conversation wait already`,
      {
        retryAfterMs: 1000,
      },
    )
  }
}

/** The lane of the last replay. */
const replayOf = (progress: Progress | undefined, seq: number, target: Target): LaneState | undefined =>
  Object.entries(progress?.lanes ?? {}).findLast(([key]) => {
    const lane = parseLaneKey(key as LaneKey)
    return lane.only === seq && lane.target === target
  })?.[1]

/** Why a lane waits: its own last failure, or that of its target, which is paused. */
function troubleOf(
  lane: LaneState | undefined,
  health: TargetState | undefined,
  now: Date,
): Pick<Delivery, 'error' | 'nextAttemptAt'> | undefined {
  const last = health && workingState(health) === 'retrying' ? health.lastFailure : undefined
  const pause = last?.nextAttemptAt && last.nextAttemptAt > now ? last : undefined
  const hasFailed = lane && (lane.error !== undefined || (lane.attempt ?? 0) > 0)
  if (!hasFailed) return pause && { error: pause.message, ...timeOf(pause.nextAttemptAt) }
  return {
    ...(lane.error !== undefined && { error: lane.error }),
    ...timeOf(lane.blockedUntil ?? pause?.nextAttemptAt),
  }
}

const timeOf = (nextAttemptAt: Date | undefined) => (nextAttemptAt ? { nextAttemptAt } : {})
