import { type Id, type Logger, newId } from '@plugboard/core'
import { monotonicMs } from '../delivery/transport.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT, type StoredDocument } from '../ports/stored-document.js'
import type { Sources } from './sources.js'

/** What a process writes every few seconds. */
export interface Heartbeat {
  /** How many sources it owns. */
  sources: number
  /** By its clock, ISO 8601; for people. */
  at: string
  /** Another process has declared it dead, and takes its sources. */
  isLost?: true
}

export interface HeartbeatsOptions {
  store: Store
  sources: Sources
  /** How long a process counts as alive without a new heartbeat, in milliseconds. */
  lostAfterMs: number
  /** Whether no other process can use the store: any other heartbeat is of a process that ended. */
  isAlone: boolean
  log: Logger
  now(): Date
}

const COLLECTION = 'listener'
const PAGE = 100
/** More processes than this do not share one store. */
const MAX_PROCESSES = 1000
/** After how long without a heartbeat a process is shown as stuck; more than clocks differ. */
const SILENT_MS = 60_000
/** Share of the time after which others take over that a process uses itself; the rest is for what is under way. */
const OWN_SHARE = 0.6

/** Heartbeats of the processes that listen: one document each, however many sources a process owns. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions
  /** The name of this process as an owner. It gets a new one if others declared it dead. */
  #id = newId()
  #version = 0
  /** When the last heartbeat that was stored began, by the monotonic clock. */
  #beatAt = Number.NEGATIVE_INFINITY
  /** The version of each other process, and since when it has been unchanged by the monotonic clock of this process. */
  #lookedAt = Number.NEGATIVE_INFINITY
  readonly #seen = new Map<Id, { version: number; since: number }>()

  constructor(options: HeartbeatsOptions) {
    this.#options = options
  }

  get id(): Id {
    return this.#id
  }

  /** Whether this process surely still owns its sources: others have not had the time to declare it dead. */
  get isFresh(): boolean {
    const { isAlone, lostAfterMs } = this.#options
    return isAlone ? this.#version > 0 : monotonicMs() - this.#beatAt < lostAfterMs * OWN_SHARE
  }

  /** Writes a heartbeat. False if others declared this process dead: it owns nothing any more, and has a new id. */
  async beat(sources: number): Promise<boolean> {
    if (this.#options.isAlone && this.#version > 0) return true
    const startedAt = monotonicMs()
    const isAlive = await this.#write(sources)
    if (!isAlive) {
      this.#id = newId()
      this.#version = 0
      await this.#write(0)
    }
    this.#beatAt = startedAt
    return isAlive
  }

  async #write(sources: number): Promise<boolean> {
    const { store, now } = this.#options
    const document = documentOf(this.#id, this.#version + 1, { sources, at: now().toISOString() })
    const isWritten =
      this.#version === 0 ? await store.insertDocument(document) : await store.replaceDocument(document)
    if (isWritten) {
      this.#version += 1
      return true
    }
    // The answer to an earlier write may have been lost.
    const found = await this.#find(this.#id)
    if (!found || heartbeatOf(found).isLost) return false
    this.#version = found.version
    return this.#write(sources)
  }

  /**
   * Reads the heartbeats of all processes: how many sources each living one owns, this one not included. Takes the sources
   * of dead ones from them.
   */
  async look(): Promise<ReadonlyMap<Id, number>> {
    const { store, lostAfterMs, isAlone } = this.#options
    const documents = await store.listDocuments(NO_CLIENT, COLLECTION, { limit: MAX_PROCESSES })
    const now = monotonicMs()
    // While this process could not look, such as in an outage of the store, others may not have been able to write.
    const isLate = now - this.#lookedAt > lostAfterMs
    this.#lookedAt = now
    const living = new Map<Id, number>()
    for (const document of documents) {
      const { id, version } = document
      if (id === this.#id) continue
      const heartbeat = heartbeatOf(document)
      const seen = this.#seen.get(id)
      if (isLate || seen?.version !== version) this.#seen.set(id, { version, since: now })
      const isDead =
        heartbeat.isLost ||
        isAlone ||
        (!isLate && seen?.version === version && now - seen.since > lostAfterMs)
      if (isDead) await this.#bury(document, heartbeat)
      else living.set(id, heartbeat.sources)
    }
    for (const id of this.#seen.keys()) if (!documents.some((each) => each.id === id)) this.#seen.delete(id)
    return living
  }

  /**
   * Marks a process as dead, then frees its sources. The mark comes first: if the process was only frozen, its next
   * heartbeat fails. Another process continues if this one ends in between.
   */
  async #bury(document: StoredDocument, heartbeat: Heartbeat): Promise<void> {
    const { store, log } = this.#options
    const { id, version } = document
    if (!heartbeat.isLost) {
      const mark = documentOf(id, version + 1, { ...heartbeat, isLost: true })
      if (!(await store.replaceDocument(mark))) return
      log.warn(
        { process: id, lastHeartbeat: heartbeat.at },
        'a process ended without giving back what it listened to',
      )
    }
    await this.#freeAllOf(id)
    await store.removeDocument(NO_CLIENT, COLLECTION, id)
  }

  async #freeAllOf(owner: Id): Promise<void> {
    const { sources } = this.#options
    for (let after: Id | undefined; ; ) {
      const page = await sources.list(owner, { limit: PAGE, ...(after && { after }) })
      await Promise.all(page.map((source) => sources.free(source)))
      after = page.at(-1)?.id
      if (!after) return
    }
  }

  /** Whether a process has a heartbeat, however old. */
  async has(id: Id): Promise<boolean> {
    return (await this.#find(id)) !== undefined
  }

  /** Whether a process has ended or is stuck, as far as its heartbeat says. */
  async isSilent(id: Id): Promise<boolean> {
    if (id === this.#id) return false
    if (this.#options.isAlone) return true
    const found = await this.#find(id)
    const heartbeat = found && heartbeatOf(found)
    if (!heartbeat || heartbeat.isLost) return true
    return this.#options.now().getTime() - Date.parse(heartbeat.at) > SILENT_MS
  }

  #find(id: Id): Promise<StoredDocument | undefined> {
    return this.#options.store.findDocument(NO_CLIENT, COLLECTION, { id })
  }

  /** Removes the heartbeat of this process, once it owns nothing any more. */
  async end(): Promise<void> {
    if (this.#version > 0) await this.#options.store.removeDocument(NO_CLIENT, COLLECTION, this.#id)
    this.#beatAt = Number.NEGATIVE_INFINITY
    this.#version = 0
  }
}

const documentOf = (id: Id, version: number, heartbeat: Heartbeat): StoredDocument => ({
  ...{ clientId: NO_CLIENT, collection: COLLECTION, id, version },
  terms: [],
  data: JSON.stringify(heartbeat),
})

const heartbeatOf = ({ data }: StoredDocument): Heartbeat => JSON.parse(data) as Heartbeat
