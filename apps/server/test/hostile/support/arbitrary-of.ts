import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** What a document says of a value, as far as values are made of it. */
export interface JsonSchema {
  type?: string | readonly string[]
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly JsonSchema[]
  oneOf?: readonly JsonSchema[]
  properties?: Readonly<Record<string, JsonSchema>>
  required?: readonly string[]
  additionalProperties?: boolean | JsonSchema
  items?: JsonSchema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  format?: string
}

/** Texts that have broken programs. */
const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  '\ud800',
  '\udfff\ud800',
  '\u202e',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'NaN',
  '-1',
  '1e999',
  '../../../etc/passwd',
  '%00',
  '%ff',
  '{"$gt":""}',
  '$where',
  "'; DROP TABLE entries; --",
  'x'.repeat(10_000),
  'http://[::1',
  'http://127.0.0.1:1/',
  'javascript:alert(1)',
]

const ODD_NUMBERS = [
  0,
  -0,
  -1,
  0.1,
  1e21,
  -1e21,
  1e308,
  Number.MAX_SAFE_INTEGER + 1,
  5e-324,
  2 ** 31,
  2 ** 53,
]

export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: character, maxLength: 40 }),
  fc.constantFrom(...ODD_TEXTS),
)

/** Any JSON, with texts and numbers that have broken programs. */
const anyJson: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, ...ODD_NUMBERS),
    anyText,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(anyText, tie('json'), { maxKeys: 4 }),
  ),
})).json

/** Values that a schema allows, and some that it does not: each part of a value may be any JSON. */
export function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: allowedBy(schema), weight: 12 }, { arbitrary: anyJson, weight: 1 })
}

function allowedBy(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const branches = schema.anyOf ?? schema.oneOf
  if (branches) return fc.oneof(...branches.map(arbitraryOf))
  const [type, ...more] = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? [])
  if (more.length > 0) return fc.oneof(...[type, ...more].map((each) => ofType(each, schema)))
  return ofType(type, schema)
}

function ofType(type: string | undefined, schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (type) {
    case 'object':
      return objectOf(schema)
    case 'array': {
      const { minItems = 0, maxItems = 5 } = schema
      const maxLength = Math.max(minItems, Math.min(maxItems, 5))
      return fc.array(arbitraryOf(schema.items ?? {}), { minLength: minItems, maxLength })
    }
    case 'string':
      return textOf(schema)
    case 'integer':
    case 'number': {
      const { minimum = -1e6, maximum = 1e6 } = schema
      const within = fc.integer({ min: Math.ceil(minimum), max: Math.floor(Math.min(maximum, 1e9)) })
      return fc.oneof({ arbitrary: within, weight: 4 }, fc.constantFrom(...ODD_NUMBERS))
    }
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    default:
      return anyJson
  }
}

function objectOf({
  properties = {},
  required = [],
  additionalProperties,
}: JsonSchema): fc.Arbitrary<unknown> {
  const known = fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, arbitraryOf(schema)])),
    { requiredKeys: [...required] },
  )
  if (additionalProperties === false) return known
  const values = typeof additionalProperties === 'object' ? arbitraryOf(additionalProperties) : anyJson
  return fc
    .tuple(known, fc.dictionary(anyText, values, { maxKeys: 2 }))
    .map(([own, more]) => ({ ...more, ...own }))
}

function textOf({ format, minLength = 0, maxLength = 10_000 }: JsonSchema): fc.Arbitrary<string> {
  switch (format) {
    case 'uuid':
      return fc.uuid()
    case 'uri':
      return fc.webUrl()
    case 'email':
      return fc.emailAddress()
    case 'date-time':
      return fc.date({ noInvalidDate: true }).map((date) => date.toISOString())
    default: {
      const fitting = fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 60)) })
      return fc.oneof({ arbitrary: fitting, weight: 3 }, anyText)
    }
  }
}
