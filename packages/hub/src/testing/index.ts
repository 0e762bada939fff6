/**
 * `storeSuite`, `archiveSuite` and `blobSuite`, the specification of a store of Plugboard as cases that any test runner can run. Needs `fast-check`.
 * @packageDocumentation
 */

export type { OpenArchive } from './archive-suite/copies.js'
export { type ArchiveSuite, archiveSuite } from './archive-suite.js'
export { clientsBeforeGuests } from './before-guests.js'
export { type BlobSuite, blobSuite, type OpenBlobStore } from './blob-suite.js'
export type { OpenStore } from './store-suite/open-store.js'
export { type StoreCase, type StoreSuite, storeSuite } from './store-suite.js'
