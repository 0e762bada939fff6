import { type Database, keyOf, type Methods } from './database.js'

export const idempotencyKeyMethods = ({ idempotencyKeys }: Database) =>
  ({
    claimKey({ expiresBefore, ...claim }) {
      const row = keyOf(claim.clientId, claim.key)
      const known = idempotencyKeys.get(row)
      if (known && known.at >= expiresBefore) return { ...known, fresh: false }
      idempotencyKeys.set(row, structuredClone(claim))
      return { ...claim, fresh: true }
    },

    purgeKeys(before, limit) {
      const old = [...idempotencyKeys].filter(([, { at }]) => at < before).slice(0, limit)
      for (const [row] of old) idempotencyKeys.delete(row)
      return old.length
    },
  }) satisfies Partial<Methods>
