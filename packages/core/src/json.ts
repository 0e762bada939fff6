/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** A JSON object. */
export type JsonObject = { [key: string]: Json }

/** Whether a JSON value is an object, not an array or null. */
export const isJsonObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Parses a JSON object. Returns an empty object for other JSON and for invalid JSON. Never throws. */
export function parseJsonObject(text: string): JsonObject {
  try {
    const value: Json = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** Converts a value to a JSON object, without undefined members. Empty if the value is not an object. */
export const jsonObjectOf = (value: unknown): JsonObject => parseJsonObject(JSON.stringify(value) ?? '')

/**
 * Whether a text can be an id, a name or a key in every store: it contains no NUL and no lone surrogate. UTF-8 cannot
 * encode lone surrogates, so two different texts would become equal.
 */
export const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed()
