import { type Json, type JsonObject, truncate } from '@plugboard/core'

/** What is read off payloads that another API, a bot or a channel wrote: any JSON object. Pure, and never throws. */

/** Longest name of a type that is shown. */
const MAX_TYPE = 100

/** A text, or a number or boolean as text; undefined for anything else. */
export function textIn(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** As {@link textIn}; an empty text is none. */
export const wordsIn = (value: Json | undefined): string | undefined => textIn(value) || undefined

/** A finite number within a range, or such a number as a text. */
export function numberIn(value: Json | undefined, min: number, max: number): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && number >= min && number <= max ? number : undefined
}

/** The type of a payload; `message` where it has none. */
export const typeIn = ({ type }: JsonObject): string =>
  typeof type === 'string' && type.trim() !== '' ? truncate(type, MAX_TYPE).toWellFormed() : 'message'

/** What stands for a payload that an API has no words for: its own text, or else its type. */
export const placeholderOf = (payload: JsonObject): string => wordsIn(payload.text) ?? `[${typeIn(payload)}]`
