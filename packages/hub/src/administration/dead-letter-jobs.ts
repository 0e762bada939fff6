import {
  createIdSource,
  type Id,
  isPlugboardError,
  type Logger,
  newId,
  PlugboardError,
} from '@plugboard/core'
import type { ClientView } from '../clients/directory.js'
import type { Deliveries } from '../conversations/deliveries.js'
import { monotonicMs } from '../delivery/transport.js'
import { yieldIfBusy } from '../event-loop.js'
import { type DeadFilter, type DeadSpot, matchesDead } from '../log/dead-letter.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT, type StoredDocument } from '../ports/stored-document.js'
import {
  filterOf,
  type Job,
  type JobData,
  type JobState,
  type NewJob,
  toJob,
  toStoredFilter,
} from './dead-letter-job.js'
import { JobRun } from './dead-letter-job-run.js'
import { insist } from './insist.js'

export interface JobsOptions {
  store: Store
  deliveries: Pick<Deliveries, 'replay' | 'discard'>
  findClient(id: Id): Promise<ClientView | undefined>
  /** How long a process counts as alive without writing anything to its job, in milliseconds. */
  lostAfterMs: number
  /** No other process can use the store: any other owner has ended. */
  isAlone: boolean
  /** How long a job keeps others from its place, in milliseconds. For tests. */
  turnMs?: number
  log: Logger
  now(): Date
}

const COLLECTION = 'job'
const RUNNING = 'running'
const ofClient = (clientId: Id): string => `client ${clientId}`
const runningOf = (clientId: Id): string => `running ${clientId}`

/** How often a process looks for jobs that nobody does. */
const LOOK_MS = 2_000
/** The same while there are none: whoever starts one does it, and others only take it over. */
const QUIET_MS = 6_000
/** Jobs that one process does at the same time. Where there are more, they take turns. */
const AT_ONCE = 4
const TURN_MS = 10_000
/** Jobs of one client that run or wait for their turn. */
const MAX_RUNNING = 20
/** When to try again, with more of them. */
const RETRY_MS = 5_000
/** Share of the time after which others take over that a process uses itself; the rest is for what is under way. */
const OWN_SHARE = 0.6
const BEATS = 15
/** Of the last write of a job, which a process that stops waits for. */
const LAST_TRIES = 5
const LAST_PAUSE_MS = 500
const PAGE = 500
/** Dead letters that a count looks at. */
const MAX_LOOKS = 200_000
/** How long a job that has ended is kept. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000

/** A job of this process, as it was last written. */
interface Own {
  version: number
  data: JobData
  /** By the monotonic clock. */
  takenAt: number
  abort: AbortController
  run: JobRun | undefined
  client: ClientView | undefined
  /** A write of its progress. */
  beating: Promise<void> | undefined
  /** When the last write that was stored began, by the monotonic clock. */
  beatAt: number
  ended: Promise<void>
}

/**
 * Jobs about many dead letters, in the background. A job is a document. The process that does it writes its progress
 * there every second; if another one sees it unchanged for `lostAfterMs`, it takes over, by compare-and-set.
 */
export class Jobs {
  readonly #options: JobsOptions
  readonly #owner = newId()
  readonly #newId: () => Id
  readonly #own = new Map<Id, Own>()
  /** Running jobs of others: the version, and since when it has been unchanged by the monotonic clock. */
  readonly #seen = new Map<Id, { version: number; since: number }>()
  /** When this process last did a running job, by the monotonic clock. */
  readonly #turns = new Map<Id, number>()
  /** Jobs of each client that are about to begin. */
  readonly #beginning = new Map<Id, number>()
  /** By the monotonic clock: no look before that is needed. */
  #lookAt = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #isStopping = false

  constructor(options: JobsOptions) {
    this.#options = options
    this.#newId = createIdSource(() => options.now().getTime())
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (monotonicMs() >= this.#lookAt) void this.look()
    }, LOOK_MS)
    this.#timer.unref()
    void this.look()
  }

  /** Gives back what this process does. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#timer)
    await this.#looking
    for (const { abort } of this.#own.values()) abort.abort()
    await Promise.all([...this.#own.values()].map(({ ended }) => ended))
  }

  /** Dead letters that match now. `isMore`: there may be more, since it looks at a limited number. */
  async count(client: ClientView, filter: DeadFilter): Promise<{ count: number; isMore: boolean }> {
    const { store } = this.#options
    let count = 0
    let looked = 0
    for (let after: DeadSpot | undefined; ; ) {
      const turn = yieldIfBusy()
      if (turn) await turn
      const refs = await store.walkDead(client.id, { limit: PAGE, ...(after && { after }) })
      for (const ref of refs) if (matchesDead(ref, filter)) count += 1
      looked += refs.length
      after = refs.at(-1)
      if (!after || refs.length < PAGE) return { count, isMore: false }
      if (looked >= MAX_LOOKS) return { count, isMore: true }
    }
  }

  /** Starts a job. @throws RATE_LIMITED while many of the client run */
  create(client: ClientView, wanted: NewJob): Promise<Job> {
    return this.#withRoom(client, () => this.#create(client, wanted))
  }

  /** Those that begin at the same time count. @throws RATE_LIMITED */
  async #withRoom(client: ClientView, begin: () => Promise<Job>): Promise<Job> {
    const others = this.#beginning.get(client.id) ?? 0
    this.#beginning.set(client.id, others + 1)
    try {
      const range = { term: runningOf(client.id), limit: MAX_RUNNING }
      const running = await this.#options.store.listDocuments(NO_CLIENT, COLLECTION, range)
      if (running.length + others < MAX_RUNNING) return await begin()
      const message = `${MAX_RUNNING} jobs of this client run already: stop one, or wait for its end`
      throw new PlugboardError('RATE_LIMITED', message, { retryAfterMs: RETRY_MS })
    } finally {
      const left = (this.#beginning.get(client.id) ?? 1) - 1
      if (left > 0) this.#beginning.set(client.id, left)
      else this.#beginning.delete(client.id)
    }
  }

  async #create(client: ClientView, { filter, ...job }: NewJob): Promise<Job> {
    const { now, store } = this.#options
    const at = now()
    const until = filter.until && filter.until < at ? filter.until : at
    const bounded = { ...filter, until }
    const { count: total, isMore } = await this.count(client, bounded)
    const data: JobData = {
      ...job,
      ...{ clientId: client.id, filter: toStoredFilter(bounded), state: 'running', total, isMore },
      ...{ done: 0, failed: 0, waiting: 0, createdAt: at.toISOString() },
    }
    const id = this.#newId()
    await store.insertDocument(documentOf(id, 1, data))
    if (this.#timer) void this.look()
    return toJob(id, data)
  }

  /** Newest first. `before`: the last one of the previous page. */
  async list(
    { id: clientId }: ClientView,
    { limit, before }: { limit: number; before?: Id | undefined },
  ): Promise<Job[]> {
    const page = { limit, fromEnd: true, term: ofClient(clientId), ...(before && { before }) }
    const documents = await this.#options.store.listDocuments(NO_CLIENT, COLLECTION, page)
    return documents.reverse().map((document) => this.#view(document))
  }

  /** @throws NOT_FOUND */
  async get(client: ClientView, id: Id): Promise<Job> {
    return this.#view(await this.#find(client, id))
  }

  /** What is under way is done. Nothing happens to a job that has ended. @throws NOT_FOUND */
  stopJob(client: ClientView, id: Id): Promise<Job> {
    return this.#change(client, id, (data) =>
      data.state === 'running' ? ended(data, 'stopped', this.#now) : data,
    )
  }

  /** Continues a job that was stopped or failed. @throws NOT_FOUND, CONFLICT if it is done, RATE_LIMITED */
  async resume(client: ClientView, id: Id): Promise<Job> {
    const known = await this.get(client, id)
    if (known.state === 'running') return known
    const job = await this.#withRoom(client, () =>
      this.#change(client, id, (data) => {
        if (data.state === 'done') throw new PlugboardError('CONFLICT', 'the job is done')
        if (data.state === 'running') return data
        const { endedAt: _, error: __, owner: ___, ...rest } = data
        return { ...rest, state: 'running' }
      }),
    )
    if (this.#timer) void this.look()
    return job
  }

  /** Removes jobs that ended long ago, while `mayGoOn` returns true. */
  async purge(mayGoOn: () => boolean): Promise<void> {
    const { now, store } = this.#options
    for (let after: Id | undefined; mayGoOn(); ) {
      const page = await store.listDocuments(NO_CLIENT, COLLECTION, { limit: 100, ...(after && { after }) })
      for (const document of page) {
        const { endedAt, createdAt, clientId } = dataOf(document)
        // Ids are in the order of time: no other one is that old.
        if (now().getTime() - Date.parse(createdAt) < KEPT_MS) return
        const isOld = endedAt !== undefined && now().getTime() - Date.parse(endedAt) > KEPT_MS
        const isOrphan = (await this.#options.findClient(clientId)) === undefined
        if (isOld || isOrphan) await store.removeDocument(NO_CLIENT, COLLECTION, document.id)
      }
      after = page.at(-1)?.id
      if (!after) return
    }
  }

  /** Takes jobs that nobody does. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((err) => {
        if (!this.#isStopping) this.#options.log.warn({ err }, 'cannot look for jobs; trying again')
      })
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  async #look(): Promise<void> {
    const documents = await this.#running()
    this.#lookAt = documents.length > 0 ? 0 : monotonicMs() + QUIET_MS - LOOK_MS / 2
    const ids = new Set(documents.map(({ id }) => id))
    for (const known of [this.#seen, this.#turns])
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    const open = new Set(documents.filter((each) => !this.#own.has(each.id) && this.#isLost(each)))
    while (open.size > 0 && !this.#isStopping) {
      if (this.#own.size >= AT_ONCE) return this.#endTurn()
      const next = [...open].reduce((one, other) => (this.#isBefore(other, one) ? other : one))
      open.delete(next)
      await this.#take(next)
    }
  }

  async #running(): Promise<StoredDocument[]> {
    const found: StoredDocument[] = []
    for (let after: Id | undefined; ; ) {
      const range = { limit: PAGE, term: RUNNING, ...(after && { after }) }
      const page = await this.#options.store.listDocuments(NO_CLIENT, COLLECTION, range)
      found.push(...page)
      after = page.at(-1)?.id
      if (!after) return found
    }
  }

  /** The client of which the fewest jobs are done comes first, and then the job that waited longest. */
  #isBefore(one: StoredDocument, other: StoredDocument): boolean {
    const own = [...this.#own.values()].map(({ data }) => data.clientId)
    const countOf = (document: StoredDocument): number => {
      const { clientId } = dataOf(document)
      return own.filter((each) => each === clientId).length
    }
    const turnOf = ({ id }: StoredDocument): number => this.#turns.get(id) ?? 0
    return (countOf(one) - countOf(other) || turnOf(one) - turnOf(other)) < 0
  }

  /** Others wait: the job that was done longest gives its place, if it had its turn. It goes on later. */
  #endTurn(): void {
    const { turnMs = TURN_MS } = this.#options
    const [longest] = [...this.#own.values()].sort((a, b) => a.takenAt - b.takenAt)
    if (longest && monotonicMs() - longest.takenAt >= turnMs) longest.abort.abort()
  }

  /** Whether nobody does the job. */
  #isLost(document: StoredDocument): boolean {
    const { lostAfterMs, isAlone } = this.#options
    const { owner } = dataOf(document)
    if (owner === undefined || owner === this.#owner || isAlone) return true
    const { id, version } = document
    const now = monotonicMs()
    const seen = this.#seen.get(id)
    if (seen?.version === version) return now - seen.since > lostAfterMs
    this.#seen.set(id, { version, since: now })
    return false
  }

  async #take(document: StoredDocument): Promise<void> {
    const { store, findClient, log } = this.#options
    const beatAt = monotonicMs()
    const { id } = document
    const data = { ...dataOf(document), owner: this.#owner }
    const version = document.version + 1
    if (!(await store.replaceDocument(documentOf(id, version, data)))) return
    this.#seen.delete(id)
    this.#turns.set(id, beatAt)
    const client = await findClient(data.clientId)
    const own: Own = {
      ...{ version, data, beatAt, takenAt: beatAt, client, abort: new AbortController() },
      ...{ run: undefined, beating: undefined, ended: Promise.resolve() },
    }
    this.#own.set(id, own)
    own.ended = this.#do(id, own, client)
      .catch((err) => log.error({ err, job: id }, 'a job ended unexpectedly'))
      .finally(() => {
        this.#own.delete(id)
        if (this.#timer && !this.#isStopping) void this.look()
      })
  }

  async #do(id: Id, own: Own, client: ClientView | undefined): Promise<void> {
    if (!client) return this.#end(id, own, { state: 'failed', error: 'the client was deleted' })
    const beats = setInterval(() => this.#beat(id, own), Math.min(1000, this.#options.lostAfterMs / BEATS))
    const isNew = own.version === 2
    try {
      if (!isNew) {
        own.data = { ...own.data, failed: 0 }
        await this.#recount(own, client)
      }
      own.run = new JobRun({
        ...{ store: this.#options.store, deliveries: this.#options.deliveries },
        client: () => own.client ?? client,
        job: { ...own.data, filter: filterOf(own.data) },
        signal: own.abort.signal,
        owned: () => this.#owned(own),
        done: () => {
          own.data = { ...own.data, done: own.data.done + 1 }
        },
        failed: () => {
          own.data = { ...own.data, failed: own.data.failed + 1 }
        },
      })
      await own.run.run()
      if (!isNew) await this.#recount(own, client)
      clearInterval(beats)
      await own.beating
      if (own.abort.signal.aborted) return await this.#tryHard(() => this.#giveBack(id, own))
      await this.#end(id, own, { state: 'done' })
    } catch (err) {
      clearInterval(beats)
      await own.beating
      this.#options.log.warn({ err, job: id }, 'a job failed')
      await this.#end(id, own, { state: 'failed', error: reasonOf(err) })
    }
  }

  /** What an earlier owner did may not all be written down, and what it had under way may end after it. */
  async #recount(own: Own, client: ClientView): Promise<void> {
    const { total, isMore, done } = own.data
    const left = await insist(() => this.count(client, filterOf(own.data)), own.abort.signal)
    if (left && !isMore && !left.isMore) own.data = { ...own.data, done: Math.max(done, total - left.count) }
  }

  /** Resolves when this process surely owns the job, or when it is to end. */
  async #owned(own: Own): Promise<void> {
    const { isAlone, lostAfterMs } = this.#options
    const isFresh = () => isAlone || monotonicMs() - own.beatAt < lostAfterMs * OWN_SHARE
    while (!isFresh() && !own.abort.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 50).unref())
  }

  /** Writes the progress. Ends what somebody else stopped or took. */
  #beat(id: Id, own: Own): void {
    own.beating ??= this.#progress(id, own).finally(() => {
      own.beating = undefined
    })
  }

  async #progress(id: Id, own: Own): Promise<void> {
    if (own.abort.signal.aborted) return
    try {
      if (!(await this.#write(id, own))) return own.abort.abort()
      own.client = await this.#options.findClient(own.data.clientId)
      if (!own.client) own.abort.abort()
    } catch {
      // The store cannot be reached. The job waits when that takes too long, see `#owned`.
    }
  }

  /** False if it was changed by somebody else, and is not to be done by this process any more. */
  async #write(id: Id, own: Own): Promise<boolean> {
    const { store } = this.#options
    const beatAt = monotonicMs()
    const isRunning = own.data.state === 'running'
    const data = { ...own.data, waiting: isRunning ? (own.run?.waiting ?? 0) : 0 }
    const version = own.version + 1
    if (await store.replaceDocument(documentOf(id, version, data))) {
      own.version = version
      own.beatAt = beatAt
      return true
    }
    // The answer to an earlier write may have been lost.
    const found = await store.findDocument(NO_CLIENT, COLLECTION, { id })
    const now = found && dataOf(found)
    if (now?.owner !== this.#owner || now.state !== 'running' || found?.version !== own.version + 1)
      return false
    own.version = found.version
    return this.#write(id, own)
  }

  async #end(id: Id, own: Own, { state, error }: { state: JobState; error?: string }): Promise<void> {
    const { owner: _, ...data } = ended(own.data, state, this.#now)
    own.data = { ...data, ...(error !== undefined && { error }) }
    await this.#tryHard(() => this.#write(id, own))
  }

  /** Its process stops, or somebody stopped the job: then its progress is added to what that one wrote. */
  async #giveBack(id: Id, own: Own): Promise<void> {
    const { store } = this.#options
    const found = await store.findDocument(NO_CLIENT, COLLECTION, { id })
    if (!found) return
    const now = dataOf(found)
    if (now.owner !== this.#owner) return
    const { owner: _, ...data } = now
    const { done, failed } = own.data
    await store.replaceDocument(documentOf(id, found.version + 1, { ...data, done, failed, waiting: 0 }))
  }

  /** The last write of a job. If it fails for good, whoever takes the job goes on, and may find nothing left to do. */
  async #tryHard(write: () => Promise<unknown>): Promise<void> {
    for (let tries = 0; tries < LAST_TRIES; tries += 1) {
      try {
        await write()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, LAST_PAUSE_MS).unref())
      }
    }
  }

  readonly #now = (): Date => this.#options.now()

  /** With the progress of this process, which is newer. */
  #view(document: StoredDocument): Job {
    const own = this.#own.get(document.id)
    const data = dataOf(document)
    if (!own || data.state !== 'running') return toJob(document.id, data)
    const { done, failed } = own.data
    return toJob(document.id, { ...data, done, failed, waiting: own.run?.waiting ?? 0 })
  }

  /** @throws NOT_FOUND */
  async #find(client: ClientView, id: Id): Promise<StoredDocument> {
    const document = await this.#options.store.findDocument(NO_CLIENT, COLLECTION, { id })
    if (document && dataOf(document).clientId === client.id) return document
    throw new PlugboardError('NOT_FOUND', 'job not found')
  }

  async #change(client: ClientView, id: Id, change: (data: JobData) => JobData): Promise<Job> {
    for (;;) {
      const document = await this.#find(client, id)
      const own = this.#own.get(id)
      const known = dataOf(document)
      const data = own ? { ...known, done: own.data.done, failed: own.data.failed } : known
      const next = change(data)
      if (next === data) return this.#view(document)
      if (!(await this.#options.store.replaceDocument(documentOf(id, document.version + 1, next)))) continue
      if (next.state !== 'running') own?.abort.abort()
      return toJob(id, next)
    }
  }
}

const ended = (data: JobData, state: JobState, now: () => Date): JobData => ({
  ...data,
  state,
  waiting: 0,
  endedAt: now().toISOString(),
})

/** The words of other errors may have what is nobody's business, such as addresses of the database. */
const reasonOf = (error: unknown): string =>
  isPlugboardError(error) && error.code !== 'INTERNAL'
    ? error.message
    : 'an internal error, which is in the log of the server'

const dataOf = ({ data }: StoredDocument): JobData => JSON.parse(data) as JobData

const documentOf = (id: Id, version: number, data: JobData): StoredDocument => ({
  ...{ clientId: NO_CLIENT, collection: COLLECTION, id, version },
  terms: [ofClient(data.clientId), ...(data.state === 'running' ? [RUNNING, runningOf(data.clientId)] : [])],
  data: JSON.stringify(data),
})
