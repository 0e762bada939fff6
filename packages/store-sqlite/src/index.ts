/**
 * The store of Plugboard on an embedded SQLite file.
 * @packageDocumentation
 */
export { type SqliteStoreOptions, sqliteStore } from './sqlite-store.js'
export type { Batch } from './writer.js'
