import { PlugboardError } from '@plugboard/core'
import {
  ARCHIVE_KINDS,
  type Archive,
  type ArchiveKind,
  type ArchivePage,
  type ArchiveRecord,
  type Counts,
} from '@plugboard/hub'
import type { DatabaseClock } from '../database/clock.js'
import { toStoreError } from '../database/failure.js'
import type { Models } from '../database/schemas.js'
import { ArchiveReader } from './reader.js'
import { ArchiveWriter } from './writer.js'

/** Of a cursor: the kind, and the place within it. */
const CURSOR = /^(\w+) (.*)$/s

/** The database as an archive. */
export class MongoArchive implements Archive {
  readonly #reader: ArchiveReader
  readonly #writer: ArchiveWriter

  constructor(models: Models, clock: DatabaseClock) {
    this.#reader = new ArchiveReader(models, clock)
    this.#writer = new ArchiveWriter(models, clock)
  }

  async *read(after?: string): AsyncIterable<ArchivePage> {
    const [, first = ARCHIVE_KINDS[0], from = ''] = CURSOR.exec(after ?? '') ?? []
    const start = ARCHIVE_KINDS.indexOf(first as ArchiveKind)
    if (start < 0) throw new PlugboardError('INVALID', 'this is no cursor of an archive')
    try {
      for (const kind of ARCHIVE_KINDS.slice(start)) {
        for await (const { records, last } of this.#reader.pages(kind, kind === first ? from : '')) {
          yield { records, cursor: `${kind} ${last}` }
        }
      }
    } catch (error) {
      throw toStoreError(error)
    }
  }

  async write(records: readonly ArchiveRecord[]): Promise<void> {
    try {
      await this.#writer.write(records)
    } catch (error) {
      throw toStoreError(error)
    }
  }

  async count(): Promise<Counts> {
    try {
      return await this.#reader.count()
    } catch (error) {
      throw toStoreError(error)
    }
  }
}
