import type { Id } from '@plugboard/core'
import { type Database, keyOf, type Methods } from './database.js'
import type { Stream } from './stream.js'

/** Removes what is not needed any more, in slices: a call removes no more rows than its limit. */
export const purgeMethods = (database: Database) =>
  ({
    purgeClient(clientId, limit) {
      let left = limit - removeStreams(database, database.streamsOf(clientId), limit)
      const { people, idempotencyKeys, documents, counters, queued, pulls } = database
      for (const table of [people, idempotencyKeys, documents, counters, queued, pulls])
        left -= removeRows(table, clientId, left)
      // The client goes last, so that a purge that was interrupted can be taken up again.
      if (left > 0 && database.clients.delete(clientId))
        database.announce((watcher) => watcher.clientChanged(clientId))
      return left > 0
    },

    purgeDeleted: (limit) =>
      removeStreams(
        database,
        [...database.streams.values()].filter((stream) => isOver(stream) && !isAwaited(database, stream)),
        limit,
      ),
  }) satisfies Partial<Methods>

/** Deleted, and its last entry is delivered. */
const isOver = ({ deletedAt, holder, nextAt }: Stream): boolean =>
  deletedAt !== undefined && !holder && !nextAt

/** Some of its entries wait for readers of a pull webhook. */
const isAwaited = ({ pulls }: Database, { streamId }: Stream): boolean =>
  [...pulls.values()].some((lane) => lane.streamId === streamId && lane.dueAt !== undefined)

/** Each stream is a row, and each of its entries; the newest entries go first. Answers how many rows went. */
function removeStreams(database: Database, streams: readonly Stream[], limit: number): number {
  let left = limit
  for (const { clientId, streamId, entries } of streams) {
    for (const [row, attempt] of database.attempts) {
      if (left === 0) break
      if (attempt.clientId !== clientId || attempt.streamId !== streamId) continue
      database.attempts.delete(row)
      left -= 1
    }
    while (left > 0 && entries.pop()) left -= 1
    if (left === 0) break
    database.streams.delete(keyOf(clientId, streamId))
    left -= 1
  }
  return limit - left
}

function removeRows(table: Map<string, { clientId: Id }>, clientId: Id, limit: number): number {
  const rows = [...table].filter(([, row]) => row.clientId === clientId).slice(0, limit)
  for (const [key] of rows) table.delete(key)
  return rows.length
}
