import { access } from 'node:fs/promises'
import { invalid, PlugboardError } from '@plugboard/core'
import { ARCHIVE_KINDS, type ArchivedStore, type Counts } from '@plugboard/hub'
import { type Database, databaseOf } from '../../config/database.js'
import type { Config } from '../../config/read-config.js'
import { settings } from '../../config/settings.js'
import { openStore } from '../open-store.js'
import { preparePlaces } from '../prepare-folders.js'
import { assertNotRotating } from '../rotate-key.js'
import { copyBlobs } from './blobs.js'
import { planKey } from './key.js'
import { assertCopied, beginCopy, type Mark, writeMark } from './mark.js'

/** Source and target of a copy, in the format of DATABASE_URL. */
export interface CopyOptions {
  from: string
  to: string
  /** Called with the number of copied records and the total. */
  onProgress?(records: number, total: number): void
}

/** A complete copy: the counts of both databases, and the next step for the operator. */
export interface Copied {
  from: string
  to: string
  counts: Counts
  /** Files of clients. */
  attachments: number
  next: string
}

/**
 * Copies everything to an empty database of any kind. An interrupted copy continues when run again. Until it is complete,
 * no server starts on the target.
 * @throws CONFLICT if the target has other data, if either is open or incomplete, or if the counts differ at the end
 */
export async function copy(config: Config, options: CopyOptions): Promise<Copied> {
  const source = databaseFrom(config, '--from', options.from)
  const target = databaseFrom(config, '--to', options.to)
  if (source.place === target.place) throw invalid({ path: ['--to'], message: 'must differ from --from' })
  if (source.kind === 'sqlite') await assertThere(source.place)
  const input = await openStore({ ...config, databaseUrl: options.from })
  try {
    await assertNotRotating(input)
    await assertCopied(input)
    if (isEmpty(await input.archive.count()))
      throw new PlugboardError('INVALID', `nothing to copy: ${source.label} is empty`)
    await preparePlaces({ ...config, databaseUrl: options.to })
    const key = await planKey(config, input, source, target)
    const output = await openStore({ ...config, databaseUrl: options.to })
    try {
      const mark = await beginCopy(input, output)
      await key.place()
      const done = await finish(config, input, output, mark, options)
      return { from: source.label, to: target.label, ...done, next: key.next }
    } finally {
      await output.close()
    }
  } finally {
    await input.close()
  }
}

function databaseFrom({ workingFolder }: Config, option: string, text: string): Database {
  const parsed = settings.databaseUrl.schema.safeParse(text)
  if (parsed.success) return databaseOf({ databaseUrl: parsed.data, workingFolder })
  throw invalid(...parsed.error.issues.map(({ message }) => ({ path: [option], message })))
}

/** To open a file makes it. */
async function assertThere(file: string): Promise<void> {
  await access(file).catch((cause) => {
    throw new PlugboardError('INVALID', `nothing to copy: ${file} does not exist`, { cause })
  })
}

const isEmpty = (counts: Counts): boolean => Object.values(counts).every((count) => count === 0)

/** Does what is left of a copy. */
async function finish(
  config: Config,
  input: ArchivedStore,
  output: ArchivedStore,
  mark: Mark,
  { from, to, onProgress }: CopyOptions,
): Promise<Pick<Copied, 'counts' | 'attachments'>> {
  if (mark.isDone) return { counts: await output.archive.count(), attachments: mark.blobs?.count ?? 0 }
  const last = await transfer(input, output, mark, onProgress)
  const counts = await compare(input, output)
  const { blobPath, workingFolder } = config
  const places = { from, to, workingFolder, ...(blobPath !== undefined && { blobPath }) }
  const blobs = await copyBlobs(places, last.blobs ?? { count: 0 }, (copied) =>
    writeMark(output, { ...last, blobs: copied }),
  )
  await writeMark(output, { ...last, blobs, isDone: true })
  return { counts, attachments: blobs.count }
}

/** Reads a page while the one before it is written. */
async function transfer(
  { archive: from }: ArchivedStore,
  output: ArchivedStore,
  begun: Mark,
  onProgress: CopyOptions['onProgress'],
): Promise<Mark> {
  const total = Object.values(await from.count()).reduce((sum, count) => sum + count, 0)
  const pages = from.read(begun.cursor)[Symbol.asyncIterator]()
  let mark = begun
  let next = pages.next()
  for (let page = await next; !page.done; page = await next) {
    next = pages.next()
    // It is asked for once more when its turn comes.
    next.catch(() => undefined)
    const { records, cursor } = page.value
    await output.archive.write(records)
    mark = { ...mark, records: mark.records + records.length, cursor }
    await writeMark(output, mark)
    onProgress?.(mark.records, total)
  }
  return mark
}

/** @throws CONFLICT when the two do not have the same */
async function compare(input: ArchivedStore, output: ArchivedStore): Promise<Counts> {
  const [there, here] = [await input.archive.count(), await output.archive.count()]
  const differing = ARCHIVE_KINDS.filter((kind) => there[kind] !== here[kind])
  if (differing.length === 0) return here
  const words = differing.map((kind) => `${there[kind]} of ${kind} became ${here[kind]}`).join(', ')
  throw new PlugboardError(
    'CONFLICT',
    `the copy is incomplete (${words}): stop every server on either database, empty the target and copy again`,
  )
}
