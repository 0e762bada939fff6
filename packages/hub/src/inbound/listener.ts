import type { Failure, Id, Logger } from '@plugboard/core'
import type { Channels } from '../channels/channels.js'
import type { ClientView, Directory } from '../clients/directory.js'
import { monotonicMs } from '../delivery/transport.js'
import type { Heartbeats } from '../integrations/heartbeats.js'
import { failing, type KeptSource, type Sources } from '../integrations/sources.js'
import type { ClientRecord } from '../ports/client-record.js'
import type { PublicAddresses } from '../ports/public-addresses.js'
import type { Store } from '../ports/store.js'
import type { Ingest } from './ingest.js'
import { type Listening, type ListenNetwork, Source, type SourceOptions } from './source.js'

export interface ListenerOptions {
  store: Pick<Store, 'listClients'>
  directory: Pick<Directory, 'find' | 'forget'>
  channels: Channels
  sources: Sources
  heartbeats: Heartbeats
  ingest: Pick<Ingest, 'take'>
  urls: PublicAddresses
  network: ListenNetwork
  /** How often a heartbeat is written, in milliseconds. */
  beatMs: number
  /** Pauses an integration whose credentials the provider refuses. */
  pause(clientId: Id, integration: { id: Id; credentials: string }, reason: string): Promise<void>
  /** The connection of an integration failed, and this is stored. Never rejects. */
  failed?(clientId: Id, integrationId: Id): Promise<void>
  log: Logger
  now(): Date
}

/** How often it looks for sources to take, and for attempts that are due. */
const TICK_MS = 500
/**
 * How many more looks a free source above this process's share is left to a process that owns less, and one that this
 * process gave up for it. Looks, because those of others take as long while the store is slow.
 */
const PATIENCE_LOOKS = 2
const PATIENCE_LOOKS_AFTER_GIVING_UP = 10
/** How often it looks whether there are sources at all, where the store notifies of new ones. */
const QUIET_MS = 10_000
/** How often all clients are read, to find sources that a process did not add because it ended. */
const SCAN_MS = 10 * 60_000
/** Delays between failed attempts. */
const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 5 * 60_000
/** Without notifications of changes: how many sources are compared with their configuration per second, at most. */
const COMPARED_AT_ONCE = 50
const COMPARE_ALL_S = 5
/** How many sources are given up per heartbeat for processes that own less. */
const GIVEN_UP_AT_ONCE = 50
const AT_ONCE = 25
const PAGE = 100

/**
 * Listens for the integrations whose mode is `listen`. Each has a source in the store, which one process owns. The
 * processes share the sources evenly, take over those of a process that ended, and give theirs back when they stop.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #owned = new Map<Id, Source>()
  readonly #ofClient = new Map<Id, Set<Source>>()
  /** Sources whose configuration is being compared; true if they changed again since. */
  readonly #settling = new Map<Source, boolean>()
  readonly #changed = new Set<Id>()
  #draining: Promise<void> | undefined
  /** Free sources above this process's share, and for how many more looks they are left to others. */
  #spare = new Map<Id, number>()
  /** Sources of channels that this process has not loaded. */
  readonly #foreign = new Set<Id>()
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> | undefined
  #isRunning = false
  #isFailing = false
  #nextBeatAt = 0
  /** There are no sources, so that none can become free. */
  #isQuiet = false
  /** How often a client was seen that wants sources. */
  #heard = 0
  #nextScanAt = 0
  #compared: Id[] = []
  /** Whether the store notifies of changes by other processes. */
  isNotified = false

  constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Number of sources that this process surely owns: none after a pause in which others may have taken them. */
  get size(): number {
    return this.#options.heartbeats.isFresh ? this.#owned.size : 0
  }

  start(): void {
    this.#isRunning = true
    this.#schedule(0)
  }

  /** Gives everything back, within the grace period. */
  async stop(graceMs: number): Promise<void> {
    if (!this.#isRunning) return
    this.#isRunning = false
    clearTimeout(this.#timer)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    for (const source of this.#owned.values()) source.abort()
    await Promise.race([this.#giveBack(), late])
    clearTimeout(timer)
  }

  async #giveBack(): Promise<void> {
    try {
      await this.#ticking
      await inBatches([...this.#owned.values()], async (source) => {
        await source.stop()
        await source.free()
      })
      await this.#options.heartbeats.end()
    } catch (err) {
      this.#options.log.warn({ err }, 'cannot give back what this process listened to; others take over soon')
    }
  }

  /** A client changed: starts, stops and restarts its sources. */
  clientChanged(clientId: Id): void {
    this.#changed.add(clientId)
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined
    })
  }

  /** Changes may have been missed. */
  missed(): void {
    this.#nextScanAt = 0
    for (const source of this.#owned.values()) this.#settle(source)
  }

  async #drain(): Promise<void> {
    const { directory, log } = this.#options
    let hasNew = false
    for (const clientId of this.#changed) {
      this.#changed.delete(clientId)
      try {
        const client = await directory.find({ id: clientId })
        if (client && (await this.#add([client.record]))) hasNew = true
        for (const source of this.#ofClient.get(clientId) ?? []) this.#settle(source)
      } catch (err) {
        log.warn({ err, clientId }, 'cannot read which integrations of a client are to listen; retrying')
        this.#nextScanAt = 0
      }
    }
    if (hasNew) this.#tickSoon()
  }

  /** Adds the missing sources of clients. Whether there were any. */
  async #add(records: readonly ClientRecord[]): Promise<boolean> {
    const { sources } = this.#options
    const wanted = records.flatMap((record) =>
      record.integrations.flatMap(({ id, mode }) => (mode === 'listen' ? [{ id, clientId: record.id }] : [])),
    )
    if (wanted.length === 0) return false
    this.#heard += 1
    if (this.#isQuiet) this.#nextBeatAt = 0
    this.#isQuiet = false
    const known = await sources.findAll(wanted.map(({ id }) => id))
    const missing = wanted.filter(({ id }) => !known.has(id))
    await inBatches(missing, ({ id, clientId }) => sources.add(id, clientId))
    return missing.length > 0
  }

  #schedule(ms: number): void {
    if (!this.#isRunning) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tickNow(), ms)
    this.#timer.unref()
  }

  #tickSoon(): void {
    if (this.#ticking) void this.#ticking.then(() => this.#schedule(0))
    else this.#schedule(0)
  }

  #tickNow(): void {
    this.#ticking = this.#tick()
      .then(() => {
        this.#isFailing = false
      })
      .catch((err) => {
        // Once for each outage of the store.
        if (this.#isRunning && !this.#isFailing)
          this.#options.log.warn({ err }, 'cannot look for integrations to listen for; retrying')
        this.#isFailing = true
      })
      .finally(() => {
        this.#ticking = undefined
        this.#schedule(Math.min(TICK_MS, this.#options.beatMs))
      })
  }

  async #tick(): Promise<void> {
    if (this.#owned.size > 0 && !this.#options.heartbeats.isFresh) this.#suspend()
    if (monotonicMs() >= this.#nextBeatAt) await this.#beat()
    if (!this.#isRunning) return
    if (monotonicMs() >= this.#nextScanAt) await this.#scan()
    if (!(this.#isQuiet && this.isNotified)) await this.#takeFree()
    this.#look()
    if (!this.isNotified) this.#compareSome()
  }

  /** What is stored after this is fenced off, so nothing starts before the next heartbeat. */
  #suspend(): void {
    this.#nextBeatAt = 0
    for (const source of this.#owned.values()) source.abort()
  }

  async #beat(): Promise<void> {
    const { heartbeats, sources, beatMs } = this.#options
    this.#nextBeatAt = monotonicMs() + beatMs
    const heard = this.#heard
    // An installation without sources writes nothing, and reads little until it is told of one.
    if (this.#owned.size === 0 && (await sources.list('all', { limit: 1 })).length === 0) {
      this.#isQuiet = heard === this.#heard
      if (this.#isQuiet && this.isNotified) this.#nextBeatAt = monotonicMs() + Math.max(beatMs, QUIET_MS)
      return
    }
    this.#isQuiet = false
    if (!(await heartbeats.beat(this.#owned.size))) this.#dropAll()
    const living = await heartbeats.look()
    await this.#giveUpExcess(living)
  }

  #dropAll(): void {
    this.#options.log.warn({ sources: this.#owned.size }, 'this process was stuck, and others listen now')
    for (const source of this.#owned.values()) source.abort()
    for (const source of [...this.#owned.values()]) this.#drop(source)
  }

  #drop(source: Source): void {
    this.#owned.delete(source.id)
    const ofClient = this.#ofClient.get(source.clientId)
    ofClient?.delete(source)
    if (ofClient?.size === 0) this.#ofClient.delete(source.clientId)
  }

  /** Gives up sources for processes that own less than their share. */
  async #giveUpExcess(living: ReadonlyMap<Id, number>): Promise<void> {
    const excess = this.#owned.size - this.#shareOf(living, 0)
    if (living.size === 0 || excess <= 0) return
    const given = [...this.#owned.values()].slice(-Math.min(excess, GIVEN_UP_AT_ONCE))
    for (const { id } of given) this.#spare.set(id, PATIENCE_LOOKS_AFTER_GIVING_UP)
    await inBatches(given, (source) => this.#giveUp(source))
  }

  async #giveUp(source: Source): Promise<void> {
    this.#drop(source)
    await source.stop()
    await source.free()
  }

  #shareOf(living: ReadonlyMap<Id, number>, free: number): number {
    const others = [...living.values()].reduce((sum, count) => sum + count, 0)
    return Math.ceil((others + this.#owned.size + free) / (living.size + 1))
  }

  /** Takes sources without an owner, up to this process's share, and those that others have left for a while. */
  async #takeFree(): Promise<void> {
    const { heartbeats } = this.#options
    const free = await this.#free()
    if (free.length === 0) return this.#spare.clear()
    if (!heartbeats.isFresh && !(await heartbeats.beat(this.#owned.size))) this.#dropAll()
    const share = this.#shareOf(await heartbeats.look(), free.length)
    const looks = new Map(free.map(({ id }) => [id, this.#spare.get(id) ?? PATIENCE_LOOKS]))
    const left = free.filter(({ id }) => looks.get(id) === 0)
    const mine = shuffled(free).slice(0, Math.max(0, share - this.#owned.size))
    this.#spare = new Map([...looks].map(([id, more]) => [id, more - 1]))
    await inBatches([...new Set([...mine, ...left])], (source) => this.#take(source))
    if (free.length === PAGE && mine.length > 0) this.#nextTick()
  }

  /** Up to a page of sources without an owner, as far as this process has their channels. */
  async #free(): Promise<KeptSource[]> {
    for (let after: Id | undefined; ; ) {
      const page = await this.#options.sources.list('free', { limit: PAGE, ...(after && { after }) })
      const usable = page.filter(({ id }) => !this.#foreign.has(id))
      after = page.at(-1)?.id
      if (usable.length > 0 || page.length < PAGE || !after) return usable
    }
  }

  #nextTick(): void {
    void this.#ticking?.then(() => this.#schedule(0))
  }

  async #take(free: KeptSource): Promise<void> {
    const { sources, heartbeats } = this.#options
    const taken = await sources.write(free, { ...free.data, owner: heartbeats.id })
    if (!taken || !this.#isRunning) return
    const source = new Source(taken, this.#sourceOptions)
    this.#owned.set(source.id, source)
    const ofClient = this.#ofClient.get(source.clientId) ?? new Set()
    this.#ofClient.set(source.clientId, ofClient.add(source))
    this.#settle(source)
  }

  /** Shared by all sources, so that each is small. */
  get #sourceOptions(): SourceOptions {
    this.#shared ??= {
      ...this.#options,
      isOwner: () => this.#isRunning && this.#options.heartbeats.isFresh,
      ended: (source, failure) => this.#ended(source, failure),
    }
    return this.#shared
  }
  #shared: SourceOptions | undefined

  #ended(source: Source, failure: Failure | undefined): void {
    if (this.#owned.get(source.id) !== source) return
    if (source.isLost) return this.#drop(source)
    if (failure) void this.#failed(source, failure)
  }

  async #failed(source: Source, failure: Failure): Promise<void> {
    const { log, now } = this.#options
    const { id, clientId } = source
    source.failures = source.hasHeld ? 1 : source.failures + 1
    const asked = 'retryAfterMs' in failure ? (failure.retryAfterMs ?? 0) : 0
    const delayMs = Math.max(delayAfter(source.failures), Math.min(asked, MAX_DELAY_MS))
    source.nextAt = monotonicMs() + delayMs
    const { kind, message } = failure
    const details = { clientId, source: id, kind, error: message }
    if (source.failures === 1) log.warn(details, 'cannot listen for an integration; retrying')
    else log.debug(details, 'still cannot listen for an integration; retrying')
    const at = now()
    try {
      await source.note(failing(failure, at, new Date(at.getTime() + delayMs)))
      await this.#options.failed?.(clientId, id)
      if (kind === 'auth' && source.credentials !== undefined)
        await this.#options.pause(clientId, { id, credentials: source.credentials }, message)
    } catch (err) {
      log.warn({ err, clientId, source: id }, 'cannot store the state of a source')
    }
  }

  /** Compares a source with the configuration of its integration, and starts, stops or restarts it. */
  #settle(source: Source): void {
    if (this.#settling.has(source)) {
      this.#settling.set(source, true)
      return
    }
    this.#settling.set(source, false)
    source.isSettled = true
    void this.#settleNow(source)
      .catch((err) => {
        source.isSettled = false
        source.nextAt = monotonicMs() + FIRST_DELAY_MS
        this.#options.log.warn({ err, source: source.id }, 'cannot read what a source needs; retrying')
      })
      .finally(() => {
        const isChanged = this.#settling.get(source)
        this.#settling.delete(source)
        if (isChanged) this.#settle(source)
      })
  }

  async #settleNow(source: Source): Promise<void> {
    const wanted = await this.#wanted(source)
    if (!this.#isRunning || this.#owned.get(source.id) !== source) return
    if (wanted === 'gone') return this.#remove(source)
    if (wanted === 'unloaded') {
      this.#foreign.add(source.id)
      return this.#giveUp(source)
    }
    if (wanted === 'resting') {
      source.credentials = undefined
      return source.stop()
    }
    if (source.credentials !== wanted.credentials) {
      await source.stop()
      source.failures = 0
      source.nextAt = 0
    }
    const isMine = this.#isRunning && this.#owned.get(source.id) === source
    if (!isMine || source.isRunning || monotonicMs() < source.nextAt) return
    // It starts once this process surely owns it, after its next heartbeat.
    if (this.#options.heartbeats.isFresh) source.start(wanted)
    else source.isSettled = false
  }

  async #wanted({ id, clientId }: Source): Promise<Listening | 'gone' | 'resting' | 'unloaded'> {
    const { directory, channels } = this.#options
    const client = await directory.find({ id: clientId })
    const record = client?.record.integrations.find((each) => each.id === id)
    const integration = client && integrationIn(client, id)
    if (!integration || record?.mode !== 'listen') return 'gone'
    if (!channels.find(record.channel)) return 'unloaded'
    if (record.status !== 'active' || client?.record.disabled) return 'resting'
    return { integration, credentials: record.config }
  }

  async #remove(source: Source): Promise<void> {
    const { sources, directory } = this.#options
    this.#drop(source)
    await source.stop()
    await sources.remove(source.id)
    // It may have been wanted again in between, by a process that found the source.
    directory.forget(source.clientId)
    this.clientChanged(source.clientId)
  }

  /** Starts attempts that are due, and ends those that do not connect. */
  #look(): void {
    const now = monotonicMs()
    for (const source of this.#owned.values()) {
      if (source.connectBy < now)
        source.abort({ kind: 'transient', message: 'the connection was not accepted in time' })
      else if (isWaiting(source) && source.nextAt <= now) {
        // What another process changed must be known before an attempt.
        this.#options.directory.forget(source.clientId)
        this.#settle(source)
      }
    }
  }

  /** Without notifications: compares some sources with their configuration, each every few seconds. */
  #compareSome(): void {
    if (this.#compared.length === 0) this.#compared = [...this.#owned.keys()]
    const count = Math.min(COMPARED_AT_ONCE, Math.ceil(this.#owned.size / COMPARE_ALL_S))
    for (const id of this.#compared.splice(0, count)) {
      const source = this.#owned.get(id)
      if (source) this.#settle(source)
    }
  }

  /** Adds sources that are missing, and frees those of owners that are unknown. Both are left by processes that ended. */
  async #scan(): Promise<void> {
    const { store, sources, heartbeats } = this.#options
    this.#nextScanAt = monotonicMs() + SCAN_MS * (0.5 + Math.random())
    for (let after: Id | undefined; this.#isRunning; ) {
      const page = await store.listClients({ limit: PAGE, ...(after && { after }) })
      await this.#add(page.filter(({ deletedAt }) => !deletedAt))
      after = page.at(-1)?.id
      if (page.length < PAGE) break
    }
    const known = new Map<Id, boolean>()
    for (let after: Id | undefined; this.#isRunning; ) {
      const page = await sources.list('all', { limit: PAGE, ...(after && { after }) })
      for (const source of page) {
        const { owner } = source.data
        if (owner === undefined) continue
        const isKnown = known.get(owner) ?? (await heartbeats.has(owner))
        known.set(owner, isKnown)
        if (!isKnown) await sources.free(source)
      }
      after = page.at(-1)?.id
      if (!after) break
    }
  }
}

/** Whether an attempt is due at some time. */
const isWaiting = ({ isRunning, isSettled, credentials }: Source): boolean =>
  !isSettled || (!isRunning && credentials !== undefined)

const integrationIn = (client: ClientView, id: Id) =>
  [...client.integrations.values()].find((integration) => integration.id === id)

/** Doubles up to the maximum; a random half of it, so that sources that failed together do not all try at once. */
function delayAfter(failures: number): number {
  const delay = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 20))
  return delay * (0.5 + Math.random() / 2)
}

async function inBatches<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) await Promise.all(items.slice(i, i + AT_ONCE).map(work))
}

function shuffled<T>(items: readonly T[]): T[] {
  const order = items.map((item) => ({ item, at: Math.random() }))
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item)
}
