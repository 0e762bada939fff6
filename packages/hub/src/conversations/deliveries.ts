import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
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
  state: 'pending' | 'retrying' | 'delivered' | 'dead' | 'cancelled'
  /** Failed attempts; known while it is retried, and when it is dead. */
  attempts?: number
  nextAttemptAt?: Date
  /** Error of the last attempt. */
  error?: string
}

/** A delivery that failed all retries. */
export interface DeadLetter {
  entry: DeadEntry
  target: Target
  dead: Dead
}

/** Most replays of one conversation that wait at the same time. */
const MAX_WAITING_REPLAYS = 1000

export interface DeliveriesOptions {
  store: Store
  dispatcher: Dispatcher
  messages: Messages
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
    const { store, messages } = this.#options
    const entry = await messages.getEntry(client, messageId)
    const progress = await store.findProgress(entry)
    const conversation = await store.findConversation(client.id, entry.streamId)
    return entry.owes.map((target) => {
      const { kind, id } = parseTarget(target)
      const webhook = kind === 'webhook' && client.webhooks.find((hook) => hook.id === id)
      const endpoint = kind === 'endpoint' && conversation?.endpoints.find((endpoint) => endpoint.id === id)
      return {
        entryId: entry.id,
        target,
        ...(webhook && { webhook: { id: webhook.id, url: webhook.url } }),
        ...(endpoint && { endpoint }),
        ...stateOf(entry, target, progress),
      }
    })
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

/** Derives the state of a delivery from the entry and the lanes of its stream. */
function stateOf(
  entry: Entry,
  target: Target,
  progress: Progress | undefined,
): Pick<Delivery, 'state' | 'attempts' | 'nextAttemptAt' | 'error'> {
  const dead = entry.dead?.[target]
  if (dead)
    return { state: 'dead', attempts: dead.attempts, ...(dead.error !== undefined && { error: dead.error }) }
  const lane = replayOf(progress, entry.seq, target) ?? progress?.lanes[target]
  if ((lane?.done ?? progress?.scanned ?? 0) >= entry.seq) return { state: 'delivered' }
  if (entry.deletedAt) return { state: 'cancelled' }
  if (lane?.done !== entry.seq - 1 || !lane.attempt) return { state: 'pending' }
  return {
    state: 'retrying',
    attempts: lane.attempt,
    ...(lane.blockedUntil && { nextAttemptAt: lane.blockedUntil }),
    ...(lane.error !== undefined && { error: lane.error }),
  }
}
