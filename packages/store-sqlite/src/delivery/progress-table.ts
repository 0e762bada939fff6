import { type Connection, prepareAll, prepareNumber, prepareOne, prepareWrite } from '../database/sql.js'
import { fromLanesText, HOLDS, type Hold, toLanesText } from '../encoding.js'
import { NO_LANES, type StreamState, settledUpTo } from '../streams/stream-state.js'

/** Of the journal: its rows, and the streams that it tells of, before the table is brought up to it. */
const MAX_JOURNAL = 256
const MAX_CHANGES = 2048

/** What the row of a stream that owes something has. */
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
  /** Not in a journal that an earlier version wrote. */
  fence?: number,
]

/** One change as it stands in the journal: without a row when nothing is owed any more. */
type JournalItem = [n: number, row?: ProgressRow]

interface Change {
  /** What is saved from now on. */
  saved: SavedProgress | undefined
  /** The table has a row of the stream, or may have. */
  isInTable: boolean
}

/**
 * How far the deliveries of streams are: a row for each stream that owes something, so that the table `progress` is as
 * small as the backlog. What is delivered at once would be a row that comes and goes again; so a transaction writes one
 * row of a journal, with what it changed of all streams, and the table follows later. Then most of it has cancelled out.
 * Who asks the table in SQL says {@link catchUp} first.
 */
export class ProgressTable {
  /** What the journal says beyond the table. Undefined: it is to be read again. */
  #changes: Map<number, Change> | undefined
  /** Of these streams, what is not in the journal yet. */
  readonly #unwritten = new Set<number>()
  /** The rows of the journal. */
  #length = 0
  readonly #insert
  readonly #journal
  readonly #put
  readonly #delete
  readonly #clear
  readonly #timeAfter
  readonly #backlog

  constructor(db: Connection) {
    this.#insert = prepareWrite(db, 'INSERT INTO progress_journal (changes) VALUES (?)')
    this.#journal = prepareAll<JournalItem[]>(db, 'SELECT changes AS row FROM progress_journal ORDER BY n')
    this.#put = prepareWrite(
      db,
      `INSERT OR REPLACE INTO progress (n, client, scanned, lanes, next_at, owed_at, hold, fence)
       SELECT n, client, ?2, ?3, ?4, ?5, ?6, ?7 FROM streams WHERE n = ?1`,
    )
    this.#delete = prepareWrite(db, 'DELETE FROM progress WHERE n = ?')
    this.#clear = prepareWrite(db, 'DELETE FROM progress_journal')
    const timeAfter = 'SELECT at FROM entries WHERE stream = ? AND seq > ? ORDER BY seq LIMIT 1'
    this.#timeAfter = prepareNumber(db, timeAfter)
    this.#backlog = prepareOne<[number, number | null]>(
      db,
      `SELECT json_array(count(*), min(owed_at)) FROM progress INDEXED BY progress_due
       WHERE n NOT IN (SELECT value FROM json_each(?))`,
    )
  }

  /** What is saved of a stream, whose row in the table is given. */
  at(n: number, row: ProgressRow): SavedProgress | undefined {
    const change = this.#read().get(n)
    return change ? change.saved : toProgress(row)
  }

  /** Notes what differs from what is saved, and answers what is saved once it is flushed. */
  write(state: StreamState, saved: SavedProgress | undefined): SavedProgress | undefined {
    const { n, scanned, lanes, nextAt, hold, fence } = state
    if (nextAt === null) {
      if (saved) this.#note(n, undefined, saved)
      return undefined
    }
    const settled = settledUpTo(state)
    const owedAt = saved?.settledUpTo === settled ? saved.owedAt : this.#owedAt(state, settled)
    if (saved && isSame(saved, state) && saved.owedAt === owedAt) return saved
    const lanesText = saved?.lanes === lanes ? saved.lanesText : toLanesText(lanes)
    const next = { scanned, lanes, lanesText, nextAt, owedAt, hold, fence, settledUpTo: settled }
    this.#note(n, next, saved)
    return next
  }

  /** Puts what was noted into the journal. */
  flush(): void {
    if (this.#unwritten.size === 0) return
    const changes = this.#read()
    const items: JournalItem[] = []
    for (const n of this.#unwritten) {
      const saved = changes.get(n)?.saved
      items.push(saved ? [n, toRow(saved)] : [n])
    }
    this.#insert(JSON.stringify(items))
    this.#unwritten.clear()
    this.#length += 1
    if (this.#length >= MAX_JOURNAL || changes.size >= MAX_CHANGES) this.catchUp()
  }

  /** Brings the table up to all that was noted. */
  catchUp(): void {
    const changes = this.#read()
    for (const [n, { saved, isInTable }] of changes) {
      if (saved) this.#put(n, ...toRow(saved))
      else if (isInTable) this.#delete(n)
    }
    if (this.#length > 0) this.#clear()
    changes.clear()
    this.#unwritten.clear()
    this.#length = 0
  }

  /** What was noted and written last did not come to be. */
  forget(): void {
    this.#changes = undefined
    this.#unwritten.clear()
  }

  /** How many streams owe something, and since when, in milliseconds. */
  backlog(): { streams: number; oldest: number | null } {
    const changes = this.#read()
    let [streams, oldest] = this.#backlog(JSON.stringify([...changes.keys()])) ?? [0, null]
    for (const { saved } of changes.values()) {
      if (!saved) continue
      streams += 1
      oldest = Math.min(oldest ?? saved.owedAt, saved.owedAt)
    }
    return { streams, oldest }
  }

  #note(n: number, saved: SavedProgress | undefined, before: SavedProgress | undefined): void {
    const changes = this.#read()
    const change = changes.get(n)
    if (change) change.saved = saved
    else changes.set(n, { saved, isInTable: before !== undefined })
    this.#unwritten.add(n)
  }

  /** A journal that a process left behind counts as what it is: the last word. */
  #read(): Map<number, Change> {
    if (this.#changes) return this.#changes
    const journal = this.#journal()
    this.#changes = new Map()
    this.#length = journal.length
    for (const [n, row] of journal.flat()) {
      this.#changes.set(n, { saved: row && toProgress(row), isInTable: true })
    }
    return this.#changes
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

const toRow = (saved: SavedProgress): Required<ProgressRow> => {
  const { scanned, lanesText, nextAt, owedAt, hold, fence } = saved
  return [scanned, lanesText, nextAt, owedAt, HOLDS.indexOf(hold), fence]
}

function toProgress([scanned, lanesText, nextAt, owedAt, hold, fence = 0]: ProgressRow):
  | SavedProgress
  | undefined {
  if (nextAt === null) return undefined
  const lanes = lanesText === null ? NO_LANES : fromLanesText(lanesText)
  const progress = { scanned, lanes, lanesText, nextAt, owedAt, hold: HOLDS[hold] as Hold, fence }
  return { ...progress, settledUpTo: settledUpTo(progress) }
}
