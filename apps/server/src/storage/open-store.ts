import { isPlugboardError, PlugboardError } from '@plugboard/core'
import type { ArchivedStore } from '@plugboard/hub'
import { databaseOf } from '../config/database.js'
import { ATTEMPTS_PER_LEASE, type Config } from '../config/read-config.js'
import type { Metrics } from '../metrics/metrics.js'
import { preload } from '../preload.js'

/** Long enough for every webhook format's own time limit. */
const MIN_LEASE_MS = 60_000

/** As {@link openStore}, for a command. Its error names what the operator has to check. */
export async function openForCommand(config: Config): Promise<ArchivedStore> {
  try {
    return await openStore(config)
  } catch (error) {
    if (databaseOf(config).kind !== 'mongodb' || !isPlugboardError(error, 'UNAVAILABLE')) throw error
    const hint = 'check that it runs and that DATABASE_URL is its address'
    throw new PlugboardError('UNAVAILABLE', `${error.message}; ${hint}`, { cause: error.cause })
  }
}

/** Opens the store that DATABASE_URL names. @throws UNAVAILABLE, UNAUTHORIZED or CONFLICT as the store does */
export async function openStore(config: Config, metrics?: Metrics): Promise<ArchivedStore> {
  const { kind, place } = databaseOf(config)
  const { cacheSize } = config
  if (kind === 'mongodb') {
    preload('@plugboard/store-mongodb')
    const { openMongoStore } = await import('@plugboard/store-mongodb')
    return openMongoStore({
      url: place,
      cacheSize,
      leaseMs: config.leaseTime,
      ...(metrics && { onCommand: ({ name }) => metrics.command(name) }),
    })
  }
  preload('@plugboard/store-sqlite')
  const { sqliteStore } = await import('@plugboard/store-sqlite')
  return sqliteStore({
    path: place,
    cacheSize,
    // Nobody waits for the end of a lease here, since a new process voids those of the one before.
    leaseMs: Math.max(MIN_LEASE_MS, ATTEMPTS_PER_LEASE * config.webhookTimeout),
    ...(metrics && { onBatch: ({ durationMs, writes }) => metrics.committed(durationMs, writes) }),
  })
}
