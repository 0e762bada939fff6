import { type IDBPDatabase, openDB } from 'idb'
import { isJson } from './message.js'
import type { Notice, Queued } from './state.js'

const STORE = 'queue'

/**
 * The messages that wait to be sent, with their files. They survive closing the page. Where storage is blocked, they are
 * kept in memory.
 */
export class Outbox {
  readonly #name: string
  readonly #memory = new Map<string, Queued>()
  /** What is being stored. The database takes a moment, in which the visitor may leave the page. */
  readonly #notes: Notes
  #database: Promise<IDBPDatabase | undefined> | undefined

  constructor(client: string) {
    this.#name = `plugboard:${client}`
    this.#notes = new Notes(`${this.#name}:queue:`)
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
    if (!rest.file) this.#notes.set(rest)
    const database = await this.#open()
    if (!database) return
    try {
      await database.put(STORE, rest)
      this.#notes.remove(queued.clientId)
      if (this.#memory.get(queued.clientId) === rest) this.#memory.delete(queued.clientId)
    } catch {
      // The storage is full.
    }
  }

  /** Changes a message that waits. One that was removed meanwhile stays removed. */
  async replace(queued: Queued): Promise<void> {
    const { progress: _, ...rest } = queued
    const { clientId } = rest
    if (this.#memory.has(clientId)) {
      this.#memory.set(clientId, rest)
      if (!rest.file) this.#notes.set(rest)
    }
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
    this.#notes.remove(clientId)
    await (await this.#open())?.delete(STORE, clientId).catch(() => {})
  }

  async clear(): Promise<void> {
    this.#memory.clear()
    for (const { clientId } of this.#notes.list()) this.#notes.remove(clientId)
    await (await this.#open())?.clear(STORE).catch(() => {})
  }

  async close(): Promise<void> {
    ;(await this.#database)?.close()
  }

  #open(): Promise<IDBPDatabase | undefined> {
    this.#database ??= this.#openOnce()
    return this.#database
  }

  async #openOnce(): Promise<IDBPDatabase | undefined> {
    let database: IDBPDatabase | undefined
    try {
      database = await openDB(this.#name, 1, {
        upgrade: (opened) => void opened.createObjectStore(STORE, { keyPath: 'clientId' }),
      })
    } catch {
      // Storage is blocked.
    }
    for (const queued of this.#notes.list()) await this.#takeOver(queued, database)
    return database
  }

  /** Stores what a page did not live to store. */
  async #takeOver(queued: Queued, database: IDBPDatabase | undefined): Promise<void> {
    const { clientId } = queued
    // It is being stored by this page.
    if (this.#memory.has(clientId)) return
    try {
      if (!database) throw new Error('storage is blocked')
      const { store, done } = database.transaction(STORE, 'readwrite')
      // It may have been stored after all, and changed since then.
      if ((await store.getKey(clientId)) === undefined) await store.put(queued)
      await done
      this.#notes.remove(clientId)
    } catch {
      this.#memory.set(clientId, queued)
    }
  }
}

/** Messages without files in the local storage, which takes them at once. Each under a key of its own: tabs share it. */
class Notes {
  readonly #prefix: string

  constructor(prefix: string) {
    this.#prefix = prefix
  }

  list(): Queued[] {
    try {
      const keys = Object.keys(localStorage).filter((key) => key.startsWith(this.#prefix))
      return keys.flatMap((key) => {
        const note = parseNote(localStorage.getItem(key) ?? '')
        return note && this.#prefix + note.clientId === key ? [note] : []
      })
    } catch {
      return []
    }
  }

  set(queued: Queued): void {
    try {
      localStorage.setItem(this.#prefix + queued.clientId, JSON.stringify(queued))
    } catch {
      // It is blocked or full; the database will do.
    }
  }

  remove(clientId: string): void {
    try {
      localStorage.removeItem(this.#prefix + clientId)
    } catch {
      // It is blocked, so nothing is in it.
    }
  }
}

const NOTICES: readonly Notice[] = ['refused', 'file-too-large', 'file-type', 'failed']

/** Undefined for what is not a message. Other scripts of the page can write to its storage. */
function parseNote(text: string): Queued | undefined {
  let note: unknown
  try {
    note = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isJson(note) || !isJson(note.payload)) return undefined
  const { clientId, createdAt, conversationId, isNewChat, payload, refusal: given } = note
  const { type } = payload
  if (typeof clientId !== 'string' || typeof createdAt !== 'string' || typeof type !== 'string')
    return undefined
  const refusal = NOTICES.find((notice) => notice === given)
  return {
    ...{ clientId, createdAt, payload: { ...payload, type } },
    ...(typeof conversationId === 'string' && { conversationId }),
    ...(isNewChat === true && { isNewChat }),
    ...(refusal && { refusal }),
  }
}
