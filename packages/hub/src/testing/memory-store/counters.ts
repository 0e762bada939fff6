import { type Database, keyOf, type Methods } from './database.js'

export const counterMethods = ({ counters }: Database) =>
  ({
    increment(clientId, name, by = 1) {
      const value = (counters.get(keyOf(clientId, name))?.value ?? 0) + by
      counters.set(keyOf(clientId, name), { clientId, value })
      return value
    },
  }) satisfies Partial<Methods>
