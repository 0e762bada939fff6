/** Values as a stranger would send them, each about as long as it may be. */

/** As much of JSON Schema as bodies are made by. */
export interface Schema {
  type?: string
  format?: string
  const?: unknown
  enum?: unknown[]
  properties?: Record<string, Schema>
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  additionalProperties?: Schema | boolean
}

/** How much a hostile text may have. */
interface Room {
  bytes: number
  /** Values of JSON: what has more is refused before anything looks at it. */
  values: number
}

const times = (text: string, bytes: number): string =>
  text.repeat(Math.max(1, Math.floor(bytes / text.length)))
const within = (levels: number, json: string): string => `${'['.repeat(levels)}${json}${']'.repeat(levels)}`

/** How many members or items that hold this fit. */
const countOf = (json: string, length: number, { bytes, values }: Room): number =>
  Math.max(1, Math.floor(Math.min(bytes / length, values / (1 + (json.match(/[[{,]/g)?.length ?? 0)))) - 2)

const list = (item: string, room: Room): string =>
  `[${Array(countOf(item, item.length + 1, room))
    .fill(item)
    .join(',')}]`

const keys = (value: string, room: Room): string => {
  const count = countOf(value, value.length + 9, room)
  return `{${Array.from({ length: count }, (_, i) => `"${i.toString(36)}a":${value}`).join(',')}}`
}

/** JSON texts of any shape, made when they are sent. */
function hostileJson(room: Room): Record<string, () => string> {
  const { bytes } = room
  return {
    'just deep enough, many times': () => list(within(85, ''), room),
    'a wide array, deep inside': () => within(85, list('0', { ...room, values: room.values - 100 })),
    'many numbers': () => list('0', room),
    'many texts': () => list('""', room),
    'many longer texts': () => list(`"${'a'.repeat(Math.min(200, Math.floor(bytes / 1_000)))}"`, room),
    'many objects': () => list('{}', room),
    'many keys': () => keys('0', room),
    'many keys with objects': () => keys('{}', room),
    'the same key again and again': () =>
      `{${Array(countOf('', 6, room))
        .fill('"a":0')
        .join(',')}}`,
    'a long text': () => `"${times('a', bytes - 2)}"`,
    'a long text of blanks': () => `"${times(' ', bytes - 2)}"`,
    'a long address': () => `"https://a${times('.a', bytes - 20)}"`,
    'a long address of an e-mail': () => `"a@${times('a.', bytes - 20)}"`,
    'a long text of escapes': () => `"${times('\\u0000', bytes - 2)}"`,
    'a long number': () => times('9', bytes),
    'a long key': () => `{"${times('a', bytes - 10)}":0}`,
    'texts that look like prototypes': () => list('"\\u005f_proto__"', room),
  }
}

/** Bodies without a schema in mind, which only their bytes limit. */
export function hostileWholes(bytes: number): Record<string, string> {
  const half = Math.floor(bytes / 2)
  return {
    'deep arrays': within(half, ''),
    'deep objects': `${'{"a":'.repeat(Math.floor(bytes / 6))}0${'}'.repeat(Math.floor(bytes / 6))}`,
    'blanks before what is deep': `${times(' ', half)}${within(Math.floor(half / 2), '')}`,
    ...Object.fromEntries(
      Object.entries(hostileJson({ bytes, values: Number.POSITIVE_INFINITY })).map(([name, make]) => [
        name,
        make(),
      ]),
    ),
  }
}

/** Texts of this many characters, without control characters. */
export function hostileTexts(length: number): Record<string, string> {
  return {
    letters: times('a', length),
    blanks: `a${times(' ', length - 2)}a`,
    dots: times('a.', length),
    'at signs': times('@', length),
    colons: times('a:', length),
    digits: times('9', length),
    zeros: `1${times('0', length)}x`,
    commas: times('a,', length),
    brackets: times('[', length),
    braces: `${times('{"a":', length)}0`,
  }
}

/** A value that a schema takes, or nearly. */
function sampleOf(schema: Schema, depth = 0): unknown {
  const [first] = schema.anyOf ?? schema.oneOf ?? []
  if (first) return sampleOf(first, depth)
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (depth > 6) return null
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, each]) => [name, sampleOf(each, depth + 1)]),
      )
    case 'array':
      return [sampleOf(schema.items ?? {}, depth + 1)]
    case 'string':
      if (schema.format === 'uuid') return '6cc0a1d5-0f5d-4a06-8ea5-0a6d9a1f3c11'
      if (schema.format === 'uri') return 'https://example.org/a'
      if (schema.format === 'email') return 'ada@example.org'
      return 'a'
    case 'number':
    case 'integer':
      return 1
    case 'boolean':
      return true
    default:
      return {}
  }
}

/** Paths of values in a schema, at most this many levels deep. */
function placesIn(schema: Schema, levels: number): { path: (string | number)[]; schema: Schema }[] {
  if (levels === 0) return []
  const inner = [
    ...Object.entries(schema.properties ?? {}),
    ...(schema.items ? [[0, schema.items] as const] : []),
  ].flatMap(([key, each]) => [
    { path: [key], schema: each },
    ...placesIn(each, levels - 1).map((place) => ({ ...place, path: [key, ...place.path] })),
  ])
  const choices = (schema.anyOf ?? schema.oneOf ?? []).flatMap((each) => placesIn(each, levels))
  return [...inner, ...choices]
}

const MARK = '"@@here@@"'

function withAt(value: unknown, [key, ...rest]: readonly (string | number)[]): unknown {
  if (key === undefined) return JSON.parse(MARK)
  if (typeof key === 'number') return [withAt(Array.isArray(value) ? value[0] : undefined, rest)]
  return { ...(typeof value === 'object' ? value : {}), [key]: withAt(Object(value)[key], rest) }
}

/** Bodies that are hostile in one place, for each place that a schema names. */
export function* hostileParts(schema: Schema, room: Room): Generator<[string, () => string]> {
  const sample = sampleOf(schema)
  const seen = new Set<string>()
  for (const { path, schema: at } of placesIn(schema, 4)) {
    const name = path.join('.')
    if (seen.has(name)) continue
    seen.add(name)
    const [before = '', after = ''] = JSON.stringify(withAt(sample, path)).split(MARK)
    const rest = { bytes: room.bytes - before.length - after.length - 10, values: room.values - 200 }
    const member = typeof at.additionalProperties === 'object' ? at.additionalProperties : {}
    const values = {
      ...hostileJson(rest),
      'many that are right': () => list(JSON.stringify(sampleOf(at.items ?? {})), rest),
      'many members that are right': () => keys(JSON.stringify(sampleOf(member)), rest),
    }
    for (const [what, make] of Object.entries(values))
      yield [`${name}: ${what}`, () => before + make() + after]
  }
}

/** Bodies of the type `multipart/form-data; boundary=x`, of this many bytes. */
export function hostileMultiparts(bytes: number): Record<string, string> {
  const part = (head: string, body = '') =>
    `--x\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`
  return {
    'many parts': times(part('name="a"'), bytes),
    'many files': times(part('name="a"; filename="b"'), bytes),
    'no file, and much before it': times('-', bytes),
    'what is nearly a boundary': times('\r\n--', bytes),
    boundaries: times('--x\r\n', bytes),
    'a file of boundaries': part('name="source"; filename="a"', times('\r\n--x', bytes)),
    'a field of boundaries': part('name="a"', times('\r\n--x', bytes)),
    'a long field': part('name="a"', times('a', bytes)),
    'a long name': part(`name="${times('a', bytes)}"`),
    'a long name of a file': part(`name="source"; filename="${times('/\\', bytes)}"`, 'a'),
    'many heads': `--x\r\n${times('a: b\r\n', bytes)}\r\n`,
    'many parameters': part(`name="source"${times('; a="b"', bytes)}`),
    'a file of what is nearly a boundary': part('name="source"; filename="a"', times('\r\n--', bytes)),
  }
}

/** Forms of this many bytes. */
export function hostileForms(bytes: number): Record<string, string> {
  const names = Array.from({ length: Math.floor(bytes / 8) }, (_, i) => `${i.toString(36)}=`)
  return {
    'a form of many fields': names.join('&').slice(0, bytes),
    'a form of one field, many times': times('a=&', bytes),
    'a form of nothing': times('&', bytes),
    'a form of a long field': `a=${times('a', bytes - 2)}`,
    'a form of a long escaped field': `a=${times('%20', bytes - 2)}`,
    'a form with deep JSON': `payload=${encodeURIComponent('['.repeat(Math.floor(bytes / 3) - 10))}`,
    'a form with wide JSON': `payload={"type":"block_actions","actions":[${times('{},', bytes - 60)}{}]}`,
  }
}
