import type { Id } from '@plugboard/core'
import {
  type Dead,
  type DeadKey,
  type DeadLetters,
  type DeadPage,
  type DeadRef,
  type DeadWalk,
  deadLook,
  deadPageOf,
  type EntryType,
  type StreamRef,
  type Target,
} from '@plugboard/hub'
import {
  type Connection,
  type Param,
  prepareAll,
  prepareNumber,
  prepareWrite,
  toBytes,
  toHex,
} from '../database/sql.js'
import { ENTRY_TYPES, SILENT_ENTRY_ROW } from '../encoding.js'
import { fromPlaced, type PlacedRow, placed } from '../streams/entries.js'

const PLACE = `client = ${toBytes} AND stream = ${toBytes} AND seq = ? AND target = ?`

const PUT = `INSERT OR REPLACE INTO dead (client, stream, seq, target, entry, type, at, reason, channel, integration)
  VALUES (${toBytes}, ${toBytes}, ?, ?, ${toBytes}, ?, ?, ?, ?, ${toBytes})`

/** The entry of a dead letter. */
export interface DeadEntryKey extends StreamRef {
  seq: number
  entryId: Id
  /** A place in {@link ENTRY_TYPES}. */
  type: number
}

/** By what dead letters are found. They themselves stand in their entries. */
export class DeadIndex {
  readonly #put
  readonly #remove

  constructor(db: Connection) {
    this.#put = prepareWrite(db, PUT)
    this.#remove = prepareWrite(db, `DELETE FROM dead WHERE ${PLACE}`)
  }

  put({ clientId, streamId, seq, entryId, type }: DeadEntryKey, target: Target, dead: Dead): void {
    const { at, reason, channel = null, integrationId = null } = dead
    this.#put(
      ...([clientId, streamId, seq, target, entryId, type] as const),
      ...([at.getTime(), reason, channel, integrationId] as const),
    )
  }

  remove({ clientId, streamId, seq }: Pick<DeadEntryKey, keyof StreamRef | 'seq'>, target: Target): void {
    this.#remove(clientId, streamId, seq, target)
  }
}

type Row = [
  streamId: Id,
  seq: number,
  entryId: Id,
  type: number,
  target: Target,
  reason: Dead['reason'],
  at: number,
  channel: string | null,
  integrationId: Id | '',
]

const ROW = `json_array(${toHex('stream')}, seq, ${toHex('entry')}, type, target, reason, at, channel,
  ${toHex('integration')})`

/** An index of the table, and what it is asked with beside the client. */
const INDEXES = {
  target: { index: 'dead_of_target', where: 'AND target = ?' },
  integrationId: { index: 'dead_of_integration', where: `AND integration = ${toBytes}` },
  channel: { index: 'dead_of_channel', where: 'AND channel = ?' },
  reason: { index: 'dead_of_reason', where: 'AND reason = ?' },
} as const satisfies Record<DeadKey, object>

const page = (index: string, where: string): string => `
  SELECT ${ROW} AS row FROM dead INDEXED BY ${index}
  WHERE client = ${toBytes} ${where} AND (at, entry, target) < (?, ${toBytes}, ?) AND at >= ?
  ORDER BY at DESC, entry DESC, target DESC LIMIT ?`

/** Finds dead letters. */
export class DeadReader {
  readonly #pages
  readonly #newest
  readonly #entries
  readonly #walk
  readonly #walkOne
  readonly #count

  constructor(db: Connection) {
    this.#newest = prepareAll<Row>(db, page('dead_newest', ''))
    const of = (key: DeadKey) => prepareAll<Row>(db, page(INDEXES[key].index, INDEXES[key].where))
    this.#pages = {
      ...{ target: of('target'), integrationId: of('integrationId') },
      ...{ channel: of('channel'), reason: of('reason') },
    }
    // The plus keeps SQLite from walking through the streams of the client.
    const ids = 'WHERE e.id IN (SELECT unhex(value) FROM json_each(?)) AND +s.client = unhex(?)'
    this.#entries = prepareAll<PlacedRow>(db, placed(SILENT_ENTRY_ROW, ids))
    const walk = (where: string) => `SELECT ${ROW} AS row FROM dead WHERE client = ${toBytes} ${where}
      ORDER BY stream, seq, target LIMIT ?`
    this.#walk = prepareAll<Row>(db, walk(`AND (stream, seq, target) > (${toBytes}, ?, ?)`))
    this.#walkOne = prepareAll<Row>(db, walk(`AND stream = ${toBytes} AND (seq, target) > (?, ?)`))
    const own = `SELECT 1 FROM dead WHERE client = ${toBytes} AND stream = ${toBytes} LIMIT ?`
    this.#count = prepareNumber(db, `SELECT count(*) FROM (${own})`)
  }

  find(clientId: Id, page: DeadPage): DeadLetters {
    const look = deadLook(page)
    const { refs, next } = deadPageOf(this.#read(clientId, page, look).map(toRef), page, look)
    const letters = this.#letters(clientId, refs)
    return next ? { letters, next } : { letters }
  }

  walk(clientId: Id, { streamId, after, limit }: DeadWalk): DeadRef[] {
    const { seq = 0, target = '' } = after ?? {}
    const rows = streamId
      ? this.#walkOne(clientId, streamId, seq, target, limit)
      : this.#walk(clientId, after?.streamId ?? '', seq, target, limit)
    return rows.map(toRef)
  }

  /** Of one stream; stops counting at the limit. */
  count(clientId: Id, streamId: Id, limit: number): number {
    return this.#count(clientId, streamId, limit) ?? 0
  }

  #read(clientId: Id, page: DeadPage, { key, count }: ReturnType<typeof deadLook>): Row[] {
    const { before, since, until } = page
    const last = until ? until.getTime() + 1 : Number.MAX_SAFE_INTEGER
    const isWithin = before !== undefined && before.at.getTime() < last
    const start = isWithin ? ([before.at.getTime(), before.entryId, before.target] as const) : [last, '', '']
    const rest: Param[] = [...start, since?.getTime() ?? 0, count]
    const value = key && page[key]
    return key && value !== undefined
      ? this.#pages[key](clientId, value, ...rest)
      : this.#newest(clientId, ...rest)
  }

  #letters(clientId: Id, refs: readonly DeadRef[]): DeadLetters['letters'] {
    if (refs.length === 0) return []
    const ids = JSON.stringify([...new Set(refs.map(({ entryId }) => entryId))])
    const entries = new Map(
      this.#entries(ids, clientId).map((row) => {
        const { payload: _, details: __, ...entry } = fromPlaced(clientId, row)
        return [entry.id, entry]
      }),
    )
    return refs.flatMap(({ entryId, target }) => {
      const entry = entries.get(entryId)
      const dead = entry?.dead?.[target]
      return entry && dead ? { entry, target, dead } : []
    })
  }
}

function toRef([streamId, seq, entryId, type, target, reason, at, channel, integrationId]: Row): DeadRef {
  return {
    ...{ streamId, seq, entryId, type: ENTRY_TYPES[type] as EntryType, target, reason, at: new Date(at) },
    ...(channel !== null && { channel }),
    ...(integrationId !== '' && { integrationId }),
  }
}
