import { type IDBPDatabase, openDB } from 'idb'
import type { Queued } from './state.js'

const STORE = 'queue'

/**
 * The messages that wait to be sent, with their files. They survive closing the page. Where storage is blocked, they are
 * kept in memory.
 */
export class Outbox {
  readonly #name: string
  readonly #memory = new Map<string, Queued>()
  #database: Promise<IDBPDatabase | undefined> | undefined

  constructor(client: string) {
    this.#name = `plugboard:${client}`
  }

  /** In the order in which they were written, which their ids begin with. */
  async list(): Promise<Queued[]> {
    const database = await this.#open()
    const stored: Queued[] = database ? await database.getAll(STORE).catch(() => []) : []
    const all = new Map([...stored, ...this.#memory.values()].map((queued) => [queued.clientId, queued]))
    return [...all.values()].sort((a, b) => (a.clientId < b.clientId ? -1 : 1))
  }

  async put(queued: Queued): Promise<void> {
    const { progress: _, ...rest } = queued
    // Until it is stored, it is here: a list that was asked for before has it too.
    this.#memory.set(queued.clientId, rest)
    const database = await this.#open()
    if (!database) return
    try {
      await database.put(STORE, rest)
      if (this.#memory.get(queued.clientId) === rest) this.#memory.delete(queued.clientId)
    } catch {
      // The storage is full.
    }
  }

  /** Changes a message that waits. One that was removed meanwhile stays removed. */
  async replace(queued: Queued): Promise<void> {
    const { progress: _, ...rest } = queued
    const { clientId } = rest
    if (this.#memory.has(clientId)) this.#memory.set(clientId, rest)
    const database = await this.#open()
    if (!database) return
    try {
      const { store, done } = database.transaction(STORE, 'readwrite')
      if ((await store.getKey(clientId)) !== undefined) await store.put(rest)
      await done
    } catch {
      // The storage is full.
    }
  }

  async remove(clientId: string): Promise<void> {
    this.#memory.delete(clientId)
    await (await this.#open())?.delete(STORE, clientId).catch(() => {})
  }

  async clear(): Promise<void> {
    this.#memory.clear()
    await (await this.#open())?.clear(STORE).catch(() => {})
  }

  async close(): Promise<void> {
    ;(await this.#database)?.close()
  }

  #open(): Promise<IDBPDatabase | undefined> {
    this.#database ??= this.#openOnce().catch(() => undefined)
    return this.#database
  }

  async #openOnce(): Promise<IDBPDatabase> {
    return openDB(this.#name, 1, {
      upgrade: (database) => void database.createObjectStore(STORE, { keyPath: 'clientId' }),
    })
  }
}
