import assert from 'node:assert/strict'
import { replaceButtons } from '../../buttons.js'
import type { Content } from '../../content.js'
import { degrade } from '../../degrade.js'
import type { Json, JsonObject } from '../../json.js'
import { contentSamples } from '../content-samples.js'
import { hostileTexts } from '../hostile-texts.js'
import { slowness, timed } from '../slowness.js'
import { type Subject, type SuiteCase, stagedCase } from '../stage.js'

/** Everyone else waits so long at most. In milliseconds. */
const MAX_MS = 50
/** Other programs use the machine, too, so that the shortest of several runs counts. */
const RUNS = 8
/** As much as the API takes of one message, in characters of its JSON. */
const MAX_LENGTH = 149_000

/**
 * Every text is tried in each field of a text message. Of the other types, a field gets one text in so many, and the next
 * field the next ones: a renderer has few ways to make a text, and all texts in all fields take a minute.
 */
const FIELD_STRIDE = 12

/** Contents become parts in time, whatever their texts. */
export function timeCases<Config, Session, Options>(subject: Subject<Config, Session, Options>): SuiteCase[] {
  const { capabilities } = subject.channel
  const test = stagedCase(subject)
  const others = new Set(contentSamples.map(({ type }) => type).filter((type) => type !== 'text'))
  const timeCase = (name: string, types: Iterable<Content['type']>) =>
    test(`render holds the thread for 50 ms at most, whatever the ${name}`, ({ render }) => {
      for (const type of types) {
        for (const [input, payload] of timedInputs(type)) {
          const taken = shortest(() => {
            const sealed = replaceButtons(payload, (index) => `token-${index}`)
            for (const content of degrade(sealed, capabilities)?.contents ?? []) render(content)
          })
          assert(taken <= MAX_MS, `${taken.toFixed()} ms for ${input} of ${type}`)
        }
      }
    })
  return [timeCase('text', ['text']), timeCase('texts in other content', others)]
}

/** The inputs of one type, with what they are. */
function* timedInputs(type: Content['type']): Generator<[name: string, payload: JsonObject]> {
  for (const [row, [name, text]] of hostileTexts.entries()) {
    for (const [column, [field, fill]] of filled(type, text).entries()) {
      if (type !== 'text' && (row + column) % FIELD_STRIDE > 0) continue
      yield [`${name} in ${field}`, Object(fill())]
    }
  }
}

/** The time of the shortest of several runs, in milliseconds of a machine that nothing else slows down. */
function shortest(run: () => void): number {
  let result = timed(run)
  if (result <= MAX_MS) return result
  let before = slowness()
  for (let i = 1; i < RUNS && result > MAX_MS; i += 1) {
    const taken = timed(run)
    const after = slowness()
    result = Math.min(result, taken / Math.max(before, after))
    before = after
  }
  return result
}

/** A content, made where it is used: long lists take their time. */
type Filled = [field: string, fill: () => Json][]

/** The content of a type with a text in each of its fields, and with lists of as many items as fit, as Markdown and not. */
function filled(type: Content['type'], text: string): Filled {
  // The sample with the most fields.
  const [sample] = contentSamples
    .filter((each) => each.type === type)
    .sort((a, b) => JSON.stringify(b).length - JSON.stringify(a).length)
  return (MARKDOWN.includes(type) ? [false, true] : [false]).flatMap((markdown) => {
    const base: JsonObject = { ...JSON.parse(JSON.stringify(sample)), markdown }
    if (Array.isArray(base.items)) base.items = base.items.map((item) => ({ ...Object(item), markdown }))
    return [...variants(base, text, markdown ? PLAIN : FIXED)].map(([field, fill]): Filled[number] => [
      markdown ? `${field}, Markdown` : field,
      fill,
    ])
  })
}

/** Types with texts that may be Markdown. */
const MARKDOWN: Content['type'][] = ['text', 'card', 'carousel', 'single-choice', 'dropdown', 'template']
/** What says of which kind a thing is, and what the host replaces by a token. */
const FIXED = ['type', 'action', 'value', 'payload']
/** What is no Markdown. */
const PLAIN = [...FIXED, 'actions', 'choices', 'options', 'image']

type Variants = Generator<Filled[number]>

/** The value with a text in one of its texts, for each of them, and with one of its lists made long, for each. */
function* variants(value: Json, text: string, fixed: readonly string[]): Variants {
  if (typeof value === 'string') yield ['', () => text]
  else if (Array.isArray(value)) yield* variantsOfList(value, text, fixed)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      if (fixed.includes(name) || (name === 'text' && 'action' in value)) continue
      for (const [field, fill] of variants(inner, text, fixed)) {
        yield [field === '' ? name : `${name}.${field}`, () => ({ ...value, [name]: fill() })]
      }
    }
  }
}

/** One item of each kind stands for the others. */
function* variantsOfList(list: Json[], text: string, fixed: readonly string[]): Variants {
  const seen = new Set<unknown>()
  for (const [i, item] of list.entries()) {
    const kind: unknown = Object(item).action
    if (seen.has(kind)) continue
    seen.add(kind)
    for (const [field, fill] of variants(item, text, fixed))
      yield [`${i}.${field}`, () => list.with(i, fill())]
  }
  const [first] = list
  if (first === undefined) return
  for (const length of SLICES) {
    yield [
      `many of ${length}`,
      () => {
        const one = Buffer.byteLength(JSON.stringify(withSlices(first, text, { i: 0, length })))
        const many = Math.max(1, Math.floor(MAX_LENGTH / one))
        return Array.from({ length: many }, (_, i) => withSlices(first, text, { i, length }))
      },
    ]
  }
}

/** Lengths of the texts of many items: short ones, and what most providers take in one place. */
const SLICES = [20, 1000]

/** The value with a piece of a text in each of its texts. */
function withSlices(value: Json, text: string, slice: { i: number; length: number }): Json {
  if (typeof value === 'string')
    return `a${text.slice(slice.i * slice.length, (slice.i + 1) * slice.length)}a`
  if (Array.isArray(value)) return value.slice(0, 1).map((item) => withSlices(item, text, slice))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      FIXED.includes(name) ? inner : withSlices(inner, text, slice),
    ]),
  )
}
