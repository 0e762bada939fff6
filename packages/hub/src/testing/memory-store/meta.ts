import type { Database, Methods } from './database.js'

/** A few named texts of the whole store. */
export const metaMethods = ({ meta }: Database) =>
  ({
    getMeta: (key) => meta.get(key),

    putMeta(key, value) {
      meta.set(key, value)
    },

    putMetaIfAbsent(key, value) {
      const known = meta.get(key)
      if (known !== undefined) return known
      meta.set(key, value)
      return value
    },

    replaceMeta(key, from, to) {
      if (meta.get(key) !== from) return false
      meta.set(key, to)
      return true
    },
  }) satisfies Partial<Methods>
