import { randomBytes } from 'node:crypto'
import { type Id, PlugboardError } from '@plugboard/core'
import { type ArchivedStore, COPY_META, type Store } from '@plugboard/hub'

/** In a source: identifies its copies, until a server starts on it again. */
const SOURCE = `${COPY_META}source`
/** In a target: a {@link Mark}. */
const TARGET = `${COPY_META}target`

/** Progress of a copy, stored in the target. */
export interface Mark {
  /** Identifies the source. */
  id: string
  /** Number of copied records. */
  records: number
  /** Where to continue. */
  cursor?: string
  /** Uploaded files, which are copied after the records. */
  blobs?: CopiedBlobs
  isDone: boolean
}

/** Number of copied files, and the last of them. */
export interface CopiedBlobs {
  count: number
  after?: { clientId: Id; id: Id }
}

/** A copy marks the target before it writes anything. @throws CONFLICT if the copy is incomplete */
export async function assertCopied(store: Store): Promise<void> {
  const mark = await markOf(store)
  if (mark && !mark.isDone)
    throw new PlugboardError(
      'CONFLICT',
      'a copy into this database was interrupted: run `plugboard copy` again',
    )
}

/** The store may change from now on, so interrupted copies from it cannot continue. */
export async function endCopiesFrom(store: Store): Promise<void> {
  if (await store.getMeta(SOURCE)) await store.putMeta(SOURCE, '')
}

/**
 * Starts a copy, or continues an interrupted one.
 * @throws CONFLICT if the target has data of anything else
 */
export async function beginCopy(source: Store, target: ArchivedStore): Promise<Mark> {
  const id = await nameOf(source)
  const known = await markOf(target)
  if (known) return assertMine(known, id)
  const counts = Object.values(await target.archive.count())
  if (counts.some((count) => count > 0))
    throw new PlugboardError('CONFLICT', 'the target is not empty: copy into an empty database')
  const mark = { id, records: 0, isDone: false }
  return assertMine(fromText(await target.putMetaIfAbsent(TARGET, JSON.stringify(mark))), id)
}

export const writeMark = (target: Store, mark: Mark): Promise<void> =>
  target.putMeta(TARGET, JSON.stringify(mark))

async function nameOf(source: Store): Promise<string> {
  const fresh = randomBytes(12).toString('hex')
  const known = await source.putMetaIfAbsent(SOURCE, fresh)
  if (known !== '') return known
  await source.replaceMeta(SOURCE, '', fresh)
  return (await source.getMeta(SOURCE)) ?? fresh
}

function assertMine(mark: Mark, id: string): Mark {
  if (mark.id === id) return mark
  throw new PlugboardError(
    'CONFLICT',
    'the target holds a copy of another database, or of this one before a server last started on it: empty the target',
  )
}

async function markOf(store: Store): Promise<Mark | undefined> {
  const text = await store.getMeta(TARGET)
  return text === undefined ? undefined : fromText(text)
}

const fromText = (text: string): Mark => JSON.parse(text) as Mark
