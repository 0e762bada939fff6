import { PlugboardError } from '@plugboard/core'
import {
  ARCHIVE_KINDS,
  type Archive,
  type ArchiveKind,
  type ArchivePage,
  type ArchiveRecord,
  type Counts,
} from '@plugboard/hub'
import { Clients } from '../clients.js'
import type { Connection } from '../database/sql.js'
import type { StreamCache } from '../streams/stream-cache.js'
import { ArchiveReader } from './reader.js'
import { ArchiveWriter, Refused } from './writer.js'

/** How the store does something, at its turn. */
export interface Access {
  read<T>(work: () => T): Promise<T>
  write<T>(work: () => T): Promise<T>
}

/** Of a cursor: the kind, and the place within it. */
const CURSOR = /^(\w+) (.*)$/s

/** The file as an archive. Its statements are prepared when it is first used, which most processes never do. */
export class SqliteArchive implements Archive {
  readonly #db: Connection
  readonly #streams: StreamCache
  readonly #do: Access
  #parts: { reader: ArchiveReader; writer: ArchiveWriter } | undefined

  constructor(db: Connection, streams: StreamCache, doing: Access) {
    this.#db = db
    this.#streams = streams
    this.#do = doing
  }

  async *read(after?: string): AsyncIterable<ArchivePage> {
    const [, first = ARCHIVE_KINDS[0], from = ''] = CURSOR.exec(after ?? '') ?? []
    const start = ARCHIVE_KINDS.indexOf(first as ArchiveKind)
    if (start < 0) throw new PlugboardError('INVALID', 'this is no cursor of an archive')
    for (const kind of ARCHIVE_KINDS.slice(start)) {
      let place: string | undefined = kind === first ? from : ''
      while (place !== undefined) {
        const at: string = place
        const page = await this.#do.read(() => this.#open().reader.page(kind, at))
        if (page.records.length > 0) yield { records: page.records, cursor: `${kind} ${page.last}` }
        place = page.records.length > 0 ? page.last : undefined
      }
    }
  }

  async write(records: readonly ArchiveRecord[]): Promise<void> {
    try {
      await this.#do.write(() => this.#open().writer.write(records))
    } catch (error) {
      throw error instanceof Refused ? new PlugboardError('CONFLICT', error.message) : error
    }
  }

  count(): Promise<Counts> {
    return this.#do.read(() => this.#open().reader.count())
  }

  #open() {
    if (!this.#parts) {
      const clients = new Clients(this.#db)
      const reader = new ArchiveReader(this.#db, clients)
      this.#parts = { reader, writer: new ArchiveWriter(this.#db, this.#streams, clients) }
    }
    return this.#parts
  }
}
