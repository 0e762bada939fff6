import { resolve } from 'node:path'
import type { BlobStore } from '@plugboard/hub'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'

type Place = Pick<Config, 'blobPath' | 'databaseUrl' | 'workingFolder'>

/** Folder of uploaded files; undefined if they are in the database. */
export function blobFolderOf(config: Place): string | undefined {
  const { kind, place } = databaseOf(config)
  if (config.blobPath !== undefined) return resolve(config.workingFolder, config.blobPath)
  // One folder per database, so that it can be copied and removed with its database.
  return kind === 'sqlite' ? `${place}.blobs` : undefined
}

/** Opens the storage of uploaded files. @throws UNAVAILABLE or UNAUTHORIZED as the store does */
export async function openBlobs(config: Place): Promise<BlobStore> {
  const path = blobFolderOf(config)
  if (path !== undefined) {
    const { localBlobs } = await import('./local-blobs.js')
    return localBlobs({ path })
  }
  const { openMongoBlobs } = await import('@plugboard/store-mongodb')
  return openMongoBlobs({ url: databaseOf(config).place })
}
