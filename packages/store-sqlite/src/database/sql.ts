import type Database from 'libsql'

export type Connection = Database.Database

/**
 * What may be bound. Numbers arrive as REAL, which the columns turn into whole numbers again. Not a boolean: at one of
 * those libsql ends the process.
 */
export type Param = string | number | null

/** An id is 12 bytes on disk and 24 hex characters elsewhere, and SQL alone converts: no driver's bytes get out. */
export const toBytes = 'unhex(?)'
/** An id as text, empty for NULL. */
export const toHex = (column: string): string => `lower(hex(${column}))`

/** Bytes of a text that is read together with others: of a longer one its size is, which costs no read of it. */
const SHORT = 2_048

/** A text, or its size where it is not short. */
export const lean = (column: string): string =>
  `iif(octet_length(${column}) > ${SHORT}, octet_length(${column}), ${column})`

/**
 * Bytes of texts that one write removes at most, but for the last of them: what is long lies on many pages, each of which
 * has to be freed.
 */
const REMOVED_BYTES = 4 * 1024 * 1024

/** The first entries that a condition holds for, up to a number of them and to as many bytes as one write removes. */
export const removable = (where: string): string => `
  SELECT n FROM (
    SELECT n, sum(size) OVER (ORDER BY seq) - size AS before FROM (
      SELECT n, seq, octet_length(payload) + ifnull(octet_length(details), 0) AS size
      FROM entries WHERE ${where} ORDER BY seq LIMIT ?))
  WHERE before < ${REMOVED_BYTES}`

/** Prepares a statement that changes rows; it answers how many. */
export function prepareWrite(db: Connection, sql: string): (...params: Param[]) => number {
  const statement = db.prepare(sql)
  return (...params) => statement.run(params).changes
}

/**
 * Prepares a query whose first row has one cell of JSON text. That is twice as fast as cells one by one, each of which
 * has a price at the border to native code.
 */
export function prepareOne<T>(db: Connection, sql: string): (...params: Param[]) => T | undefined {
  const query = prepareText(db, sql)
  return (...params) => {
    const text = query(...params)
    return text === undefined ? undefined : (JSON.parse(text) as T)
  }
}

/** Prepares a query of any number of rows, whose one column is named `row` and has JSON text. */
export function prepareAll<T>(db: Connection, sql: string): (...params: Param[]) => T[] {
  const query = prepareOne<T[]>(db, `SELECT '[' || group_concat(row) || ']' FROM (${sql})`)
  return (...params) => query(...params) ?? []
}

/** Prepares a query whose first row has one text, kept as it is. */
export function prepareText(db: Connection, sql: string): (...params: Param[]) => string | undefined {
  const statement = db.prepare(sql).raw()
  return (...params) => {
    const row = statement.get(params) as [string | null] | undefined
    return row?.[0] ?? undefined
  }
}

/**
 * Prepares a query whose first row has a text and perhaps another, kept as they are: for long ones, which would be
 * escaped and parsed once more as JSON.
 */
export function prepareTexts(
  db: Connection,
  sql: string,
): (...params: Param[]) => [text: string, other: string | null] | undefined {
  const statement = db.prepare(sql).raw()
  return (...params) => statement.get(params) as [string, string | null] | undefined
}

/** Prepares a query whose first row has one number. */
export function prepareNumber(db: Connection, sql: string): (...params: Param[]) => number | undefined {
  const statement = db.prepare(sql).raw()
  return (...params) => {
    const row = statement.get(params) as [number | null] | undefined
    return row?.[0] ?? undefined
  }
}
