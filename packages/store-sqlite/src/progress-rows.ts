import { fromLanesText, HOLDS, toLanesText } from './rows.js'
import { type Connection, prepareNumber, prepareWrite, toBytes } from './sql.js'
import { type Hold, NO_LANES, type StreamState, settledUpTo } from './stream-state.js'

/** What the row of a stream that owes something has. */
export interface SavedProgress extends Pick<StreamState, 'scanned' | 'lanes' | 'hold'> {
  lanesText: string | null
  nextAt: number
  owedAt: number
  /** What `owedAt` was found for. */
  settledUpTo: number
}

/** One row `p` as JSON text: a {@link ProgressRow}, all NULL where there is none. */
export const PROGRESS_ROW = 'json_array(p.scanned, p.lanes, p.next_at, p.owed_at, p.hold)'

export type ProgressRow = [
  scanned: number,
  lanes: string | null,
  nextAt: number | null,
  owedAt: number,
  hold: number,
]

export function toProgress([scanned, lanesText, nextAt, owedAt, hold]: ProgressRow):
  | SavedProgress
  | undefined {
  if (nextAt === null) return undefined
  const lanes = lanesText === null ? NO_LANES : fromLanesText(lanesText)
  const progress = { scanned, lanes, lanesText, nextAt, owedAt, hold: HOLDS[hold] as Hold }
  return { ...progress, settledUpTo: settledUpTo(progress) }
}

/**
 * How far the deliveries of streams are: a row for each stream that owes something, so that this table is as small as
 * the backlog, and an entry that is owed nothing has none of its price. An update names an indexed column only when it
 * changed, since the name alone has its price.
 */
export class ProgressRows {
  readonly #insert
  readonly #update
  readonly #updateDue
  readonly #delete
  readonly #timeAfter

  constructor(db: Connection) {
    const columns = 'scanned, lanes, next_at, owed_at, hold, n, client'
    this.#insert = prepareWrite(db, `INSERT INTO progress (${columns}) VALUES (?, ?, ?, ?, ?, ?, ${toBytes})`)
    this.#update = prepareWrite(db, 'UPDATE progress SET scanned = ?, lanes = ? WHERE n = ?')
    const due = 'UPDATE progress SET scanned = ?, lanes = ?, next_at = ?, owed_at = ?, hold = ? WHERE n = ?'
    this.#updateDue = prepareWrite(db, due)
    this.#delete = prepareWrite(db, 'DELETE FROM progress WHERE n = ?')
    const timeAfter = 'SELECT at FROM entries WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1'
    this.#timeAfter = prepareNumber(db, timeAfter)
  }

  /** Writes what differs from what is saved, and answers what is saved then. */
  write(state: StreamState, saved: SavedProgress | undefined): SavedProgress | undefined {
    const { n, scanned, lanes, nextAt, hold } = state
    if (nextAt === null) {
      if (saved) this.#delete(n)
      return undefined
    }
    const settled = settledUpTo(state)
    const owedAt = saved?.settledUpTo === settled ? saved.owedAt : this.#owedAt(state, settled)
    if (!saved) {
      const lanesText = toLanesText(lanes)
      this.#insert(scanned, lanesText, nextAt, owedAt, HOLDS.indexOf(hold), n, state.clientId)
      return { scanned, lanes, hold, lanesText, nextAt, owedAt, settledUpTo: settled }
    }
    const lanesText = lanes === saved.lanes ? saved.lanesText : toLanesText(lanes)
    if (nextAt !== saved.nextAt || owedAt !== saved.owedAt || hold !== saved.hold) {
      this.#updateDue(scanned, lanesText, nextAt, owedAt, HOLDS.indexOf(hold), n)
    } else if (scanned !== saved.scanned || lanesText !== saved.lanesText) {
      this.#update(scanned, lanesText, n)
    }
    return Object.assign(saved, { scanned, lanes, hold, lanesText, nextAt, owedAt, settledUpTo: settled })
  }

  /** When the first entry came in that may still be owed: most often the newest, whose time is known. */
  #owedAt({ n, seq, lastAt }: StreamState, settled: number): number {
    return settled + 1 >= seq ? lastAt : (this.#timeAfter(n, settled) ?? lastAt)
  }
}
