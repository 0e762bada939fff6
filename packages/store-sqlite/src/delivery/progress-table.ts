import type { Backlog } from '@plugboard/hub'
import { type Connection, prepareNumber, prepareOne, prepareWrite } from '../database/sql.js'
import { fromLanesText, HOLDS, type Hold, toLanesText } from '../encoding.js'
import { NO_LANES, type StreamState, settledUpTo } from '../streams/stream-state.js'

/** The saved row of a stream that owes something. */
export interface SavedProgress extends Pick<StreamState, 'scanned' | 'lanes' | 'hold' | 'fence'> {
  lanesText: string | null
  nextAt: number
  owedAt: number
  /** What `owedAt` was found for. */
  settledUpTo: number
}

/** One row `p` as JSON text: a {@link ProgressRow}, all NULL where there is none. */
export const PROGRESS_ROW = 'json_array(p.scanned, p.lanes, p.next_at, p.owed_at, p.hold, p.fence)'

export type ProgressRow = [
  scanned: number,
  lanes: string | null,
  nextAt: number | null,
  owedAt: number,
  hold: number,
  fence: number,
]

const BACKLOG = `
  SELECT json_array(
    (SELECT count(*) FROM (SELECT 1 FROM progress INDEXED BY progress_owed LIMIT ?)),
    (SELECT owed_at FROM progress INDEXED BY progress_owed ORDER BY owed_at LIMIT 1))`

/** How far the deliveries of streams are: a row for each stream that owes something, so that the table stays small. */
export class ProgressTable {
  readonly #put
  readonly #delete
  readonly #timeAfter
  readonly #backlog

  constructor(db: Connection) {
    this.#put = prepareWrite(
      db,
      `INSERT OR REPLACE INTO progress (n, client, scanned, lanes, next_at, owed_at, hold, fence)
       SELECT n, client, ?2, ?3, ?4, ?5, ?6, ?7 FROM streams WHERE n = ?1`,
    )
    this.#delete = prepareWrite(db, 'DELETE FROM progress WHERE n = ?')
    const timeAfter = 'SELECT at FROM entries WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1'
    this.#timeAfter = prepareNumber(db, timeAfter)
    this.#backlog = prepareOne<[number, number | null]>(db, BACKLOG)
  }

  /** Writes what differs from what is saved, and answers what is saved then. */
  write(state: StreamState, saved: SavedProgress | undefined): SavedProgress | undefined {
    const { n, scanned, lanes, nextAt, hold, fence } = state
    if (nextAt === null) {
      if (saved) this.#delete(n)
      return undefined
    }
    const settled = settledUpTo(state)
    const owedAt = saved?.settledUpTo === settled ? saved.owedAt : this.#owedAt(state, settled)
    if (saved && isSame(saved, state) && saved.owedAt === owedAt) return saved
    const lanesText = saved?.lanes === lanes ? saved.lanesText : toLanesText(lanes)
    this.#put(n, scanned, lanesText, nextAt, owedAt, HOLDS.indexOf(hold), fence)
    return { scanned, lanes, lanesText, nextAt, owedAt, hold, fence, settledUpTo: settled }
  }

  /** The number of streams that owe something, up to a limit, and since when. */
  backlog(limit: number): Backlog {
    const [streams, oldest] = this.#backlog(limit + 1) ?? [0, null]
    return {
      ...{ streams: Math.min(streams, limit), isMore: streams > limit },
      ...(oldest !== null && { oldest: new Date(oldest) }),
    }
  }

  /** When the first entry came in that may still be owed: most often the newest, whose time is known. */
  #owedAt({ n, seq, lastAt }: StreamState, settled: number): number {
    return settled + 1 >= seq ? lastAt : (this.#timeAfter(n, settled) ?? lastAt)
  }
}

const isSame = (saved: SavedProgress, { scanned, lanes, nextAt, hold, fence }: StreamState): boolean =>
  saved.scanned === scanned &&
  saved.lanes === lanes &&
  saved.nextAt === nextAt &&
  saved.hold === hold &&
  saved.fence === fence

export function toProgress(row: ProgressRow): SavedProgress | undefined {
  const [scanned, lanesText, nextAt, owedAt, hold, fence] = row
  if (nextAt === null) return undefined
  const lanes = lanesText === null ? NO_LANES : fromLanesText(lanesText)
  const progress = { scanned, lanes, lanesText, nextAt, owedAt, hold: HOLDS[hold] as Hold, fence }
  return { ...progress, settledUpTo: settledUpTo(progress) }
}
