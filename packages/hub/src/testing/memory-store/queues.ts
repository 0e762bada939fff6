import type { Id } from '@plugboard/core'
import type { Database, Methods, QueueRow } from './database.js'
import { keyOf } from './database.js'

/** Numbered queues of clients. The newest item of a queue is never removed, so that its numbers go on. */
export function queueMethods(database: Database) {
  const { queued } = database
  const itemsOf = (clientId: Id, queueId: Id): QueueRow[] =>
    [...queued.values()]
      .filter((row) => row.clientId === clientId && row.queueId === queueId)
      .sort((a, b) => a.n - b.n)
  return {
    enqueue(clientId, queueId, items) {
      for (const item of items) {
        const rows = itemsOf(clientId, queueId)
        if (rows.some(({ streamId, seq }) => streamId === item.streamId && seq === item.seq)) continue
        const n = (rows.at(-1)?.n ?? 0) + 1
        queued.set(keyOf(clientId, queueId, `${n}`), { ...structuredClone(item), n, clientId, queueId })
        database.announce((watcher) => watcher.queued(queueId))
      }
    },

    readQueue: (clientId, queueId, { after, limit, userId }) =>
      itemsOf(clientId, queueId)
        .filter((row) => row.n > after && (userId === undefined || row.userId === userId))
        .slice(0, limit)
        .map(({ clientId: _, queueId: __, ...item }) => item),

    queueEnds(clientId, queueId) {
      const rows = itemsOf(clientId, queueId)
      const [oldest, newest] = [rows[0], rows.at(-1)]
      return oldest && newest && { first: oldest.n, last: newest.n }
    },

    purgeQueue(clientId, queueId, before, limit) {
      const rows = itemsOf(clientId, queueId).slice(0, -1)
      const kept = rows.findIndex(({ at }) => at >= before)
      const old = rows.slice(0, kept < 0 ? rows.length : kept).slice(0, limit)
      for (const { n } of old) queued.delete(keyOf(clientId, queueId, `${n}`))
      return old.length
    },
  } satisfies Partial<Methods>
}
