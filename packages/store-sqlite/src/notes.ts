import type { Id } from '@plugboard/core'
import type { KeyClaim } from '@plugboard/hub'
import { type Connection, prepareOne, prepareText, prepareWrite, toBytes, toHex } from './sql.js'

type KeyRow = [hash: string, id: Id, at: number]

/** What the store keeps in mind beside the domain: named texts, and idempotency keys. */
export class Notes {
  readonly #get
  readonly #put
  readonly #putIfAbsent
  readonly #replace
  readonly #findKey
  readonly #putKey

  constructor(db: Connection) {
    this.#get = prepareText(db, 'SELECT value FROM meta WHERE key = ?')
    this.#put = prepareWrite(db, 'INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
    this.#putIfAbsent = prepareWrite(db, 'INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)')
    this.#replace = prepareWrite(db, 'UPDATE meta SET value = ? WHERE key = ? AND value = ?')
    const key = `WHERE client = ${toBytes} AND key = ?`
    this.#findKey = prepareOne<KeyRow>(db, `SELECT json_array(hash, ${toHex('id')}, at) FROM keys ${key}`)
    const put = 'INSERT OR REPLACE INTO keys (client, key, hash, id, at)'
    this.#putKey = prepareWrite(db, `${put} VALUES (${toBytes}, ?, ?, ${toBytes}, ?)`)
  }

  get(key: string): string | undefined {
    return this.#get(key)
  }

  put(key: string, value: string): void {
    this.#put(key, value)
  }

  /** Answers what then stands there. */
  putIfAbsent(key: string, value: string): string {
    this.#putIfAbsent(key, value)
    return this.#get(key) ?? value
  }

  replace(key: string, from: string, to: string): boolean {
    return this.#replace(to, key, from) > 0
  }

  claimKey({ expiresBefore, ...claim }: KeyClaim & { expiresBefore: Date }): KeyClaim & { fresh: boolean } {
    const { clientId, key } = claim
    const known = this.#findKey(clientId, key)
    if (known && known[2] >= expiresBefore.getTime()) {
      const [hash, id, at] = known
      return { clientId, key, hash, id, at: new Date(at), fresh: false }
    }
    this.#putKey(clientId, key, claim.hash, claim.id, claim.at.getTime())
    return { ...claim, fresh: true }
  }
}
