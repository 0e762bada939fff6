import type { Id } from '@plugboard/core'
import { type EndpointRecord, encodeChannel, type RecentPage } from '@plugboard/hub'
import { type Connection, prepareAll, prepareWrite, toBytes, toHex } from '../database/sql.js'

/** In place of a channel: the row that each conversation has. */
const ANY = ''
const keyOf = (channel: string): string => ` ${channel}`

type Row = [id: Id, activeAt: number]

/** A conversation as it is put into the order. */
interface Active {
  n: number
  clientId: Id
  streamId: Id
  endpoints: readonly Pick<EndpointRecord, 'channel'>[]
}

const PUT = `INSERT INTO activity (n, channel, client, id, at) VALUES (?, ?, ${toBytes}, ${toBytes}, ?)
  ON CONFLICT (n, channel) DO UPDATE SET at = excluded.at`

/**
 * The order of recent conversations: a row for each conversation, and one for each channel of its endpoints. They move
 * together, and seldom (see `movedActivity`).
 */
export class Activity {
  readonly #put
  readonly #move
  readonly #remove
  readonly #removeChannel

  constructor(db: Connection) {
    this.#put = prepareWrite(db, PUT)
    this.#move = prepareWrite(db, 'UPDATE activity SET at = ? WHERE n = ?')
    this.#remove = prepareWrite(db, 'DELETE FROM activity WHERE n = ?')
    this.#removeChannel = prepareWrite(db, 'DELETE FROM activity WHERE n = ? AND channel = ?')
  }

  put({ n, clientId, streamId, endpoints }: Active, at: number): void {
    const channels = new Set(endpoints.map(({ channel }) => keyOf(encodeChannel(channel))))
    for (const channel of [ANY, ...channels]) this.#put(n, channel, clientId, streamId, at)
  }

  move(n: number, at: number): void {
    this.#move(at, n)
  }

  remove(n: number): void {
    this.#remove(n)
  }

  /** The conversation has no endpoint of this channel any more. */
  removeChannel(n: number, channel: EndpointRecord['channel']): void {
    this.#removeChannel(n, keyOf(encodeChannel(channel)))
  }
}

const LIST = `
  SELECT json_array(${toHex('id')}, at) AS row FROM activity INDEXED BY activity_newest
  WHERE client = ${toBytes} AND channel = ? AND (at, id) < (?, ${toBytes}) AND at >= ?
  ORDER BY at DESC, id DESC LIMIT ?`

/** Reads the order of {@link Activity}. */
export function activityReader(db: Connection): (clientId: Id, page: RecentPage) => Row[] {
  const list = prepareAll<Row>(db, LIST)
  return (clientId, { before, since, until, channel, limit }) => {
    const last = until ? until.getTime() + 1 : Number.MAX_SAFE_INTEGER
    const isWithin = before !== undefined && before.activeAt.getTime() < last
    const [at, id] = isWithin ? [before.activeAt.getTime(), before.id] : [last, '']
    return list(clientId, channel === undefined ? ANY : keyOf(channel), at, id, since?.getTime() ?? 0, limit)
  }
}
