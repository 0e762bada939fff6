/**
 * The store of Plugboard on an embedded SQLite file.
 * @packageDocumentation
 */

export type { Batch } from './database/group-commit.js'
export { type SqliteStoreOptions, sqliteStore } from './sqlite-store.js'
