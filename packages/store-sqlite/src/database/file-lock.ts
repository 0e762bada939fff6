import { PlugboardError } from '@plugboard/core'
import Database from 'libsql'
import { sqliteCode } from './failure.js'

/**
 * Sees to it that one store at a time has the file open. What is held is SQLite's own lock on a second, empty file
 * beside it: the system drops it with the process, however that ends, and the database stays open to readers such as a
 * backup. Answers what gives the lock back.
 * @throws CONFLICT when another store has it, in this process or elsewhere
 */
export function lockFile(path: string): () => void {
  const lock = new Database(`${path}-lock`, { timeout: 0 })
  try {
    lock.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!sqliteCode(error)?.startsWith('SQLITE_BUSY')) throw error
    throw new PlugboardError('CONFLICT', `another process has ${path} open: one process at a time can`, {
      cause: error,
    })
  }
  // Nothing is prepared on this connection: libsql closes it when its last statement is collected, and not before.
  return () => lock.close()
}
