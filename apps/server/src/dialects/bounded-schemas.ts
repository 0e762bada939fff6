import type { Json, JsonObject } from '@plugboard/core'
import { z } from 'zod'

/** Schemas that reject oversized values before they validate the parts. */

/** Maximum size of metadata or attributes, in bytes of JSON. */
export const MAX_METADATA_BYTES = 16_384

type Fault = Parameters<z.core.$RefinementCtx['addIssue']>[0]

/** Checks with `faultOf` before `schema`; in the document it is `schema`. */
const bounded = <T extends z.ZodType>(schema: T, faultOf: (value: unknown) => Fault | undefined) =>
  z.preprocess((value: unknown, context) => {
    const fault = faultOf(value)
    if (fault === undefined) return value
    context.addIssue(fault)
    return z.NEVER
  }, schema)

/** A list whose length is checked before its items. `message`: the dialect's own error message. */
export const few = <T extends z.ZodType>(
  item: T,
  { min = 0, max, message }: { min?: number; max: number; message?: string },
) =>
  bounded(z.array(item).min(min).max(max), (value) => {
    if (!Array.isArray(value) || (value.length >= min && value.length <= max)) return undefined
    if (message !== undefined) return { code: 'custom', message }
    return value.length > max ? tooBig('array', max, value) : undefined
  })

/** An object with any keys, whose number is checked before the values. */
export const fewMembers = <T extends z.ZodType>(value: T, max: number) =>
  bounded(z.record(z.string(), value), (given) =>
    typeof given === 'object' && given !== null && Object.keys(given).length > max
      ? { code: 'custom', message: `must have at most ${max} members` }
      : undefined,
  )

/** A text whose length is checked before its format. */
export const short = <T extends z.ZodType>(text: T, max: number) =>
  bounded(text, (value) =>
    typeof value === 'string' && value.length > max ? tooBig('string', max, value) : undefined,
  )

/** A value of at most `max` bytes as JSON. `message`: of the fault. */
export const small = <T extends z.ZodType>(schema: T, max: number, message: string) =>
  bounded(schema, (value) =>
    isSmall(value, max) ? undefined : { code: 'custom', message, params: { isTooLarge: true } },
  )

/** Whether a value has at most this many bytes as JSON. */
export const isSmall = (value: unknown, maxBytes: number): boolean =>
  Buffer.byteLength(JSON.stringify(value) ?? '') <= maxBytes

/** A fault that is one of size, whatever the dialect answers to that. */
export const isTooLarge = (issue: z.core.$ZodIssue): boolean =>
  issue.code === 'custom' && issue.params?.isTooLarge === true

/** Any object of a body. It comes from a JSON parser, so it is valid JSON. */
export const jsonObject = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be of type object',
  )
  .meta({ type: 'object', additionalProperties: {} })

/** Any value from a JSON parser. */
export const jsonValue = z.custom<Json>().meta({})

const tooBig = (origin: 'array' | 'string', maximum: number, input: unknown): Fault => ({
  code: 'too_big',
  origin,
  maximum,
  inclusive: true,
  input,
})
