import { isPlugboardError, PlugboardError } from '@plugboard/core'

/** Codes of SQLite that speak of the disk, the file or its locks: the caller may come again. */
const OUT_OF_REACH =
  /^SQLITE_(IOERR|BUSY|LOCKED|CANTOPEN|READONLY|NOTADB|CORRUPT|NOMEM|PERM|PROTOCOL|INTERRUPT)/

const TAKEN = /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY|ROWID)/

/** SQLite's own name for what went wrong; undefined for an error that is none of its. */
export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : undefined
}

/** Whether a row was refused because there is one with the same unique value. */
export const isTaken = (error: unknown): boolean => TAKEN.test(sqliteCode(error) ?? '')

/** What a caller of the store gets to see of an error. A bug stays what it is. */
export function toStoreError(error: unknown): unknown {
  if (isPlugboardError(error)) return error
  const code = sqliteCode(error)
  if (code === undefined) return error
  if (isTaken(error)) return new PlugboardError('CONFLICT', 'it exists already', { cause: error })
  if (code === 'SQLITE_FULL')
    return new PlugboardError('NO_SPACE', 'the disk of the database is full', { cause: error })
  if (!OUT_OF_REACH.test(code)) return error
  return new PlugboardError('UNAVAILABLE', `the database file cannot be used now (${code})`, { cause: error })
}
