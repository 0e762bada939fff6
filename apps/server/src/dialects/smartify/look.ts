import { isPlugboardError } from '@plugboard/core'
import type { Look } from '@plugboard/hub'

/** Looks each user up once: messages of a list are of few. */
export function remembering(look: Look): Look {
  const users = new Map<string, ReturnType<Look['user']>>()
  return {
    ...look,
    user(id) {
      const known = users.get(id) ?? look.user(id)
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
