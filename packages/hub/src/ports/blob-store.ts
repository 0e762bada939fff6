import type { Id } from '@plugboard/core'

/** Owner of a blob. */
export interface BlobOwner {
  clientId: Id
  /** The blob is removed with this conversation. Absent: only separately, or with its client. */
  conversationId?: Id
}

/** Metadata of a new blob. */
export interface NewBlob extends BlobOwner {
  id: Id
  /** Media type. */
  type: string
  /** Name given by the uploader: for display, never a path. */
  name?: string
}

/** Metadata of a stored blob. */
export interface BlobInfo extends NewBlob {
  /** In bytes. */
  size: number
}

/** An opened blob. The caller must read `body` to its end or call `return`, because it may hold a file open. */
export interface OpenBlob extends BlobInfo {
  body: AsyncIterable<Uint8Array>
}

/**
 * Storage of files: the second port of the hub, separate from the store, because files have other needs than records.
 * `blobSuite` in `@plugboard/hub/testing` is its specification.
 */
export interface BlobStore {
  /**
   * Writes or replaces a blob. On disk when it resolves, and invisible before. If `body` fails, nothing changes, and its
   * error is thrown.
   */
  put(blob: NewBlob, body: AsyncIterable<Uint8Array>): Promise<BlobInfo>
  open(clientId: Id, id: Id): Promise<OpenBlob | undefined>
  /** Returns its size in bytes; undefined if it did not exist. */
  remove(clientId: Id, id: Id): Promise<number | undefined>
  /** Removes all blobs of a conversation, or without one, of the client. Returns their size in bytes. */
  removeAll(owner: BlobOwner): Promise<number>
  /** In order of client and id, after `after`: for copies of a whole store. */
  list(page: { after?: { clientId: Id; id: Id }; limit: number }): Promise<BlobInfo[]>
  /** Removes incomplete writes that are older than this time. */
  sweep(before: Date): Promise<void>
  close(): Promise<void>
}
