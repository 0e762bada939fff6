import { PlugboardError } from '@plugboard/core'
import type { Entry } from '../log/entry.js'
import type { Store } from '../ports/store.js'
import { appendMethods } from './memory-store/append.js'
import { attemptMethods } from './memory-store/attempts.js'
import { clientMethods } from './memory-store/clients.js'
import { conversationMethods } from './memory-store/conversations.js'
import { counterMethods } from './memory-store/counters.js'
import { Database, type Methods } from './memory-store/database.js'
import { deliveryMethods } from './memory-store/deliveries.js'
import { documentMethods } from './memory-store/documents.js'
import { endpointMethods } from './memory-store/endpoints.js'
import { entryMethods } from './memory-store/entries.js'
import { idempotencyKeyMethods } from './memory-store/idempotency-keys.js'
import { listMethods } from './memory-store/lists.js'
import { metaMethods } from './memory-store/meta.js'
import { pullMethods } from './memory-store/pull-lanes.js'
import { purgeMethods } from './memory-store/purge.js'
import { queueMethods } from './memory-store/queues.js'
import type { Owner, Stream } from './memory-store/stream.js'

/** The clock of a database in memory, and its leases. */
export interface MemoryDatabaseOptions {
  /** The clock of the database. Default: the system's. */
  now?(): Date
  /** How long a lease lasts, in milliseconds, unless it is renewed. Default: 30 seconds. */
  leaseMs?: number
}

/** All that a database would keep. Any number of handles may be open on it. */
export interface MemoryDatabase {
  /**
   * Opens a handle, as a process does: an owner of leases. Closing it, or no longer using it, ends none of its leases
   * before their time.
   */
  open(): Store
  /** Every stream, for tests to inspect. It is no copy: read it at once, and change nothing. */
  streams(): readonly StreamView[]
  /** The named texts of the whole store, in the same way. */
  meta(): ReadonlyMap<string, string>
}

/** A stream with its entries, how far its deliveries are, and who holds it. */
export type StreamView = Readonly<Omit<Stream, 'entries'>> & { readonly entries: readonly Entry[] }

const LEASE_MS = 30_000

/**
 * A store in memory that keeps every rule of the port in the plainest way: read it before you write a store of your own.
 * It is for tests: nothing is on disk, and nothing is fast.
 *
 * Start with `database.ts` and `stream.ts`, which say what is kept. Then read `append.ts`, `leases.ts` and
 * `deliveries.ts`. Each of the other files can be read alone.
 *
 * Every method has its whole effect at the call, and then returns a resolved promise. That includes a mark, which moves
 * the end of the lease in the object of the caller: a test that delays or loses answers has to pass a copy of it.
 *
 * ```ts
 * const database = memoryDatabase()
 * const store = database.open()
 * ```
 */
export function memoryDatabase({
  now = () => new Date(),
  leaseMs = LEASE_MS,
}: MemoryDatabaseOptions = {}): MemoryDatabase {
  const database = new Database(now, leaseMs)
  let handles = 0
  return {
    open() {
      handles += 1
      return openHandle(database, handles)
    },
    streams: () => [...database.streams.values()],
    meta: () => database.meta,
  }
}

function openHandle(database: Database, owner: Owner): Store {
  let isOpen = true
  /** An answer is a copy, as if it came over a network. Other handles are notified once all changes are made. */
  const asynchronous =
    <Input extends unknown[], Answer>(method: (...input: Input) => Answer) =>
    async (...input: Input): Promise<Answer> => {
      if (!isOpen) throw new PlugboardError('UNAVAILABLE', 'this store was closed')
      const answer = structuredClone(method(...input))
      database.publish(owner)
      return answer
    }
  const methods = Object.entries(methodsOf(database, owner)).map(([name, method]) => [
    name,
    asynchronous(method as (...input: unknown[]) => unknown),
  ])
  return {
    ...(Object.fromEntries(methods) as Omit<Store, 'watch' | 'watchAppends' | 'close'>),
    async watch(watcher) {
      database.watchers.set(owner, watcher)
      return { isInstant: true }
    },
    async watchAppends(isWanted) {
      if (isWanted) database.followers.add(owner)
      else database.followers.delete(owner)
      return true
    },
    async close() {
      isOpen = false
      database.watchers.delete(owner)
      database.followers.delete(owner)
    },
  }
}

const methodsOf = (database: Database, owner: Owner): Methods => ({
  ...metaMethods(database),
  ...clientMethods(database),
  ...idempotencyKeyMethods(database),
  ...counterMethods(database),
  ...documentMethods(database),
  ...appendMethods(database, owner),
  ...entryMethods(database),
  ...conversationMethods(database, owner),
  ...endpointMethods(database, owner),
  ...deliveryMethods(database, owner),
  ...attemptMethods(database),
  ...queueMethods(database),
  ...pullMethods(database),
  ...purgeMethods(database),
  ...listMethods(database),
})
