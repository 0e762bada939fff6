import type { Id } from '@plugboard/core'
import type { KeyClaim } from '@plugboard/hub'
import { type Connection, prepareOne, prepareWrite, toBytes, toHex } from './database/sql.js'

type KeyRow = [hash: string, id: Id, at: number]

/** Idempotency keys of requests, each with the id of the object that the request makes. */
export class IdempotencyKeys {
  readonly #find
  readonly #put

  constructor(db: Connection) {
    const key = `WHERE client = ${toBytes} AND key = ?`
    this.#find = prepareOne<KeyRow>(db, `SELECT json_array(hash, ${toHex('id')}, at) FROM keys ${key}`)
    const put = 'INSERT OR REPLACE INTO keys (client, key, hash, id, at)'
    this.#put = prepareWrite(db, `${put} VALUES (${toBytes}, ?, ?, ${toBytes}, ?)`)
  }

  claim({ expiresBefore, ...claim }: KeyClaim & { expiresBefore: Date }): KeyClaim & { fresh: boolean } {
    const { clientId, key } = claim
    const known = this.#find(clientId, key)
    if (known && known[2] >= expiresBefore.getTime()) {
      const [hash, id, at] = known
      return { clientId, key, hash, id, at: new Date(at), fresh: false }
    }
    this.#put(clientId, key, claim.hash, claim.id, claim.at.getTime())
    return { ...claim, fresh: true }
  }
}
