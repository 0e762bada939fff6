import type { BlobStore } from '@plugboard/hub'
import type { Config } from '../../config/read-config.js'
import { blobFolderOf, openBlobs } from '../open-blobs.js'
import type { CopiedBlobs } from './mark.js'

const AT_ONCE = 100

/** What a copy needs of the settings: both databases with the same `BLOB_PATH`. */
export type BlobPlaces = Pick<Config, 'blobPath' | 'workingFolder'> & { from: string; to: string }

/**
 * Copies the files of clients from where `begun` says; what was copied already is written once more, which changes nothing.
 * Where both databases have one folder, they stay there. Answers how many there are.
 */
export async function copyBlobs(
  { from, to, ...config }: BlobPlaces,
  begun: CopiedBlobs,
  save: (copied: CopiedBlobs) => Promise<void>,
): Promise<CopiedBlobs> {
  const source = { ...config, databaseUrl: from }
  const target = { ...config, databaseUrl: to }
  const folder = blobFolderOf(source)
  const isOne = folder !== undefined && folder === blobFolderOf(target)
  const input = await openBlobs(source)
  try {
    const output = isOne ? undefined : await openBlobs(target)
    try {
      return await transfer(input, output, begun, save)
    } finally {
      await output?.close()
    }
  } finally {
    await input.close()
  }
}

async function transfer(
  input: BlobStore,
  output: BlobStore | undefined,
  begun: CopiedBlobs,
  save: (copied: CopiedBlobs) => Promise<void>,
): Promise<CopiedBlobs> {
  let copied = begun
  for (;;) {
    const { after, count } = copied
    const page = await input.list({ limit: AT_ONCE, ...(after && { after }) })
    for (const { clientId, id } of output ? page : []) {
      const found = await input.open(clientId, id)
      if (!found) continue
      const { body, size: _, ...blob } = found
      await output?.put(blob, body)
    }
    const last = page.at(-1)
    if (last) copied = { count: count + page.length, after: { clientId: last.clientId, id: last.id } }
    await save(copied)
    if (page.length < AT_ONCE) return copied
  }
}
