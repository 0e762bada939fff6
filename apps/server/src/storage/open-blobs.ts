import { resolve } from 'node:path'
import type { BlobStore } from '@plugboard/hub'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'

type Place = Pick<Config, 'blobPath' | 'databaseUrl' | 'workingFolder'>

/** Where files of clients are kept; undefined: in the database. */
export function blobFolderOf(config: Place): string | undefined {
  const { kind, place } = databaseOf(config)
  if (config.blobPath !== undefined) return resolve(config.workingFolder, config.blobPath)
  // Not in one folder for all databases there: each is copied, and removed, with its own.
  return kind === 'sqlite' ? `${place}.blobs` : undefined
}

/** Opens what files of clients are kept in. @throws UNAVAILABLE or UNAUTHORIZED as the store does */
export async function openBlobs(config: Place): Promise<BlobStore> {
  const path = blobFolderOf(config)
  if (path !== undefined) {
    const { localBlobs } = await import('./local-blobs.js')
    return localBlobs({ path })
  }
  const { openMongoBlobs } = await import('@plugboard/store-mongodb')
  return openMongoBlobs({ url: databaseOf(config).place })
}
