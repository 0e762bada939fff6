import type { Id } from '@plugboard/core'
import type { Archive, ArchivedStore, ArchiveRecord } from '../../ports/archive.js'
import { same } from '../store-suite/assertions.js'
import type { OpenStore } from '../store-suite/open-store.js'
import { Scene } from '../store-suite/scene.js'

/** A store that was made for one case, and can be copied. */
export type OpenArchive = OpenStore & { store: ArchivedStore }

/** Where the stores of a case come from. */
export interface Stores {
  /** Opens a fresh and empty store; asked several times for each case. */
  create(): Promise<OpenArchive>
  /** Opens one of another kind, which each copy then goes through on its way. Default: none. */
  through?(): Promise<OpenArchive>
}

export type Cases = Readonly<Record<string, (copies: Copies) => Promise<void>>>

/** Stores, and the way from one to another. */
export class Copies {
  readonly #suite: Stores
  readonly #open: OpenStore[] = []

  constructor(suite: Stores) {
    this.#suite = suite
  }

  async fresh(create = this.#suite.create): Promise<{ scene: Scene; archive: Archive }> {
    const open = await create()
    this.#open.push(open)
    return { scene: new Scene(open), archive: open.store.archive }
  }

  /** A copy that went the whole way. */
  async copy(archive: Archive): Promise<{ scene: Scene; archive: Archive }> {
    const { through } = this.#suite
    const middle = through && (await this.fresh(through))
    if (middle) await middle.archive.write(await recordsOf(archive))
    const copy = await this.fresh()
    for await (const { records } of (middle?.archive ?? archive).read()) await copy.archive.write(records)
    return copy
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((open) => open.close()))
  }
}

export const recordsOf = async (archive: Archive, after?: string): Promise<ArchiveRecord[]> => {
  const all: ArchiveRecord[] = []
  for await (const { records } of archive.read(after)) all.push(...records)
  return all
}

/** The records of the next page; none after the last one. */
export const firstOf = async (archive: Archive, after: string): Promise<readonly ArchiveRecord[]> => {
  for await (const { records } of archive.read(after)) return records
  return []
}

/** Stores keep an order of their own within a kind. */
const sorted = (records: readonly ArchiveRecord[]): ArchiveRecord[] =>
  records
    .map((record) => ({ record, text: JSON.stringify(record, Object.keys(record).sort()) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ record }) => record)

export const sameRecords = async (a: Archive, b: Archive): Promise<void> =>
  same(sorted(dated(await recordsOf(a))), sorted(dated(await recordsOf(b))))

/** Where a message was refused as a duplicate, a store may have its time as that of the newest: here it is by entries. */
function dated(records: readonly ArchiveRecord[]): ArchiveRecord[] {
  const newest = new Map<Id, Date>()
  for (const record of records)
    if (record.kind === 'entry' && record.type === 'message') {
      const known = newest.get(record.streamId)
      if (!known || known < record.at) newest.set(record.streamId, record.at)
    }
  return records.map((record) => {
    if (record.kind !== 'conversation') return record
    const { lastMessageAt: _, ...rest } = record
    const lastMessageAt = newest.get(record.id)
    return lastMessageAt ? { ...rest, lastMessageAt } : rest
  })
}
