import { type Id, isId, isJsonObject, type Json, parseJsonObject } from '@plugboard/core'

/** What the last entry of a merged user says. */
export interface MergedUser {
  /** The user that it was merged into. */
  into: Id
  /** Its external id. */
  externalId?: Json
}

/** Parses the last entry of a merged user; undefined if it is none. Never throws. */
export function mergedUserOf(entry: { payload: string }): MergedUser | undefined {
  const { into, externalId } = parseJsonObject(entry.payload)
  if (typeof into !== 'string' || !isId(into)) return undefined
  return { into, ...(isJsonObject(externalId) && { externalId }) }
}
