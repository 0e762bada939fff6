import type { ArchivedStore } from '@plugboard/hub'
import { DatabaseClock } from './database/clock.js'
import { connect } from './database/connection.js'
import { toOpenError } from './database/failure.js'
import { migrate } from './database/migrations.js'
import { modelsOf } from './database/schemas.js'
import { Backfill } from './lists/backfill.js'
import { MongoStore } from './mongo-store.js'
import { partsOf } from './parts.js'

export interface MongoStoreOptions {
  /** `mongodb://…` or `mongodb+srv://…`, with the name of the database. */
  url: string
  /** Migrates the schema when the store opens. False: refuses a database with an older schema. Default: true. */
  migrate?: boolean
  /**
   * How replicas learn of changes. `auto`: change streams if the server has them (a replica set or a sharded cluster).
   * `polling`: no change streams. Default: `auto`.
   */
  wakeUps?: 'auto' | 'polling'
  /**
   * Length of a lease in milliseconds: the delay of deliveries after a process was killed. One attempt to deliver may
   * take a third of it. Default: 30,000.
   */
  leaseMs?: number
  /** How long a call waits for a primary before it fails, in milliseconds. Default: 5,000. */
  selectionTimeoutMs?: number
  /** Streams whose unchanging part (whose it is, where it lives) is kept in memory. Default: 20,000. */
  cacheSize?: number
  /** Clock for leases. Default: the system clock. */
  now?: () => Date
  /** Called for each command sent to the server. For metrics and tests. */
  onCommand?: (command: { name: string; body: Readonly<Record<string, unknown>> }) => void
}

/**
 * Opens a store on MongoDB with its own connection. Any number of processes may have it open.
 * @throws UNAVAILABLE when there is no primary within the time, UNAUTHORIZED when the credentials are refused, CONFLICT
 * when a newer Plugboard wrote the database, or it is not up to date and may not be changed
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<ArchivedStore> {
  const { url, selectionTimeoutMs = 5000, leaseMs = 30_000, cacheSize = 20_000, onCommand } = options
  const now = options.now
  const clock = new DatabaseClock(now ? () => now().getTime() : Date.now)
  const monitorCommands = onCommand !== undefined
  const { connection, hasChangeStreams } = await connect({ url, selectionTimeoutMs, monitorCommands }, clock)
  try {
    const models = modelsOf(connection)
    await migrate(connection, models, options.migrate ?? true)
    if (onCommand) {
      connection
        .getClient()
        .on('commandStarted', ({ commandName: name, command: body }) => onCommand({ name, body }))
    }
    const isInstant = hasChangeStreams && options.wakeUps !== 'polling'
    const backfill = new Backfill(connection, models)
    await backfill.start(options.migrate ?? true)
    const parts = partsOf(models, clock, { leaseMs, cacheSize })
    return new MongoStore(connection, clock, parts, { isInstant, backfill })
  } catch (error) {
    await connection.close().catch(() => undefined)
    throw toOpenError(error)
  }
}
