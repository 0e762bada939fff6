import { type Connection, prepareText, prepareWrite } from './database/sql.js'

/** Named texts of the whole store. */
export class Meta {
  readonly #get
  readonly #put
  readonly #putIfAbsent
  readonly #replace

  constructor(db: Connection) {
    this.#get = prepareText(db, 'SELECT value FROM meta WHERE key = ?')
    this.#put = prepareWrite(db, 'INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
    this.#putIfAbsent = prepareWrite(db, 'INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)')
    this.#replace = prepareWrite(db, 'UPDATE meta SET value = ? WHERE key = ? AND value = ?')
  }

  get(key: string): string | undefined {
    return this.#get(key)
  }

  put(key: string, value: string): void {
    this.#put(key, value)
  }

  /** Returns the value that is stored then. */
  putIfAbsent(key: string, value: string): string {
    this.#putIfAbsent(key, value)
    return this.#get(key) ?? value
  }

  replace(key: string, from: string, to: string): boolean {
    return this.#replace(to, key, from) > 0
  }
}
