/**
 * For whoever writes a store of Plugboard: `storeSuite`, `archiveSuite` and `blobSuite` are its specification, as cases
 * that any test runner can run. `memoryDatabase` is the reference store, to be read first. Needs `fast-check`.
 * @packageDocumentation
 */

export type { OpenArchive } from './archive-suite/copies.js'
export { type ArchiveSuite, archiveSuite } from './archive-suite.js'
export { clientsBeforeGuests } from './before-guests.js'
export { type BlobSuite, blobSuite, type OpenBlobStore } from './blob-suite.js'
export {
  type MemoryDatabase,
  type MemoryDatabaseOptions,
  memoryDatabase,
  type StreamView,
} from './memory-store.js'
export type { OpenStore } from './store-suite/open-store.js'
export { type StoreCase, type StoreSuite, storeSuite } from './store-suite.js'
