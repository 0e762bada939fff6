import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Store } from '@plugboard/hub'
import type { Config } from './config.js'
import type { Metrics } from './metrics.js'

/** The file that a `file:` URL names; a relative one starts at the working folder. */
export function databaseFile({
  databaseUrl,
  workingFolder,
}: Pick<Config, 'databaseUrl' | 'workingFolder'>): string {
  if (databaseUrl.startsWith('file://')) return fileURLToPath(databaseUrl)
  return resolve(workingFolder, databaseUrl.slice('file:'.length))
}

/** Opens the store that DATABASE_URL names; the setting lets only schemes through that are known here. */
export async function openStore(config: Config, metrics?: Metrics): Promise<Store> {
  const { sqliteStore } = await import('@plugboard/store-sqlite')
  return sqliteStore({
    path: databaseFile(config),
    cacheSize: config.cacheSize,
    ...(metrics && { onBatch: ({ durationMs, writes }) => metrics.committed(durationMs, writes) }),
  })
}
