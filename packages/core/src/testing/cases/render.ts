import assert from 'node:assert/strict'
import type { Channel, OutboundContent } from '../../channel.js'
import { degrade } from '../../degrade.js'
import { contentSamples } from '../content-samples.js'
import { hostilePayloads } from '../hostile-payloads.js'
import { type Subject, type SuiteCase, stagedCase } from '../stage.js'

/** Above this a limit is as good as none, and a text of that length says nothing. */
const LONGEST = 100_000

/** All that may reach the channel: the samples as core degrades them, and a type that only `any` shows. */
export function samplesFor({ capabilities }: Pick<Channel, 'capabilities'>): OutboundContent[] {
  const samples = [...contentSamples, { type: 'acme:form', fields: [{ name: 'größe' }, null] }]
  return samples.flatMap((sample) => degrade(sample, capabilities)?.contents ?? [])
}

/** Contents become parts: plain JSON, the same at each attempt. */
export function renderCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { capabilities } = subject.channel
  const test = stagedCase(subject)
  return [
    test('render makes parts of plain JSON of each content type', ({ render }) => {
      for (const content of samplesFor(subject.channel)) {
        const parts = render(deepFreeze(structuredClone(content)))
        assert(parts.length > 0, `nothing for ${JSON.stringify(content)}`)
        assert.deepEqual(JSON.parse(JSON.stringify(parts)), parts, 'a part is not plain JSON')
        for (const { call } of parts) assert.equal(typeof call, 'string')
        assert.doesNotMatch(JSON.stringify(parts), /undefined/, 'a part says undefined')
      }
    }),
    test('render makes parts of plain JSON of whatever core makes of any payload', ({ render }) => {
      for (const payload of hostilePayloads()) {
        for (const content of degrade(payload, capabilities)?.contents ?? []) {
          const parts = render(content)
          assert.deepEqual(JSON.parse(JSON.stringify(parts)), parts, `a part of ${JSON.stringify(payload)}`)
        }
      }
    }),
    test('render gives the same parts each time', ({ render }) => {
      for (const content of samplesFor(subject.channel)) assert.deepEqual(render(content), render(content))
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

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
  return value
}
