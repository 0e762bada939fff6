import { type NewAttempt, newestOfEach } from '../../log/attempt.js'
import { type Database, keyOf, type Methods } from './database.js'

/** The history of attempts at deliveries. */
export function attemptMethods(database: Database) {
  const { attempts } = database
  const rowOf = ({ clientId, streamId, seq, target, at }: NewAttempt): string =>
    keyOf(clientId, streamId, `${seq}`, target, `${at.getTime()}`)
  const isSameDelivery = (a: NewAttempt, b: NewAttempt): boolean =>
    a.clientId === b.clientId && a.streamId === b.streamId && a.seq === b.seq && a.target === b.target
  return {
    recordAttempts(added) {
      for (const attempt of added) {
        const row = rowOf(attempt)
        if (attempts.has(row) || !database.find(attempt.clientId, attempt.streamId)) continue
        attempts.set(row, structuredClone(attempt))
        const all = [...attempts.values()].filter((other) => isSameDelivery(other, attempt))
        const kept = newestOfEach(all)
        for (const each of all) if (!kept.includes(each)) attempts.delete(rowOf(each))
      }
    },

    listAttempts({ clientId, streamId }, entries) {
      const found = [...attempts.values()]
        .filter((each) => each.clientId === clientId && each.streamId === streamId)
        .filter((each) => entries.some(({ seq }) => seq === each.seq))
      return newestOfEach(found).map(({ clientId: _, streamId: __, isPrompt: ___, ...attempt }) => attempt)
    },

    purgeAttempts(before, limit) {
      const old = [...attempts.values()]
        .filter(({ at }) => at < before)
        .sort((a, b) => a.at.getTime() - b.at.getTime())
        .slice(0, limit)
      for (const attempt of old) attempts.delete(rowOf(attempt))
      return old.length
    },
  } satisfies Partial<Methods>
}
