import type { Id } from '@plugboard/core'
import type { BlobInfo, BlobOwner, BlobStore, NewBlob } from '../../src/ports/blob-store.js'

/** Blobs of a test. */
export class MemoryBlobs implements BlobStore {
  readonly #blobs = new Map<string, { info: BlobInfo; bytes: Buffer }>()

  async put(blob: NewBlob, body: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const pieces: Uint8Array[] = []
    for await (const piece of body) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    const info = { ...blob, size: bytes.byteLength }
    this.#blobs.set(`${blob.clientId} ${blob.id}`, { info, bytes })
    return info
  }

  async open(clientId: Id, id: Id) {
    const found = this.#blobs.get(`${clientId} ${id}`)
    return found && { ...found.info, body: only(found.bytes) }
  }

  async remove(clientId: Id, id: Id): Promise<number | undefined> {
    const key = `${clientId} ${id}`
    const size = this.#blobs.get(key)?.info.size
    this.#blobs.delete(key)
    return size
  }

  async removeAll({ clientId, conversationId }: BlobOwner): Promise<number> {
    let bytes = 0
    for (const [key, { info }] of this.#blobs) {
      const isOf = conversationId === undefined || info.conversationId === conversationId
      if (info.clientId !== clientId || !isOf) continue
      bytes += info.size
      this.#blobs.delete(key)
    }
    return bytes
  }

  async list({ limit }: { limit: number }): Promise<BlobInfo[]> {
    return [...this.#blobs.values()].map(({ info }) => info).slice(0, limit)
  }

  async sweep(): Promise<void> {}

  async close(): Promise<void> {}
}

async function* only(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}
