import { chmodSync, closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isPlugboardError, PlugboardError } from '@plugboard/core'
import Database from 'libsql'
import { lockFile } from './file-lock.js'
import { migrate } from './migrations.js'
import type { Connection } from './sql.js'

/**
 * FULL: a commit is on disk when it returns (fullfsync: on macOS too). No waiting for locks, since that would stop the
 * process. A cache of 32 MiB, and a log of up to 64 MiB: messages come to conversations here and there, and a page that
 * many of them wrote is copied back once, while to copy a larger log takes hardly longer.
 *
 * It is this connection that copies the log back, and never another one beside it: of two that do, the SQLite in
 * libsql (3.45) can lose what was committed (https://sqlite.org/wal.html#the_wal_reset_bug).
 */
const PRAGMAS = `
  PRAGMA busy_timeout = 0;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = 1;
  PRAGMA foreign_keys = 0;
  PRAGMA cache_size = -32768;
  PRAGMA wal_autocheckpoint = 16000;
  PRAGMA journal_size_limit = 67108864;
`

export interface OpenDatabase {
  db: Connection
  /** Copies the log back into the file, outside a transaction. */
  checkpoint(): void
  /** Copies the log back into the file, closes it, and lets others open it. */
  close(): void
}

/** Opens the file for this store alone, makes it and its folder (for its owner alone) where they are not, and brings
 * its schema up. */
export function openDatabase(given: string): OpenDatabase {
  try {
    const path = settle(given)
    keepFromOthers(path)
    const unlock = lockFile(path)
    try {
      const db = new Database(path, { timeout: 0 })
      db.exec(PRAGMAS)
      migrate(db, path)
      return { db, checkpoint: () => copyBack(db, 'PASSIVE'), close: () => close(db, unlock) }
    } catch (error) {
      unlock()
      throw error
    }
  } catch (error) {
    if (isPlugboardError(error)) throw error
    throw new PlugboardError('UNAVAILABLE', `cannot open the database file ${given}`, { cause: error })
  }
}

/** Not `recursive`, which never ends in folders such as /proc that take no folder. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process was faster.
    if (!existsSync(folder)) throw error
  }
}

/** The one name of a file, so that a link to it meets the same lock. */
function settle(given: string): string {
  const path = resolve(given)
  makeFolder(dirname(path))
  try {
    return realpathSync(path)
  } catch {
    return join(realpathSync(dirname(path)), basename(path))
  }
}

/**
 * Makes the file for its owner alone; SQLite gives the files beside it the same mode. Those of an earlier version may be
 * wider. Another owner's stay as they are.
 */
function keepFromOthers(path: string): void {
  for (const file of [path, `${path}-lock`]) closeSync(openSync(file, 'a', 0o600))
  for (const file of ['', '-lock', '-wal', '-shm'].map((end) => path + end)) {
    try {
      if (existsSync(file)) chmodSync(file, 0o600)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error
    }
  }
}

function close(db: Connection, unlock: () => void): void {
  copyBack(db, 'TRUNCATE')
  db.close()
  unlock()
}

function copyBack(db: Connection, mode: 'PASSIVE' | 'TRUNCATE'): void {
  try {
    db.exec(`PRAGMA wal_checkpoint(${mode})`)
  } catch {
    // What was committed is safe in the log, and is copied later.
  }
}
