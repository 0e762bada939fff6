import type { JsonObject } from '@plugboard/core'
import { badRequest } from './errors.js'
import { isSmallMetadata } from './schemas.js'

/** A partial update: undefined keeps a field, null removes it. */
export function changed<T extends object>(known: T, fields: { [K in keyof T]?: T[K] | null | undefined }): T {
  const next = { ...known } as Record<string, unknown>
  for (const [key, value] of Object.entries(fields)) {
    if (value === null) delete next[key]
    else if (value !== undefined) next[key] = value
  }
  return next as T
}

/**
 * Merges metadata key by key: null removes a key, and null as the whole value removes all keys.
 * @throws bad_request when it gets too big
 */
export function mergedMetadata(
  of: string,
  old: JsonObject | undefined,
  given: JsonObject | null | undefined,
): JsonObject | null | undefined {
  if (given === undefined || given === null) return given
  const merged = changed({ ...old }, given)
  if (!isSmallMetadata(merged)) throw badRequest(`${of} metadata is limited to 4096 bytes in size.`)
  return merged
}
