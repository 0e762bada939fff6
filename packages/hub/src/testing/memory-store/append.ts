import type { Entry } from '../../log/entry.js'
import { movedActivity } from '../../log/recent.js'
import type { Append, Appended } from '../../ports/store.js'
import { type Database, keyOf, type Methods } from './database.js'
import { findEntry } from './entries.js'
import { isFree, soon, take, wake } from './leases.js'
import { type Owner, owesSomething, type Stream } from './stream.js'

/** What a stream is made with. */
type NewStream = Pick<Stream, 'clientId' | 'streamId' | 'kind' | 'createdAt' | 'userId' | 'data'> & {
  endpoints?: Stream['endpoints']
}

/** How a stream begins and grows. */
export const appendMethods = (database: Database, owner: Owner) =>
  ({
    append({ clientId, streamId, kind, entry, resolve }) {
      const known = database.find(clientId, streamId)
      if (known ? known.kind !== kind || known.deletedAt : kind !== 'integration') return undefined
      const duplicate = known && findDuplicate(database, known, entry)
      if (duplicate) return alreadyThere(database, duplicate)
      const { userId, endpoints = [] } = known ?? {}
      const resolved = resolve({ ...(userId !== undefined && { userId }), endpoints })
      const stream = known ?? begin(database, { clientId, streamId, kind, createdAt: entry.at })
      return add(database, owner, stream, entry, resolved)
    },
  }) satisfies Partial<Methods>

/** A stream without entries, to which the first one has to be added in the same call. */
export function begin(database: Database, { endpoints = [], ...fields }: NewStream): Stream {
  const stream: Stream = {
    ...structuredClone(fields),
    ...{ endpoints, entries: [], order: database.nextOrder() },
    ...{ scanned: 0, lanes: {}, nextAt: undefined, holder: undefined, fence: 0, isWoken: false },
    ...(fields.kind === 'conversation' && { activeAt: new Date(fields.createdAt) }),
  }
  database.streams.set(keyOf(stream.clientId, stream.streamId), stream)
  return stream
}

/** Puts an entry at the end of a stream. Of a `NewEntry` both arguments are that. */
export function add(
  database: Database,
  owner: Owner,
  stream: Stream,
  { claim, ...given }: Append['entry'],
  { owes, channel }: ReturnType<Append['resolve']>,
): Appended {
  const wasIdle = !stream.holder && !owesSomething(stream)
  const { clientId, streamId, userId } = stream
  const place = { clientId, streamId, seq: stream.entries.length + 1, at: timeAfter(stream, given.at) }
  const entry: Entry = structuredClone({
    ...{ ...given, ...place, owes },
    ...(channel !== undefined && { channel }),
  })
  stream.entries.push(entry)
  database.announceAppend((watcher) => watcher.appended({ clientId, streamId }, entry.seq))
  if (entry.type === 'message') {
    stream.order = database.nextOrder()
    if (stream.activeAt)
      stream.activeAt = new Date(movedActivity(stream.activeAt.getTime(), entry.at.getTime()))
  }
  const appended = { entry, duplicate: false, ...(userId !== undefined && { userId }) }
  if (owes.length === 0) {
    if (wasIdle) stream.scanned = entry.seq
    return appended
  }
  if (claim && isFree(stream, database.now())) return { ...appended, claimed: take(database, stream, owner) }
  // A holder learns of the entry from the answer to its next mark.
  if (!stream.holder) wake(database, stream, soon(database, stream))
  return appended
}

/** The answer to one who appends what is there. */
export function alreadyThere(database: Database, entry: Entry): Appended {
  const userId = database.find(entry.clientId, entry.streamId)?.userId
  return { entry, duplicate: true, ...(userId !== undefined && { userId }) }
}

/** The time of the next entry: times never run against the numbers. */
function timeAfter({ entries }: Stream, at: Date): Date {
  const before = entries.at(-1)
  return before && at < before.at ? before.at : at
}

function findDuplicate(
  database: Database,
  stream: Stream,
  { id, dedupe }: Append['entry'],
): Entry | undefined {
  const byId = findEntry(database, stream.clientId, id)
  if (byId || dedupe === undefined) return byId
  return stream.entries.find((entry) => entry.dedupe === dedupe)
}
