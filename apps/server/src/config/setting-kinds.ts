import { z } from 'zod'
import { formatDuration, parseDuration } from './duration.js'

/** A type of setting: how to parse its text and how to show its value. */
export interface Kind<Value> {
  /** Returns undefined if the text does not fit. May throw an error with a more exact reason, without the value. */
  parse(text: string): Value | undefined
  /** Ends the error message that starts with `must be`. */
  expected: string
  show(value: Value): string
}

/** One setting. */
interface Setting<Schema extends z.ZodType = z.ZodType> {
  /** Name of the environment variable. */
  key: string
  /** The default, in the syntax of the environment. Without one, the setting is unset. */
  initial?: string
  meaning: string
  schema: Schema
  show(value: z.output<Schema>): string
}

/** Declares a setting with a default. */
export function setting<Value>(key: string, kind: Kind<Value>, initial: string, meaning: string) {
  const schema = schemaOf(kind).prefault(initial)
  return { key, initial, meaning, schema, show: kind.show } satisfies Setting<typeof schema>
}

/** Declares a setting without a default. */
export function optional<Value>(key: string, kind: Kind<Value>, meaning: string) {
  const schema = schemaOf(kind).optional()
  return {
    key,
    meaning,
    schema,
    show: (value) => (value === undefined ? '' : kind.show(value)),
  } satisfies Setting<typeof schema>
}

function schemaOf<Value>({ parse, expected }: Kind<Value>) {
  return z.string().transform((text, context): Value => {
    try {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: `must be ${expected}` })
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
    }
    return z.NEVER
  })
}

/** Replaces a secret in logs. */
export const MASK = '***'

export const integer = (min: number, max: number): Kind<number> => ({
  parse: (text) => within(/^\d{1,15}$/.test(text) ? Number(text) : undefined, min, max),
  expected: `a whole number from ${min} to ${max}`,
  show: String,
})

const MEBIBYTE = 1_048_576
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: MEBIBYTE }

export const bytes = (min: number, max: number): Kind<number> => ({
  parse(text) {
    const [, amount, unit = 'B'] = /^(\d{1,9})(B|KiB|MiB)?$/.exec(text) ?? []
    return within(amount === undefined ? undefined : Number(amount) * (BYTES[unit] ?? 1), min, max)
  },
  expected: `a number of bytes such as 65536, 64KiB or 1MiB, from ${min} to ${max}`,
  show: (value) => (value % MEBIBYTE === 0 ? `${value / MEBIBYTE}MiB` : String(value)),
})

export const duration = (minMs: number): Kind<number> => ({
  parse: (text) => within(parseDuration(text), minMs, Number.POSITIVE_INFINITY),
  expected: `a duration such as 500ms, 10s or 2m, from ${formatDuration(minMs)} to 24d`,
  show: formatDuration,
})

const DECADE_MS = 3_650 * 24 * 60 * 60 * 1000

/** A duration that no timer measures, so it may exceed the longest timer. */
export const age = (minMs: number): Kind<number> => ({
  parse: (text) => within(parseDuration(text, DECADE_MS), minMs, Number.POSITIVE_INFINITY),
  expected: `a duration such as 500ms, 10s or 2m, from ${formatDuration(minMs)} to ${formatDuration(DECADE_MS)}`,
  show: formatDuration,
})

/** A list of durations. */
export const durations: Kind<readonly number[]> = {
  parse(text) {
    const list = text.split(',').map((each) => parseDuration(each))
    return list.every((ms) => ms !== undefined) ? list : undefined
  },
  expected: 'a comma-separated list of durations such as 1s,5s,1m',
  show: (value) => value.map(formatDuration).join(','),
}

export const oneOf = <const Value extends string>(...values: readonly Value[]): Kind<Value> => ({
  parse: (text) => values.find((value) => value === text),
  expected: `one of ${values.join(', ')}`,
  show: String,
})

/** A secret that is sent in an HTTP header, so it may only hold characters that are valid there. */
export const headerSecret: Kind<string> = {
  parse: (text) => (/^[!-~]([ -~]*[!-~])?$/.test(text) ? text : undefined),
  expected: 'printable ASCII without leading or trailing spaces',
  show: () => MASK,
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined
}
