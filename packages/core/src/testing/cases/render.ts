import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Capabilities, OutboundContent } from '../../channel.js'
import { degrade } from '../../degrade.js'
import type { JsonObject } from '../../json.js'
import { truncate } from '../../split-text.js'
import { contentSamples } from '../content-samples.js'
import { hostilePayloads } from '../hostile-payloads.js'
import { type Subject, type SuiteCase, stagedCase } from '../stage.js'

/** Above this a limit is as good as none, and a text of that length says nothing. */
const LONGEST = 100_000

/** All that may reach the channel: the samples as core degrades them, and a type that only `any` shows. */
export function samplesFor<Config, Session, Options>({
  channel: { capabilities },
  fixtures: { template },
}: Subject<Config, Session, Options>): OutboundContent[] {
  const known = contentSamples.map((sample) =>
    sample.type === 'template' ? { ...sample, ...template } : sample,
  )
  const samples = [...known, { type: 'acme:form', fields: [{ name: 'größe' }, null] }]
  return samples.flatMap((sample) => degrade(sample, capabilities)?.contents ?? [])
}

/** Content at each limit of a channel: texts, captions, and buttons with labels and tokens. */
export function limitSamples({ maxTextLength, maxCaptionLength, buttons }: Capabilities): JsonObject[] {
  const text = 'ä'.repeat(Math.min(maxTextLength, LONGEST))
  const title = 'ö'.repeat(Math.min(maxCaptionLength ?? maxTextLength, LONGEST))
  const media = [
    { type: 'image', image: 'https://media.example/picture.png', title },
    { type: 'video', video: 'https://media.example/film.mp4', title },
    { type: 'audio', audio: 'https://media.example/song.mp3', title },
    { type: 'file', file: 'https://media.example/bill.pdf', title },
  ]
  if (!buttons) return [{ type: 'text', text }, ...media]
  const labels = Array.from({ length: buttons.max }, (_, i) =>
    `${i}`.padEnd(buttons.maxLabel, 'ü').slice(0, buttons.maxLabel),
  )
  const token = (i: number) => `${i}`.padEnd(TOKEN_LENGTH, '-_Az09')
  const choices = labels.map((label, i) => ({ title: label, value: token(i) }))
  return [
    { type: 'text', text },
    ...media,
    { type: 'single-choice', text, choices },
    { type: 'dropdown', message: text, options: labels.map((label, i) => ({ label, value: token(i) })) },
    {
      type: 'card',
      title: text,
      actions: choices.map(({ title, value }) => ({ action: 'Postback', title, payload: value })),
    },
  ]
}

/** Longest excerpt of a content in an error. */
const MAX_EXCERPT = 300

/** Checks one content; an error names it. */
export async function named(content: unknown, check: () => unknown): Promise<void> {
  try {
    await check()
  } catch (cause) {
    const sample = truncate(JSON.stringify(content), MAX_EXCERPT)
    const reason = cause instanceof Error ? cause.message : inspect(cause)
    throw new Error(`${reason}\nfor ${sample}`, { cause })
  }
}

/** Contents become parts: plain JSON, the same at each attempt. */
export function renderCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { capabilities } = subject.channel
  const test = stagedCase(subject)
  return [
    test('render makes parts of plain JSON of each content type', async ({ render }) => {
      for (const content of samplesFor(subject)) {
        await named(content, () => {
          const parts = render(deepFreeze(structuredClone(content)))
          assert(parts.length > 0, 'no parts')
          assert.deepEqual(JSON.parse(JSON.stringify(parts)), parts, 'a part is not plain JSON')
          for (const { call } of parts) assert.equal(typeof call, 'string')
          assert.doesNotMatch(JSON.stringify(parts), /undefined/, 'a part says undefined')
        })
      }
    }),
    test('render makes parts of plain JSON of whatever core makes of any payload', async ({ render }) => {
      for (const payload of hostilePayloads()) {
        await named(payload, () => {
          for (const content of degrade(payload, capabilities)?.contents ?? []) {
            const parts = render(content)
            assert.deepEqual(JSON.parse(JSON.stringify(parts)), parts, 'a part is not plain JSON')
          }
        })
      }
    }),
    test('render gives the same parts each time', async ({ render }) => {
      for (const content of samplesFor(subject))
        await named(content, () => assert.deepEqual(render(content), render(content)))
    }),
    test('render keeps the longest text in parts within the limit', ({ render }) => {
      const { maxTextLength } = capabilities
      const text = 'ä'.repeat(Math.min(maxTextLength, LONGEST))
      const strings = render({ type: 'text', text }).flatMap(({ args }) => stringsIn(args))
      assert(strings.join('').includes(text), 'the text is not in the parts')
      for (const each of strings) assert(each.length <= maxTextLength, `${each.length} units`)
    }),
    test('render takes as many buttons, with labels as long, as the channel says', ({ render }) => {
      const { buttons } = capabilities
      if (!buttons) return
      const choices = Array.from({ length: buttons.max }, (_, i) => {
        return { title: `${i}`.padEnd(buttons.maxLabel, '.').slice(0, buttons.maxLabel), value: `value ${i}` }
      })
      const json = JSON.stringify(render({ type: 'single-choice', text: 'Which?', choices }))
      for (const { title } of choices) assert(json.includes(title), `no button ${title}`)
    }),
    test('render keeps the token behind each button whole', ({ render }) => {
      const { buttons, content } = capabilities
      if (!buttons || content === 'any' || !content.includes('single-choice')) return
      const choices = Array.from({ length: buttons.max }, (_, i) => {
        return { title: `${i}`.slice(0, buttons.maxLabel), value: `${i}`.padEnd(TOKEN_LENGTH, '-_Az09') }
      })
      const json = JSON.stringify(render({ type: 'single-choice', text: 'Which?', choices }))
      for (const { value } of choices) assert(json.includes(value), `the token ${value} is lost`)
    }),
  ]
}

/** As the host's are: the provider has to take them. */
const TOKEN_LENGTH = 40

const stringsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
