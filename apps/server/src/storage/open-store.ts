import type { ArchivedStore } from '@plugboard/hub'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'
import type { Metrics } from '../metrics/metrics.js'

/** Opens the store that DATABASE_URL names. @throws UNAVAILABLE, UNAUTHORIZED or CONFLICT as the store does */
export async function openStore(config: Config, metrics?: Metrics): Promise<ArchivedStore> {
  const { kind, place } = databaseOf(config)
  const { cacheSize } = config
  if (kind === 'mongodb') {
    const { openMongoStore } = await import('@plugboard/store-mongodb')
    return openMongoStore({
      url: place,
      cacheSize,
      leaseMs: config.leaseTime,
      ...(metrics && { onCommand: ({ name }) => metrics.command(name) }),
    })
  }
  const { sqliteStore } = await import('@plugboard/store-sqlite')
  return sqliteStore({
    path: place,
    cacheSize,
    ...(metrics && { onBatch: ({ durationMs, writes }) => metrics.committed(durationMs, writes) }),
  })
}
