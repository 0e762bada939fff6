import type { Id } from '@plugboard/core'

/** Whose a blob is, and with what it goes. */
export interface BlobOwner {
  clientId: Id
  /** It is removed with this conversation. Absent: it stays until it is removed itself, or its client is. */
  conversationId?: Id
}

/** What is known of a blob before its bytes have come. */
export interface NewBlob extends BlobOwner {
  id: Id
  /** Media type. */
  type: string
  /** As the uploader called it: to be shown, never a path. */
  name?: string
}

/** What is known of a blob that is there. */
export interface BlobInfo extends NewBlob {
  /** In bytes. */
  size: number
}

/** A blob that is being read. Whoever opens one reads `body` or ends it (`return`), since it may hold a file open. */
export interface OpenBlob extends BlobInfo {
  body: AsyncIterable<Uint8Array>
}

/**
 * Where files are kept: the second port of the hub, apart from the store, since bytes have other needs than records.
 * `blobSuite` in `@plugboard/hub/testing` is its specification.
 */
export interface BlobStore {
  /**
   * Writes a blob, or another one in its place. On disk when it resolves, and seen by nobody before: a `body` that fails
   * leaves things as they were, and its error is thrown.
   */
  put(blob: NewBlob, body: AsyncIterable<Uint8Array>): Promise<BlobInfo>
  open(clientId: Id, id: Id): Promise<OpenBlob | undefined>
  /** Answers how many bytes it had; undefined when it was not there. */
  remove(clientId: Id, id: Id): Promise<number | undefined>
  /** Removes all that go with a conversation, and answers how many bytes they had; without one, all of the client. */
  removeAll(owner: BlobOwner): Promise<number>
  /** In order of client and id, from behind `after`: for copies of a whole store. */
  list(page: { after?: { clientId: Id; id: Id }; limit: number }): Promise<BlobInfo[]>
  /** Removes what processes left half-written that ended before this time. */
  sweep(before: Date): Promise<void>
  close(): Promise<void>
}
