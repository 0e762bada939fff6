import { readdirSync, readFileSync } from 'node:fs'
import { degrade, type JsonObject } from '@plugboard/core'
import type { ProviderCall } from '@plugboard/core/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Stage, stage } from '../test/stage.js'
import { slack } from './index.js'

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.fake.close())
afterEach(() => on.fake.refuse())

interface Sample {
  what: string
  thread: string
  content: JsonObject & { type: string }
  requests: { method: string; arguments: object }[]
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file): [string, Sample] => [
  file.replace('.json', ''),
  JSON.parse(readFileSync(new URL(file, folder), 'utf8')),
])

/** A request as Slack's reference writes it: `blocks` and booleans come as text. */
function asWritten({ path, body }: ProviderCall): object {
  const { token: _, ...form } = Object.fromEntries(new URLSearchParams(body))
  const read = Object.entries(form).map(([name, value]) => [
    name,
    name === 'blocks' || name === 'mrkdwn' ? JSON.parse(value) : value,
  ])
  return { method: path.replace('/api/', ''), arguments: Object.fromEntries(read) }
}

describe('a recorded content', () => {
  test.each(samples)('%s', async (_, { content, thread, requests }) => {
    const before = on.fake.calls.length
    await on.send(content, thread)
    const calls = on.fake.calls.slice(before)
    expect(calls.map(asWritten)).toEqual(requests)
    for (const { headers } of calls) expect(headers.authorization).toBe('Bearer xoxb-a-token')
  })

  test('is there for each type of content', () => {
    const types = new Set(samples.map(([, { content }]) => content.type))
    expect([...types].sort()).toEqual([...slack.capabilities.content].sort())
  })

  test('of a template is its text', async () => {
    const template = { type: 'template', name: 'order_sent', language: 'en_US', text: 'It is sent.' }
    expect(await all(template)).toBe('It is sent.')
  })
})

/** What the fake took, after core has degraded it as the host does. */
async function shown(payload: JsonObject): Promise<{ visible: string; blocks: unknown[] }[]> {
  const before = on.fake.posted.length
  for (const content of degrade(payload, slack.capabilities)?.contents ?? []) await on.send(content)
  return on.fake.posted.slice(before)
}

const all = async (payload: JsonObject): Promise<string> =>
  (await shown(payload)).map(({ visible }) => visible).join('\n')

const long = 'word '.repeat(1500).trim()
const card = (fields: object) => ({ type: 'card', title: 'T', actions: [], ...fields })
const action = (i: number) => ({ action: 'Postback', title: `B${i}`, payload: `tok_${i}` })

describe('what is over a limit of Slack is shown all the same', () => {
  test.each([
    ['a text', { type: 'text', text: long }],
    ['Markdown', { type: 'text', markdown: true, text: long }],
    ['a title of a picture', { type: 'image', image: 'https://media.example/a.png', title: long }],
    ['a question', { type: 'single-choice', text: long, choices: [{ title: 'A', value: 'a' }] }],
    ['a message over a menu', { type: 'dropdown', message: long, options: [{ label: 'A', value: 'a' }] }],
    ['a title of a card', card({ title: long, actions: [action(1)] })],
    ['a subtitle of a card', card({ subtitle: long, image: 'https://media.example/a.png' })],
    ['a title of a place', { type: 'location', latitude: 1, longitude: 2, title: long }],
    [
      'cards of a carousel',
      { type: 'carousel', items: Array.from({ length: 60 }, () => card({ subtitle: 'word '.repeat(300) })) },
    ],
  ])('%s', async (_, payload) => {
    const words = (await all(payload)).match(/word/g) ?? []
    expect(words).toHaveLength(JSON.stringify(payload).match(/word/g)?.length ?? 0)
  })

  test.each([
    ['25 buttons', 25],
    ['30 choices, as numbered text', 30],
  ])('%s', async (_, count) => {
    const choices = Array.from({ length: count }, (_, i) => ({ title: `choice ${i}.`, value: `tok_${i}` }))
    const visible = await all({ type: 'single-choice', text: 'Which?', choices })
    for (const { title } of choices) expect(visible).toContain(title)
  })

  test('25 actions of a card', async () => {
    const [message, ...more] = await shown(card({ actions: Array.from({ length: 25 }, (_, i) => action(i)) }))
    expect(message?.blocks).toHaveLength(2)
    expect(more).toEqual([])
  })

  test('250 options, as three menus', async () => {
    const options = Array.from({ length: 250 }, (_, i) => ({ label: `option ${i}.`, value: `tok_${i}` }))
    const messages = await shown({ type: 'dropdown', message: 'Which?', options })
    expect(messages).toHaveLength(3)
    for (const { label } of options)
      expect(messages.map(({ visible }) => visible).join('\n')).toContain(label)
  })

  test('100 options with the longest labels and tokens', async () => {
    const options = Array.from({ length: 100 }, (_, i) => ({
      label: `${i}`.padEnd(90, 'x'),
      value: `${i}`.padEnd(40, 'v'),
    }))
    const messages = await shown({ type: 'dropdown', message: 'Which?', options })
    expect(messages).toHaveLength(2)
    expect(messages[0]?.visible).toContain(`${'0'.padEnd(74, 'x')}…`)
  })

  test('a carousel of 60 cards with buttons, in messages of at most 50 blocks', async () => {
    const items = Array.from({ length: 60 }, (_, i) => card({ title: `card ${i}.`, actions: [action(i)] }))
    const messages = await shown({ type: 'carousel', items })
    expect(messages.length).toBeGreaterThan(2)
    for (const { title } of items) expect(messages.map(({ visible }) => visible).join('\n')).toContain(title)
  })
})

describe('what Slack would refuse takes another form', () => {
  test.each([
    [
      'a picture with an address that is none of the web',
      { type: 'image', image: 'data:image/png;base64,AAAA', title: 'A' },
      'A: data:image/png;base64,AAAA',
    ],
    ['a card with such a picture', card({ image: '/a.png' }), 'T\n/a.png'],
    [
      'a card with such a link',
      card({ actions: [{ action: 'Open URL', title: 'Look', url: 'app://x' }] }),
      'T\nLook: app://x',
    ],
    ['a card with a button only', card({ title: '', actions: [action(1)] }), 'B1'],
    [
      'a menu without a message',
      { type: 'dropdown', message: '', options: [{ label: 'A', value: 'a' }] },
      'A',
    ],
    ['a title of spaces', { type: 'image', image: 'https://media.example/a.png', title: ' ' }, ''],
    [
      'a link in Markdown that Slack does not take',
      { type: 'text', markdown: true, text: '[a](javascript:alert%281%29)' },
      'a (javascript:alert%281%29)',
    ],
    [
      'Markdown that says nothing',
      { type: 'text', markdown: true, text: '[a]: https://example.com' },
      '[a]: https://example.com',
    ],
    ['Markdown that is a space', { type: 'text', markdown: true, text: '&nbsp;' }, '&nbsp;'],
    ['an item without words', { type: 'text', markdown: true, text: '- \n- a' }, ' \na'],
  ])('%s', async (_, payload, visible) => {
    expect(await all(payload)).toBe(visible)
  })

  test('Markdown that grows beyond a message is shown as it is written', async () => {
    const text = `[a]: https://example.com/${'x'.repeat(500)}\n\n${'[a] '.repeat(300)}`.trim()
    expect(await all({ type: 'text', markdown: true, text })).toBe(text)
  })

  test('Markdown nested too deep is shown all the same', async () => {
    const text = `${'>'.repeat(2900)} deep`
    expect(await all({ type: 'text', markdown: true, text })).toContain('deep')
  })
})

describe('Markdown', () => {
  test.each([
    ['a soft break', 'a\nb', 'a\nb'],
    ['a heading', '## A *b*', 'A b'],
    ['a rule', 'a\n\n---\n\nb', 'a\n\n———\n\nb'],
    ['a list in a list', '3. a\n   - b\n4. c', 'a\nb\nc'],
    ['a list in a quote', '> a\n>\n> - b\n> - c', 'a\n• b\n• c'],
    ['code in a list', '- a\n\n  ```\n  b\n  ```', 'a\nb'],
    ['a link by reference', '[a][1]\n\n[1]: https://example.com', 'a'],
    ['a picture without words', '![](https://example.com/a.png)', 'https://example.com/a.png'],
    ['a footnote, as it is', 'a[^1]\n\n[^1]: b', 'a[^1]\n\n[^1]: b'],
    ['HTML', '<b>a</b>', '<b>a</b>'],
    ['an address', 'see www.example.com or a@example.com', 'see www.example.com or a@example.com'],
    ['escapes', '\\*a\\* \\[b\\] &amp; &lt;', '*a* [b] & <'],
    ['a mention of everyone', '<!channel> @here', '<!channel> @here'],
  ])('%s', async (_, text, visible) => {
    expect(await all({ type: 'text', markdown: true, text })).toBe(visible)
  })
})

describe('what a bot writes in the form of Slack', () => {
  const elements = async (payload: JsonObject): Promise<unknown[]> =>
    (await shown(payload)).flatMap(({ blocks }) =>
      (blocks as { elements: { elements: unknown[] }[] }[]).flatMap(({ elements }) => elements[0]?.elements),
    )
  const written = 'Hi <@U0ANA>, <!subteam^S1|@ops> and <#C1|general>: <https://e.com/?a=1&b=2|our *plan*>'
  const mentions = [
    { type: 'text', text: 'Hi ' },
    { type: 'user', user_id: 'U0ANA' },
    { type: 'text', text: ', ' },
    { type: 'usergroup', usergroup_id: 'S1' },
    { type: 'text', text: ' and ' },
    { type: 'channel', channel_id: 'C1' },
    { type: 'text', text: ': ' },
    { type: 'link', url: 'https://e.com/?a=1&b=2', text: 'our *plan*' },
  ]

  test.each([{}, { markdown: true }])('are mentions and links, in a text with %j', async (options) => {
    expect(await elements({ type: 'text', text: written, ...options })).toEqual(mentions)
    expect(on.fake.posted.at(-1)?.text).toContain('Hi <@U0ANA>, <!subteam^S1> and <#C1>: ')
  })

  test('are so in a question and in a card', async () => {
    const choices = [{ title: 'A', value: 'a' }]
    const [question] = await shown({ type: 'single-choice', text: written, choices })
    expect(question?.blocks[0]).toEqual({
      type: 'rich_text',
      elements: [{ type: 'rich_text_section', elements: mentions }],
    })
    const [message] = await shown(card({ title: '<@U0ANA>', subtitle: 'see <#C1>' }))
    expect(message?.blocks[0]).toMatchObject({ text: { type: 'mrkdwn', text: '*<@U0ANA>*\nsee <#C1>' } })
  })

  test('keep the style around them in Markdown, and stay as written in code', async () => {
    expect(await elements({ type: 'text', markdown: true, text: '**<@U1>** `<@U2>` \\<@U3>' })).toEqual([
      { type: 'user', user_id: 'U1', style: { bold: true } },
      { type: 'text', text: ' ' },
      { type: 'text', text: '<@U2>', style: { code: true } },
      { type: 'text', text: ' <@U3>' },
    ])
    const code = '```\n<https://e.com|link>\n```'
    expect(await all({ type: 'text', markdown: true, text: code })).toBe('<https://e.com|link>')
  })

  test.each([
    ['everyone', '<!channel> <!here> <!everyone>'],
    ['an id that is none', '<@ada> <#general> <!subteam^ops>'],
    ['characters that mark hidden forms', '\ue0000\ue001 <@U1>'],
  ])('are as written: a mention of %s', async (_, text) => {
    for (const markdown of [false, true]) expect(await all({ type: 'text', markdown, text })).toBe(text)
  })

  test('are as written: a link to no web address', async () => {
    const text = '<javascript:alert(1)|a>'
    expect(await all({ type: 'text', text })).toBe(text)
  })

  test.each([
    'https://example.com/a?q=_test_&sig=_AbC_&x=1',
    'https://example.com/api/_v1_',
    'www.example.com/*a*/__b__',
  ])('a bare address stays as it is written: %s', async (address) => {
    for (const markdown of [false, true])
      expect(await all({ type: 'text', markdown, text: `see ${address} now` })).toBe(`see ${address} now`)
  })
})
