import type { Id, Logger } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import { errorShape } from '../channels/loggable-error.js'
import type { ClientView, Directory, OpenWebhook } from '../clients/directory.js'
import { isFeed } from '../clients/feed.js'
import { integrationOf, labelOf, type OpenIntegration } from '../clients/open-integration.js'
import type { Usage } from '../clients/storage-usage.js'
import type { TargetMonitor } from '../delivery/targets/target-monitor.js'
import { outageNow, type TargetState } from '../delivery/targets/target-state.js'
import { refusalsNow } from '../delivery/targets/wrong-signatures.js'
import type { Kept } from '../documents/collection.js'
import { yieldIfBusy } from '../event-loop.js'
import { NOT_LOADED } from '../integrations/health.js'
import type { SourceData, Sources } from '../integrations/sources.js'
import type { DeadLetter } from '../log/dead-letter.js'
import type { OwingStream } from '../log/owing-streams.js'
import { endpointTarget, type LaneKey, parseLaneKey, webhookTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'
import { MAX_UNREAD, UNREAD_MS, unreadLanes } from '../pull/unread.js'
import type { TroubleIndex, TroubleMark } from './trouble-index.js'

/**
 * What is wrong with a webhook or an integration, so that people are not answered.
 * - `failing`: it does not take what is delivered to it;
 * - `refused`: the provider refused the credentials of the integration, which is paused;
 * - `disconnected`: an integration that listens has no connection to its provider;
 * - `not-set-up`: the provider could not be set up for the integration yet;
 * - `unloaded`: this server does not load the channel of the integration;
 * - `gone`: the webhook answered that it is gone, and gets nothing;
 * - `unverified`: requests at the address of the integration have a wrong signature, and none is authentic;
 * - `unread`: no reader takes the events of a pull webhook, or not as many as there are;
 * - `full`: the client has reached its storage limit, and what it stores is refused;
 * - `held`: an operator holds what is delivered to it;
 * - `dead-letters`: it works, and has deliveries for which all attempts failed.
 */
export type TroubleState =
  | 'failing'
  | 'refused'
  | 'disconnected'
  | 'not-set-up'
  | 'unloaded'
  | 'gone'
  | 'unverified'
  | 'unread'
  | 'full'
  | 'held'
  | 'dead-letters'

/**
 * What ends a trouble: `wait`: it is retried automatically, once the other side works; `credentials`: give the integration
 * valid ones; `install`: the channel has to be installed; `sync`: the client has to give the webhook again; `resume`: let deliveries continue; `replay`:
 * replay or discard the dead letters; `read`: a reader has to read and acknowledge; `space`: delete data of the client, or
 * raise its limit.
 */
export type TroubleFix = 'wait' | 'credentials' | 'install' | 'sync' | 'resume' | 'replay' | 'read' | 'space'

/** A number that was not counted to its end if `isMore`. */
interface AtLeast {
  count: number
  isMore: boolean
}

/** Something that keeps people from being answered. */
export interface Trouble {
  client: ClientView
  target: { kind: 'webhook' | 'integration' | 'client'; id: Id; label: string; channel?: string }
  state: TroubleState
  since: Date
  /** In words of the provider, or of this server. */
  reason: string
  /** Failures in a row. */
  failures?: number
  nextAttemptAt?: Date
  /** People who wait for it, or did not get what was given up. Only of the longest troubles. */
  people?: AtLeast
  deadLetters?: AtLeast
  fix: TroubleFix
}

export interface TroublesOptions {
  store: Pick<Store, 'findDead' | 'listOwing' | 'listPulls'>
  index: TroubleIndex
  directory: Pick<Directory, 'find'>
  monitor: Pick<TargetMonitor, 'read'>
  sources: Pick<Sources, 'findAll'>
  usage: Pick<Usage, 'read' | 'limitOf'>
  channels: Pick<Channels, 'isLoaded'>
  log: Logger
  now(): Date
}

/** Marks that are looked at for one answer. */
const MAX_LOOKED_AT = 200
/** How often a process looks whether marked targets work again, and how many it then looks at. */
const SWEEP_MS = 10_000
const SWEPT_AT_ONCE = 50
/** Streams with pending deliveries, and of the newest dead letters, that are looked at for one trouble. */
const COUNTED = 200
const NEWEST = 10
/** Targets whose dead letters are read at once: it must not take long. */
const READ_AT_ONCE = 5
/** Troubles whose people are counted, and for how long a count is used again. */
const WITH_PEOPLE = 20
const COUNT_MS = 10_000
/** Share of its limit from which a client counts as full: the rest may be too small for what comes. */
const FULL = 0.95
/** Why a delivery that is worth a replay died: it was not about the person or the content. */
const REPLAYABLE = ['exhausted', 'gone'] as const

/** The troubles of all clients. Costs one read for each client that may have one, however many clients there are. */
export class Troubles {
  readonly #options: TroublesOptions
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined
  #sweptTo: Id | undefined
  /** People who are not answered, by target. */
  readonly #counts = new Map<Id, Counts & { at: number }>()

  constructor(options: TroublesOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setInterval(() => void this.sweep(), SWEEP_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
  }

  /** The longest first; of one client, or of all. `isMore`: there may be others. */
  async list(of: { clientId?: Id } = {}): Promise<{ troubles: Trouble[]; isMore: boolean }> {
    const marks = await this.#options.index.list({ limit: MAX_LOOKED_AT, ...of })
    const troubles = [...(await this.#lookAt(marks)).values()].filter((trouble) => trouble !== undefined)
    troubles.sort((a, b) => a.since.getTime() - b.since.getTime())
    await this.#addPeople(troubles.slice(0, WITH_PEOPLE))
    return { troubles, isMore: marks.length === MAX_LOOKED_AT }
  }

  /** Counts who waits for each of these targets, and who did not get what was given up. */
  async #addPeople(troubles: readonly Trouble[]): Promise<void> {
    const now = this.#options.now().getTime()
    for (const [id, { at }] of this.#counts) if (now - at >= COUNT_MS) this.#counts.delete(id)
    const owing = new Map<Id, Promise<OwingStream[]>>()
    for (const trouble of troubles) {
      if (trouble.people) continue
      const { client, target } = trouble
      let counts: Counts | undefined = this.#counts.get(target.id)
      if (!counts) {
        const streams = owing.get(client.id) ?? this.#options.store.listOwing(client.id, { limit: COUNTED })
        owing.set(client.id, streams)
        const givenUp = await this.#givenUp(client, target.id)
        counts = countsOf(waitingFor(trouble, await streams), givenUp)
        if (counts.people) this.#counts.set(target.id, { at: now, ...counts })
      }
      const { people, deadLetters } = counts
      if (people) trouble.people = people
      if (deadLetters) trouble.deadLetters = deadLetters
    }
  }

  /** Removes some marks of targets that work again. After a failure, the next sweep goes on. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep()
      .catch((err) =>
        this.#options.log.warn(errorShape(err), 'cannot look for troubles that are over; retrying'),
      )
      .finally(() => {
        this.#sweeping = undefined
      })
    return this.#sweeping
  }

  async #sweep(): Promise<void> {
    const { index } = this.#options
    const after = this.#sweptTo
    const marks = await index.list({ limit: SWEPT_AT_ONCE, ...(after && { after }) })
    this.#sweptTo = marks.length === SWEPT_AT_ONCE ? marks.at(-1)?.id : undefined
    const over = await this.#over(marks)
    for (const { id } of over) await index.remove(id)
    // A trouble that began after the first look found its mark, which is removed now.
    const removed = new Set(over)
    const again = await this.#over(over)
    for (const mark of again) removed.delete(mark)
    for (const { id, data } of removed) await index.mark({ clientId: data.clientId, targetId: id })
  }

  async #over(marks: readonly Kept<TroubleMark>[]): Promise<Kept<TroubleMark>[]> {
    const found = await this.#lookAt(marks)
    return marks.filter(({ id }) => found.get(id) === undefined)
  }

  /** What is wrong with marked targets, by id. */
  async #lookAt(marks: readonly Kept<TroubleMark>[]): Promise<ReadonlyMap<Id, Trouble | undefined>> {
    const { directory, monitor, sources } = this.#options
    const clientIds = [...new Set(marks.map(({ data }) => data.clientId))]
    const [listening, clients] = await Promise.all([
      sources.findAll(marks.map(({ id }) => id)),
      Promise.all(
        clientIds.map(async (id) => {
          const client = await directory.find({ id })
          return [id, client && { client, states: await monitor.read(id) }] as const
        }),
      ),
    ])
    const byId = new Map(clients)
    const found = new Map<Id, Trouble | undefined>()
    const works: { id: Id; data: TroubleMark; client: ClientView }[] = []
    for (const { id, data } of marks) {
      const of = byId.get(data.clientId)
      if (!of) continue
      if (id === of.client.id) {
        const full = await this.#full(of.client)
        if (full) found.set(id, { client: of.client, since: new Date(data.since), ...full })
        continue
      }
      const trouble = this.#troubleOf(of.client, id, of.states.get(id), listening.get(id)?.data)
      if (trouble) found.set(id, { client: of.client, since: new Date(data.since), ...trouble })
      else works.push({ id, data, client: of.client })
    }
    for (let from = 0; from < works.length; from += READ_AT_ONCE) {
      const turn = yieldIfBusy()
      if (turn) await turn
      const some = works.slice(from, from + READ_AT_ONCE)
      const troubles = await Promise.all(
        some.map(
          async ({ client, id }) =>
            (await this.#unread(client, id, byId.get(client.id)?.states.get(id))) ??
            this.#givenUp(client, id),
        ),
      )
      for (const [i, { id, data, client }] of some.entries()) {
        const trouble = troubles[i]
        if (trouble) found.set(id, { client, since: new Date(data.since), ...trouble })
      }
    }
    return found
  }

  /** A client that has no room for what it stores. */
  async #full(client: ClientView): Promise<Found | undefined> {
    const { usage } = this.#options
    const limit = usage.limitOf(client)
    if (limit === 0) return undefined
    const stored = await usage.read(client.id)
    if (stored < limit * FULL) return undefined
    return {
      target: { kind: 'client', id: client.id, label: 'storage' },
      ...{ state: 'full', reason: `it stores ${stored} of ${limit} bytes`, fix: 'space' },
    }
  }

  /** Events of a pull webhook that wait for a reader. */
  async #unread(client: ClientView, id: Id, state: TargetState | undefined): Promise<Found | undefined> {
    const { store, now } = this.#options
    const webhook = client.webhooks.find((hook) => hook.id === id)
    if (webhook?.mode !== 'pull') return undefined
    const lanes = await unreadLanes(store, client.id, id, now())
    const [first] = lanes
    if (!first) return undefined
    const readAt = state?.lastOutboundAt?.getTime() ?? 0
    const isRead = now().getTime() - readAt < UNREAD_MS
    return {
      ...{ target: targetOfWebhook(webhook), state: 'unread', since: first.since, fix: 'read' },
      reason: isRead ? 'its readers acknowledge less than there is' : 'no reader acknowledges its events',
      people: {
        count: new Set(lanes.map(({ userId, streamId }) => userId ?? streamId)).size,
        isMore: lanes.length === MAX_UNREAD,
      },
    }
  }

  /** Deliveries to a target that were given up, and are worth a replay. */
  async #givenUp(client: ClientView, id: Id): Promise<Found | undefined> {
    const { store } = this.#options
    const target = targetOf(client, id)
    if (!target) return undefined
    const of = target.kind === 'webhook' ? { target: webhookTarget(id) } : { integrationId: id }
    const { letters: newest, next } = await store.findDead(client.id, { ...of, limit: NEWEST })
    const own = newest.filter(isReplayable)
    // Those that are about a person or a content may hide others. A read by the reason looks at many of them.
    const isHidden = own.length === 0 && next !== undefined
    const letters = isHidden
      ? (await store.findDead(client.id, { ...of, reason: 'exhausted', limit: 1 })).letters
      : own
    const [first] = letters
    if (!first) return undefined
    const isMore = next !== undefined
    const people = peopleIn(letters)
    return {
      ...{ target, state: 'dead-letters', reason: first.dead.error ?? first.dead.reason, fix: 'replay' },
      ...(!isMore && { since: new Date(Math.min(...letters.map(({ dead }) => dead.at.getTime()))) }),
      deadLetters: { count: letters.length, isMore },
      ...(people > 0 && { people: { count: people, isMore } }),
    }
  }

  #troubleOf(
    client: ClientView,
    id: Id,
    state: TargetState | undefined,
    source: SourceData | undefined,
  ): Found | undefined {
    const webhook = client.webhooks.find((hook) => hook.id === id)
    if (webhook) return isFeed(webhook) ? undefined : ofWebhook(webhook, state)
    const integration = [...client.integrations.values()].find((each) => each.id === id)
    return integration && this.#ofIntegration(integration, state, source)
  }

  #ofIntegration(
    integration: OpenIntegration,
    state: TargetState | undefined,
    source: SourceData | undefined,
  ): Found | undefined {
    const { channel, status, reason } = integration
    const target = targetOfIntegration(integration)
    if (!this.#options.channels.isLoaded(channel))
      return { target, state: 'unloaded', reason: NOT_LOADED, fix: 'install' }
    if (integration.pausedAt) return held(target, integration.pausedAt)
    if (status === 'paused') return { target, state: 'refused', reason: reason ?? '', fix: 'credentials' }
    if (status === 'pending' && reason !== undefined)
      return { target, state: 'not-set-up', reason, fix: 'wait' }
    if (integration.mode === 'listen' && source?.state?.name === 'failing') {
      const { failure, nextAttemptAt } = source.state
      const next = nextAttemptAt === undefined ? {} : { nextAttemptAt: new Date(nextAttemptAt) }
      return { target, state: 'disconnected', reason: failure.message, ...next, fix: 'wait' }
    }
    return failing(target, state) ?? this.#unverified(target, state)
  }

  #unverified(target: Trouble['target'], state: TargetState | undefined): Found | undefined {
    const refusals = refusalsNow(state ?? {}, this.#options.now())
    return (
      refusals && {
        ...{
          target,
          state: 'unverified',
          since: refusals.since,
          failures: refusals.count,
          fix: 'credentials',
        },
        reason:
          'the signature of requests is wrong: their provider has another secret than the integration, or a stranger makes them',
      }
    )
  }
}

const isReplayable = ({ dead }: DeadLetter): boolean => REPLAYABLE.some((reason) => reason === dead.reason)

/** People have no entries of their own but those that say that they are new: each has a conversation as well. */
function peopleIn(letters: readonly DeadLetter[]): number {
  const talks = letters.filter(({ entry: { type } }) => !/^(user|health)\./.test(type))
  return new Set(talks.map(({ entry }) => entry.streamId)).size
}

type Found = Omit<Trouble, 'client' | 'since'> & { since?: Date }

const targetOfIntegration = (integration: OpenIntegration): Trouble['target'] => ({
  ...{ kind: 'integration', id: integration.id },
  ...{ label: labelOf(integration), channel: integration.channel },
})

const targetOfWebhook = ({ id, url }: OpenWebhook): Trouble['target'] => ({ kind: 'webhook', id, label: url })

/** A webhook or an integration of the client. */
function targetOf({ webhooks, integrations }: ClientView, id: Id): Trouble['target'] | undefined {
  const webhook = webhooks.find((hook) => hook.id === id)
  if (webhook) return isFeed(webhook) ? undefined : targetOfWebhook(webhook)
  const integration = [...integrations.values()].find((each) => each.id === id)
  return integration && targetOfIntegration(integration)
}

type Counts = Pick<Found, 'people' | 'deadLetters'>

/** Who waits may also miss what was given up, so the larger number is the least. */
function countsOf(waiting: AtLeast, givenUp: Found | undefined): Counts {
  const { people: missing, deadLetters } = givenUp ?? {}
  const count = Math.max(waiting.count, missing?.count ?? 0)
  if (count === 0) return {}
  const isMore = waiting.isMore || (missing?.isMore ?? false)
  return { people: { count, isMore }, ...(deadLetters && { deadLetters }) }
}

/** The people for whom one of these streams waits for a target. */
function waitingFor({ client, target }: Trouble, streams: readonly OwingStream[]): AtLeast {
  const waits = streams.filter(({ lanes, endpoints }) => {
    const targets = Object.keys(lanes).map((key) => parseLaneKey(key as LaneKey).target)
    if (target.kind === 'webhook') return targets.includes(webhookTarget(target.id))
    const own = endpoints.filter(({ channel }) => integrationOf(client, channel)?.id === target.id)
    return own.some(({ id }) => targets.includes(endpointTarget(id)))
  })
  const people = new Set(waits.map(({ userId, streamId }) => userId ?? streamId))
  return { count: people.size, isMore: streams.length === COUNTED }
}

function ofWebhook(webhook: OpenWebhook, state: TargetState | undefined): Found | undefined {
  const { isGone, pausedAt } = webhook
  const target = targetOfWebhook(webhook)
  if (pausedAt) return held(target, pausedAt)
  if (isGone)
    return { target, state: 'gone', reason: state?.lastFailure?.message ?? 'answered 410', fix: 'sync' }
  return failing(target, state)
}

const held = (target: Trouble['target'], since: Date): Found => ({
  ...{ target, state: 'held', since, reason: 'an operator holds its deliveries', fix: 'resume' },
})

function failing(target: Trouble['target'], state: TargetState | undefined): Found | undefined {
  const outage = outageNow(state ?? {})
  if (!outage || !state) return undefined
  const { message: reason, since, nextAttemptAt } = outage
  return {
    ...{ target, state: 'failing', since, reason, failures: state.consecutiveFailures, fix: 'wait' },
    ...(nextAttemptAt && { nextAttemptAt }),
  }
}
