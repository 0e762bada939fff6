import { fromUuid, type Id, invalid, isId, PlugboardError } from '@plugboard/core'
import { z } from 'zod'

/** An id in a path, in either form. @throws NOT_FOUND for a text that is none */
export function idInPath(text: string, what: string): Id {
  const id = isId(text) ? text : fromUuid(text)
  if (!id) throw new PlugboardError('NOT_FOUND', `${what} not found`)
  return id
}

/** An id in a query or a body, in either form. @throws INVALID */
export function idIn(text: string, path: readonly string[], what: string): Id {
  const id = isId(text) ? text : fromUuid(text)
  if (!id) throw invalid({ path: [...path], message: `must be the id of ${what}` })
  return id
}

/** A cursor that only this server can read sense into. */
export const cursorOf = (place: object): string => Buffer.from(JSON.stringify(place)).toString('base64url')

/** @throws INVALID */
export function placeIn<T>(cursor: string | undefined, schema: z.ZodType<T>): T | undefined {
  if (cursor === undefined) return undefined
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw invalid({ path: ['cursor'], message: 'must be `next` of a page of this list' })
  }
}

export const idSchema = z.custom<Id>((value) => typeof value === 'string' && isId(value))
export const timeSchema = z.iso.datetime().transform((text) => new Date(text))
