/** A value that JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A JSON object. */
export type JsonObject = { [key: string]: Json }

/** Whether a JSON value is an object: neither a list nor null. */
export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The object that a JSON text holds; an empty one where the text holds anything else, or is no JSON. Never throws. */
export function parseJsonObject(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** A value as JSON keeps it: without members that are undefined. An empty object where that is no object. */
export const jsonObjectOf = (value: unknown): JsonObject => parseJsonObject(JSON.stringify(value) ?? '')

/**
 * Whether a text can be an id, a name or a key in every store: it holds no NUL, and no half of a surrogate pair
 * (which UTF-8 cannot carry, so that two different texts would become one).
 */
export const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()
