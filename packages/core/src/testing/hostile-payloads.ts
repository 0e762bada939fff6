import type { Json, JsonObject } from '../json.js'
import { contentSamples } from './content-samples.js'

/** What no field of a payload is expected to hold. */
const STRANGE: readonly Json[] = [
  ...[null, true, -1, 1e308, '', 'NaN', '\u0000\ud83d'],
  ...[[null], [[]], {}, { toString: 1, valueOf: {} }],
  'x'.repeat(5000),
]

/** Names that every object has already. Parsed, since `__proto__` in a literal is no field. */
const INHERITED: readonly JsonObject[] = ['null', '{"toString":1}', '"x"'].map((value): JsonObject => {
  const names = [
    '__proto__',
    'constructor',
    'toString',
    'valueOf',
    'toJSON',
    'hasOwnProperty',
    'then',
    'length',
  ]
  return JSON.parse(`{${names.map((name) => `"${name}":${value}`).join()}}`)
})

/** What people send, which is of no type of content. */
const inboundSamples: readonly JsonObject[] = [
  { type: 'quick_reply', text: 'Yes', payload: 'yes' },
  { type: 'postback', payload: 'yes' },
  { type: 'say_something', text: 'yes' },
  { type: 'image', url: 'https://hub.example/media/v1/x', mime: 'image/png', size: 1, name: 'a.png' },
  { type: 'location', latitude: 1, longitude: 2 },
  { type: 'acme:form', fields: [{ name: 'größe' }, null] },
]

/**
 * JSON objects that may be posted as a payload and are not what they seem: each sample of each type with one field left
 * out, or holding something else, at any depth; with fields that hide those of every object; and objects of no type.
 * Always the same, in the same order.
 */
export function* hostilePayloads(): Generator<JsonObject> {
  yield {}
  for (const type of STRANGE) yield { type }
  for (const type of ['constructor', '__proto__', 'toString', 'carusel']) yield { type }
  const samples: Json[] = [...JSON.parse(JSON.stringify(contentSamples)), ...inboundSamples]
  for (const sample of samples) {
    if (typeof sample !== 'object' || sample === null || Array.isArray(sample)) continue
    for (const name of ['choices', 'items', 'text'])
      if (!(name in sample)) for (const value of STRANGE) yield { ...sample, [name]: value }
    for (const hiding of INHERITED) yield { ...sample, ...hiding }
    for (const changed of changes(sample)) yield changed
  }
}

function* changes(sample: JsonObject): Generator<JsonObject> {
  for (const [name, value] of Object.entries(sample)) {
    const { [name]: _, ...others } = sample
    yield others
    for (const strange of STRANGE) yield { ...sample, [name]: strange }
    if (Array.isArray(value)) {
      for (const list of listChanges(value)) yield { ...sample, [name]: list }
    } else if (typeof value === 'object' && value !== null) {
      for (const inner of changes(value)) yield { ...sample, [name]: inner }
    }
  }
}

/** Among its own entries, so that one bad entry is seen beside good ones. */
function* listChanges(list: Json[]): Generator<Json[]> {
  for (const strange of STRANGE) yield [...list, strange]
  const [first, ...rest] = list
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return
  for (const hiding of INHERITED) yield [{ ...first, ...hiding }, ...rest]
  for (const inner of changes(first)) yield [inner, ...rest]
}
