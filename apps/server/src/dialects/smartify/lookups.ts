import { isPlugboardError } from '@plugboard/core'
import type { Lookups } from '@plugboard/hub'

/** Looks each user up once: messages of a list are of few. */
export function remembering(lookups: Lookups): Lookups {
  const users = new Map<string, ReturnType<Lookups['user']>>()
  return {
    ...lookups,
    user(id) {
      const known = users.get(id) ?? lookups.user(id)
      users.set(id, known)
      return known
    },
  }
}

/** Undefined for what is not there. */
export async function orNone<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked
  } catch (error) {
    if (isPlugboardError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
