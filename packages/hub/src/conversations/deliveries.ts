import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { isFeed } from '../clients/feed.js'
import { integrationOf } from '../clients/open-integration.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import { type TargetState, workingState } from '../delivery/targets/target-state.js'
import { changeKey, changeOf, type MessageChange, receivedBefore } from '../log/activity.js'
import { type DeadLetter, listedDeaths } from '../log/dead-letter.js'
import type { EndpointRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Page } from '../log/page.js'
import { type LaneState, type Progress, replayOf } from '../log/progress.js'
import { attemptsOf } from '../log/pull-lane.js'
import { type LaneKey, parseLaneKey, parseTarget, type Target, webhookTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'
import { messageDetailsOf } from './message-details.js'

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
  /** Of an endpoint that got the message: the last edit and the removal, in order. */
  changes?: ChangeDelivery[]
}

/** Whether an endpoint shows a change of a message. */
export interface ChangeDelivery extends Omit<Delivery, 'entryId' | 'target' | 'state' | 'changes'> {
  type: MessageChange['type']
  at: Date
  /** `unsupported`: the channel cannot change what it sent. */
  state: Delivery['state'] | 'unsupported'
}

/** Most replays of one conversation that wait at the same time. */
const MAX_WAITING_REPLAYS = 1000

/** How many entries are read to find what blocks a lane. */
const HEAD_WITHIN = 64

export interface DeliveriesOptions {
  store: Store
  dispatcher: Dispatcher
  monitor: Pick<TargetMonitor, 'read'>
  now(): Date
}

/** Reads the state of deliveries, and replays dead letters. */
export class Deliveries {
  readonly #options: DeliveriesOptions

  constructor(options: DeliveriesOptions) {
    this.#options = options
  }

  /** One for each target of a message, also of one that was deleted alone. @throws NOT_FOUND, also if it is not in this conversation */
  async ofMessage(client: ClientView, messageId: Id, conversationId?: Id): Promise<Delivery[]> {
    const { store, monitor } = this.#options
    const entry = await store.findEntry(client.id, messageId)
    if (entry?.type !== 'message') throw notFound()
    if (conversationId !== undefined && entry.streamId !== conversationId) throw notFound()
    const [progress, conversation, states, changes] = await Promise.all([
      store.findProgress(entry),
      store.findConversation(client.id, entry.streamId),
      monitor.read(client.id),
      this.#changesOf(entry),
    ])
    const removal = changes.find((each) => changeOf(each)?.type === 'removed')
    if (!conversation || (entry.deletedAt && !removal)) throw notFound()
    const feed = client.webhooks.find(isFeed)
    const shown = entry.owes.filter((target) => !feed || target !== webhookTarget(feed.id))
    const deliveries = shown.map(async (target): Promise<Delivery> => {
      const { kind, id } = parseTarget(target)
      const webhook = kind === 'webhook' && client.webhooks.find((hook) => hook.id === id)
      const endpoint = kind === 'endpoint' && conversation.endpoints.find((endpoint) => endpoint.id === id)
      const healthOf = endpoint ? integrationOf(client, endpoint.channel)?.id : id
      const health = healthOf ? states.get(healthOf) : undefined
      const state = removal
        ? stateOfRemoved(entry, target, removal)
        : await this.stateOf(entry, target, progress, health)
      const shownState =
        webhook && webhook.mode === 'pull' && state.state === 'delivered'
          ? await this.stateForReaders(entry, webhook.id)
          : state
      const isShown = endpoint && (state.state === 'delivered' || entry.sent?.[target]?.parts.length)
      // Without a record it was sent before its integration could change anything.
      const isRecorded = entry.sent?.[target] !== undefined
      const changed = isShown
        ? await this.#changeStates(changes, isRecorded ? target : undefined, progress, health)
        : []
      return {
        entryId: entry.id,
        target,
        ...(webhook && { webhook: { id: webhook.id, url: webhook.url } }),
        ...(endpoint && { endpoint }),
        ...shownState,
        ...(changed.length > 0 && { changes: changed }),
      }
    })
    return Promise.all(deliveries)
  }

  /** The entries of the last edit of a message and of its removal. */
  async #changesOf(message: Entry): Promise<Entry[]> {
    const { store } = this.#options
    const { clientId, streamId, id: messageId } = message
    const { edit } = messageDetailsOf(message)
    const found = await Promise.all([
      edit && store.findEntry(clientId, edit),
      store.findByDedupe(clientId, streamId, changeKey({ type: 'removed', messageId })),
    ])
    return found.filter((entry) => entry !== undefined && changeOf(entry)?.messageId === messageId) as Entry[]
  }

  /** Without a target: of an endpoint that cannot be changed. */
  #changeStates(
    changes: readonly Entry[],
    target: Target | undefined,
    progress: Progress | undefined,
    health: TargetState | undefined,
  ): Promise<ChangeDelivery[]> {
    return Promise.all(
      changes.map(async (entry): Promise<ChangeDelivery> => {
        const isOwed = target !== undefined && entry.owes.includes(target)
        const state = isOwed ? await this.stateOf(entry, target, progress, health) : UNSUPPORTED
        return { type: changeOf(entry)?.type ?? 'edited', at: entry.at, ...state }
      }),
    )
  }

  /** Derives the state of a delivery from the entry, the lanes of its stream and the state of the target. */
  async stateOf(
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
    const head = replay || !lane ? entry : await this.headOf(entry, target, lane)
    return {
      state: 'retrying',
      attempts: lane?.attempt ?? 0,
      ...trouble,
      ...(head && head.id !== entry.id && { blockedBy: { id: head.id, type: head.type } }),
    }
  }

  /** An entry that is stored for readers, in the order of its stream. */
  async stateForReaders(
    { clientId, streamId, seq }: Entry,
    webhookId: Id,
  ): Promise<Pick<Delivery, 'state' | 'attempts' | 'nextAttemptAt'>> {
    const [lane] = await this.#options.store.findPulls(clientId, [{ webhookId, streamId }])
    if (!lane || lane.done >= seq) return { state: 'delivered' }
    const isUnderway = lane.heldTo !== undefined && seq <= lane.heldTo
    const attempts = attemptsOf(lane.given, seq) - (isUnderway ? 1 : 0)
    if (attempts <= 0) return { state: 'pending' }
    return { state: 'retrying', attempts, ...(lane.dueAt && { nextAttemptAt: lane.dueAt }) }
  }

  /** The first entry that a lane still has to deliver, if it is near. */
  async headOf(entry: Entry, target: Target, { done }: LaneState): Promise<Entry | undefined> {
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
    return entries.flatMap((entry) => listedDeaths(entry).map(([target, dead]) => ({ entry, target, dead })))
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

  /** Takes a dead letter from the list. It can still be replayed. @throws NOT_FOUND, also if it was discarded before */
  async discard(client: ClientView, entryId: Id, target: Target): Promise<void> {
    if (await this.#options.store.discard(client.id, entryId, target)) return
    throw new PlugboardError('NOT_FOUND', 'dead letter not found')
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

const UNSUPPORTED = { state: 'unsupported' } as const

/** What had become of a delivery when its message was removed. */
function stateOfRemoved(entry: Entry, target: Target, removal: Entry): Pick<Delivery, 'state'> {
  const dead = entry.dead?.[target]
  if (dead) return { state: dead.reason === 'undelivered' ? 'failed' : 'dead' }
  const wasReceived = entry.sent?.[target]?.isWhole || receivedBefore(removal).includes(target)
  return { state: wasReceived ? 'delivered' : 'cancelled' }
}

const notFound = (): PlugboardError => new PlugboardError('NOT_FOUND', 'message not found')

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
