import { invalid } from './errors.js'

/** Limits for JSON and form bodies from outside. The cost of processing a body grows with these numbers. */
export const bodyLimits = {
  /** Maximum nesting of objects and arrays. */
  jsonLevels: 100,
  /** Maximum number of object members and array items, over all levels. */
  jsonValues: 10_000,
  /** Maximum number of form fields. */
  formFields: 1_000,
} as const

/** Bytes that the scanner distinguishes. */
const [QUOTE, AMPERSAND, COMMA, BACKSLASH] = [0x22, 0x26, 0x2c, 0x5c]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Returns which limit a JSON text exceeds, as a phrase such as `may nest 100 levels at most`, or undefined. It only
 * counts brackets and commas outside of strings, so a megabyte takes one or two milliseconds. It does not validate the
 * JSON. `maxValues` replaces `jsonValues` of the {@link bodyLimits}.
 */
export function jsonFault(
  json: Uint8Array,
  { maxValues = bodyLimits.jsonValues as number } = {},
): string | undefined {
  const { jsonLevels } = bodyLimits
  let levels = 0
  let values = 0
  let isInText = false
  for (let i = 0; i < json.length; i += 1) {
    const byte = json[i]
    if (isInText) {
      if (byte === BACKSLASH) i += 1
      else if (byte === QUOTE) isInText = false
    } else if (byte === QUOTE) isInText = true
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) {
      levels += 1
      values += 1
      if (levels > jsonLevels) return `may nest ${jsonLevels} levels at most`
    } else if (byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) levels -= 1
    else if (byte === COMMA) values += 1
    if (values > maxValues) return `may hold ${maxValues} values at most`
  }
  return undefined
}

/** Returns which limit a form exceeds, as a phrase, or undefined. */
export function formFault(form: Uint8Array): string | undefined {
  const { formFields } = bodyLimits
  let fields = 1
  for (let at = form.indexOf(AMPERSAND); at !== -1; at = form.indexOf(AMPERSAND, at + 1)) {
    fields += 1
    if (fields > formFields) return `may have ${formFields} fields at most`
  }
  return undefined
}

/**
 * Parses JSON of a provider within the {@link bodyLimits}. `field` names it in the error; `maxValues` is the channel's own
 * limit ({@link InboundShape}).
 * @throws PlugboardError INVALID; the message never quotes the JSON
 */
export function readJson(
  json: Uint8Array | string,
  field = 'body',
  limits: { maxValues?: number } = {},
): unknown {
  const bytes = typeof json === 'string' ? new TextEncoder().encode(json) : json
  const fault = jsonFault(bytes, limits)
  if (fault !== undefined) throw invalid({ path: [field], message: fault })
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw invalid({ path: [field], message: 'must be JSON in UTF-8' })
  }
}
