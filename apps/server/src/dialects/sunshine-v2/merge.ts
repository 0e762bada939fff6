import type { JsonObject } from '@plugboard/core'
import { badRequest } from './errors.js'
import { isSmallMetadata } from './schemas.js'

/** What a caller says of some fields: undefined leaves one as it is, null takes it away. */
export function changed<T extends object>(known: T, fields: { [K in keyof T]?: T[K] | null | undefined }): T {
  const next = { ...known } as Record<string, unknown>
  for (const [key, value] of Object.entries(fields)) {
    if (value === null) delete next[key]
    else if (value !== undefined) next[key] = value
  }
  return next as T
}

/**
 * Metadata after a change: key by key, null taking one away; null in place of the whole takes all away.
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
