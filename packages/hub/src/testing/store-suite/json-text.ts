import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

/** A text that can be an id, a name or a key in every store: see `isStorable` of core. */
export const storable: fc.Arbitrary<string> = fc
  .oneof(fc.string({ unit: character, maxLength: 30 }), fc.string({ unit: 'grapheme', maxLength: 10 }))
  .map((each) => each.replaceAll('\u0000', ''))

const space = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\r'), maxLength: 3 })

/** Spellings that a parser would not give back. */
const number = fc.oneof(
  fc.constantFrom('1e400', '-1E-400', '0.10', '-0', '-0.0', '1.0', '1E+2', '12345678901234567890.123456789'),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
)

const piece = fc.oneof(
  fc.string({ unit: character, maxLength: 8 }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom(
    '\\u0000',
    '\\u001F',
    '\\ud83d',
    '\\uDE00\\ud83d',
    '\\/',
    '\\"',
    '\\\\',
    '\\u00e9',
    '\\u00E9',
  ),
  fc.constantFrom(
    '\u{1f600}',
    'e\u0301',
    '\u2028',
    '\u007f',
    '\ufeff',
    "'",
    '$where',
    'a.b',
    '%s',
    '?1',
    '--',
  ),
)

const text = fc.array(piece, { maxLength: 5 }).map((pieces) => `"${pieces.join('')}"`)

/** Few enough that an object has one twice. */
const key = fc.oneof(
  text,
  fc.constantFrom('"a"', '"\\u0061"', '"__proto__"', '"$set"', '"a.b"', '""', '"_id"'),
)

const padded = (inner: fc.Arbitrary<string>) =>
  fc.tuple(space, inner, space).map(([before, value, after]) => `${before}${value}${after}`)

const { value } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('null', 'true', 'false'),
    number,
    text,
    tie('list'),
    tie('object'),
  ),
  list: fc.array(padded(tie('value')), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
  object: fc
    .array(fc.tuple(padded(key), padded(tie('value'))), { maxLength: 4 })
    .map((members) => `{${members.map(([name, member]) => `${name}:${member}`).join(',')}}`),
}))

/** Any JSON text, spelled in any way: spaces, escapes, numbers beyond a double, the same key twice. */
export const jsonText: fc.Arbitrary<string> = padded(value)

/** JSON texts that went wrong somewhere. */
export const awkwardTexts: readonly string[] = [
  '{}',
  ' { "a" : 1 ,\r\n\t"a" : 2 } ',
  '{"b":1,"a":2,"2":0,"1":0}',
  '{"number":1e400,"small":-1E-400,"zero":-0.0,"long":12345678901234567890.10}',
  '"\\u0000 \\ud83d \\ude00 \\/ \\u00e9"',
  '"\u{1f600} é e\u0301 \u2028 \u007f \ufeff"',
  '{"$set":{"a.b":1},"__proto__":{"x":1},"_id":"1","":null}',
  'null',
  `${'['.repeat(100)}${']'.repeat(100)}`,
  `"${'x'.repeat(1_000_000)}"`,
  `"${'\u{1f600}'.repeat(100_000)}"`,
]
