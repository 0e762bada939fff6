import { setImmediate as turn } from 'node:timers/promises'
import { type Id, PlugboardError } from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import { integrationOf } from '../clients/open-integration.js'
import type { Deliveries } from '../conversations/deliveries.js'
import { yieldIfBusy } from '../event-loop.js'
import type { DeadLetters, DeadPage, DeadPlace } from '../log/dead-letter.js'
import type { Entry, EntryType } from '../log/entry.js'
import type { OwingPage, OwingPlace, OwingStream } from '../log/owing-streams.js'
import type { LaneState } from '../log/progress.js'
import { type LaneKey, parseLaneKey, parseTarget, type Target } from '../log/target.js'
import type { Store } from '../ports/store.js'
import type { JobAction } from './dead-letter-job.js'

/** Which pending deliveries are wanted; all of the given members must match. */
export interface PendingFilter {
  /** Only those whose last attempt failed, or only the others. */
  state?: 'pending' | 'retrying'
  target?: Target
  /** Name of a channel. */
  channel?: string
  integrationId?: Id
  type?: EntryType
  /** Accepted at this time or later. */
  since?: Date
  /** Accepted at this time or earlier. */
  until?: Date
}

/** The next delivery to a target of one conversation. */
export interface PendingDelivery {
  entry: Pick<Entry, 'id' | 'streamId' | 'type' | 'at'>
  target: Target
  state: 'pending' | 'retrying'
  /** Failed attempts. */
  attempts: number
  error?: string
  nextAttemptAt?: Date
  /** Of an endpoint. */
  channel?: string
  integrationId?: Id
}

/** A dead letter by the ids of its entry and its target. */
export interface DeadLetterId {
  entryId: Id
  targetId: Id
}

export interface DeliveryListOptions {
  store: Pick<Store, 'findDead' | 'findEntry' | 'listOwing' | 'readEntries'>
  deliveries: Pick<Deliveries, 'replay' | 'discard'>
}

/** Reads of the store for one page, each of which may find nothing. */
const READS = 5
/** Streams per read. */
const STREAMS = 100
/** Deliveries of one stream that are listed. */
const OF_STREAM = 20
/** Entries that are read to find the next one of a target. */
const NEAR = 64

/** Lists the deliveries of a client for its operators. */
export class DeliveryList {
  readonly #options: DeliveryListOptions

  constructor(options: DeliveryListOptions) {
    this.#options = options
  }

  /** Newest death first. A page with `next` may have fewer letters than its limit. */
  async dead(client: ClientView, { limit, before, ...filter }: DeadPage): Promise<DeadLetters> {
    const letters: DeadLetters['letters'] = []
    let place: DeadPlace | undefined = before
    for (let reads = 0; reads < READS; reads += 1) {
      const page = { ...filter, limit: limit - letters.length, ...(place && { before: place }) }
      const found = await this.#options.store.findDead(client.id, page)
      letters.push(...found.letters)
      place = found.next
      if (!place || letters.length >= limit) break
      await turn()
    }
    return place ? { letters, next: place } : { letters }
  }

  /**
   * The next delivery of each target that is behind in a conversation, longest due first. A page with `next` may have
   * fewer deliveries than its limit, or more: those of one conversation are on one page.
   */
  async pending(
    client: ClientView,
    filter: PendingFilter,
    { limit, after }: OwingPage,
  ): Promise<{ deliveries: PendingDelivery[]; next?: OwingPlace }> {
    const deliveries: PendingDelivery[] = []
    let place = after
    for (let reads = 0; reads < READS; reads += 1) {
      const page = { limit: STREAMS, ...(place && { after: place }) }
      const streams = await this.#options.store.listOwing(client.id, page)
      for (const stream of streams) {
        const wait = yieldIfBusy()
        if (wait) await wait
        const found = await this.#of(client, stream, filter)
        deliveries.push(...found.filter(({ entry }) => isOf(filter, entry)))
        place = { nextAt: stream.nextAt, streamId: stream.streamId }
        if (deliveries.length >= limit) return { deliveries, next: place }
      }
      if (streams.length < STREAMS) return { deliveries }
      await turn()
    }
    return place ? { deliveries, next: place } : { deliveries }
  }

  async #of(client: ClientView, stream: OwingStream, filter: PendingFilter): Promise<PendingDelivery[]> {
    const lanes = Object.entries(stream.lanes).map(([key, lane]) => ({
      ...parseLaneKey(key as LaneKey),
      lane,
    }))
    const found: PendingDelivery[] = []
    for (const { target, only, lane } of lanes) {
      if (found.length >= OF_STREAM) break
      const state = lane.error !== undefined || (lane.attempt ?? 0) > 0 ? 'retrying' : 'pending'
      const place = placeOf(client, stream, target)
      if (!isWanted(filter, { state, target, ...place })) continue
      const entry =
        only === undefined ? await this.#next(stream, target, lane) : await this.#after(stream, only - 1)
      if (!entry) continue
      found.push({
        ...{ entry, target, state, attempts: lane.attempt ?? 0, ...place },
        ...(lane.error !== undefined && { error: lane.error }),
        ...(lane.blockedUntil && { nextAttemptAt: lane.blockedUntil }),
      })
    }
    if (filter.state === 'retrying' || stream.scanned >= stream.seq) return found
    return [...found, ...(await this.#unseen(client, stream, filter))].slice(0, OF_STREAM)
  }

  /** Deliveries of entries that came in since the targets of the stream were looked at. */
  async #unseen(client: ClientView, stream: OwingStream, filter: PendingFilter): Promise<PendingDelivery[]> {
    const found = new Map<Target, PendingDelivery>()
    for (const entry of await this.#options.store.readEntries(stream, stream.scanned, NEAR)) {
      for (const target of entry.deletedAt ? [] : entry.owes) {
        const place = placeOf(client, stream, target)
        const isNew = !found.has(target) && stream.lanes[target] === undefined
        if (isNew && isWanted(filter, { state: 'pending', target, ...place }))
          found.set(target, { entry, target, state: 'pending', attempts: 0, ...place })
      }
    }
    return [...found.values()]
  }

  /** The first entry that a lane still has to deliver: mostly the one after its last. */
  async #next(stream: OwingStream, target: Target, { done }: LaneState): Promise<Entry | undefined> {
    const first = await this.#after(stream, done)
    if (!first || isOwed(first, target)) return first
    const near = await this.#options.store.readEntries(stream, done, NEAR)
    return near.find((entry) => isOwed(entry, target)) ?? first
  }

  async #after(stream: OwingStream, seq: number): Promise<Entry | undefined> {
    return (await this.#options.store.readEntries(stream, seq, 1))[0]
  }

  /** Replays or discards some dead letters. @throws NOT_FOUND for each that is none, among others of a replay */
  async deal(client: ClientView, action: JobAction, { entryId, targetId }: DeadLetterId): Promise<void> {
    const { store, deliveries } = this.#options
    const entry = await store.findEntry(client.id, entryId)
    const targets = Object.keys(entry?.dead ?? {}) as Target[]
    const target = targets.find((each) => parseTarget(each).id === targetId)
    if (!target) throw new PlugboardError('NOT_FOUND', 'dead letter not found')
    await deliveries[action](client, entryId, target)
  }
}

/** The target of a delivery by its id, as far as it is known. */
export function targetOf(client: ClientView, id: Id): Target {
  if (client.webhooks.some((hook) => hook.id === id)) return `w${id}`
  return [...client.integrations.values()].some((each) => each.id === id) ? `i${id}` : `e${id}`
}

function placeOf(
  client: ClientView,
  { endpoints }: OwingStream,
  target: Target,
): Pick<PendingDelivery, 'channel' | 'integrationId'> {
  const { kind, id } = parseTarget(target)
  if (kind === 'webhook') return {}
  const own = [...client.integrations.values()].find((each) => each.id === id)
  const channel = endpoints.find((endpoint) => endpoint.id === id)?.channel
  const integration = own ?? (channel && integrationOf(client, channel))
  const name = integration?.channel ?? channel?.name
  return {
    ...(name !== undefined && { channel: name }),
    ...(integration && { integrationId: integration.id }),
  }
}

const isOwed = ({ type, deletedAt, owes, dead }: Entry, target: Target): boolean =>
  type !== 'void' && !deletedAt && owes.includes(target) && !dead?.[target]

const isWanted = (
  { state, target, channel, integrationId }: PendingFilter,
  of: Pick<PendingDelivery, 'state' | 'target' | 'channel' | 'integrationId'>,
): boolean =>
  (state === undefined || state === of.state) &&
  (target === undefined || target === of.target) &&
  (channel === undefined || channel === of.channel) &&
  (integrationId === undefined || integrationId === of.integrationId)

const isOf = ({ type, since, until }: PendingFilter, entry: PendingDelivery['entry']): boolean =>
  (type === undefined || type === entry.type) &&
  (since === undefined || since <= entry.at) &&
  (until === undefined || entry.at <= until)
