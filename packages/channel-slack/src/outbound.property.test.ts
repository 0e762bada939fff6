import { degrade, type JsonObject } from '@plugboard/core'
import { characters } from '@plugboard/core/testing'
import { type Block, type Inline, parseMarkdown } from '@plugboard/markdown'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { faultsOf, type Block as SlackBlock, visibleText } from '../test/block-kit.js'
import { load, type Stage, stage } from '../test/stage.js'
import { slack } from './index.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.fake.close())

/** All that has a meaning somewhere, right-to-left words, emoji of several characters, halves of pairs, and controls. */
const piece = fc.oneof(
  fc.constantFrom(
    '*',
    '_',
    '~',
    '`',
    '```',
    '<',
    '>',
    '&',
    '&amp;',
    '|',
    '[',
    ']',
    '(',
    ')',
    '#',
    '- ',
    '1. ',
    '\\',
    '\n',
    '\n\n',
    ' ',
  ),
  fc.constantFrom(
    '<!channel>',
    '<@U123>',
    '<https://a.example|b>',
    'https://example.com/?a=b&c',
    '[a](https://b.example)',
    '**',
    '> ',
  ),
  fc.constantFrom(
    'שלום',
    'مرحبا',
    '\u202e',
    '日本語',
    '👩‍👩‍👧',
    '👋🏽',
    '\ud83d',
    '\udc4b',
    'é',
    '\u0000',
    '\u200b',
    'snake_case_word',
  ),
  fc.string({ unit: character, maxLength: 20 }),
)
const text = fc.array(piece, { minLength: 1, maxLength: 60 }).map((pieces) => pieces.join(''))

/** What the host hands over, as the messages that Slack would get. @throws when Slack would refuse one. */
function shown(payload: JsonObject): string {
  const endpoint = { identity: '*', sender: 'U1', thread: 'D1' }
  const parts = (degrade(payload, slack.capabilities)?.contents ?? []).flatMap((content) =>
    on.runtime.render(content, endpoint),
  )
  return parts
    .map(({ args }) => {
      const {
        text,
        blocks = [],
        mrkdwn = true,
      } = args as unknown as { text: string; blocks?: SlackBlock[]; mrkdwn?: boolean }
      expect(text.trim()).not.toBe('')
      expect(text.length).toBeLessThanOrEqual(40_000)
      expect(faultsOf(blocks)).toEqual([])
      return visibleText(text, mrkdwn, blocks)
    })
    .join('\n')
}

/** Formatting aside: no space, and nothing of no width. */
const bare = (words: string): string => words.replace(/[\s\u200b]/g, '')

/** A link in Slack's own form shows its label, and its address too where Slack shows no links. */
const read = (text: string, withAddress = false): string =>
  text.replace(/<(https?:\/\/[^\s<>|]+)(?:\|([^<>|\n]*))?>/g, (_, url, label = '') => {
    const words = label.trim()
    return words && withAddress ? `${words} (${url})` : words || url
  })

test('any text is shown to the letter', () => {
  fc.assert(
    fc.property(text, (text) => {
      expect(bare(shown({ type: 'text', text }))).toBe(bare(read(text)))
    }),
  )
})

test('any question is shown to the letter, above its buttons', () => {
  fc.assert(
    fc.property(text, (text) => {
      const visible = bare(shown({ type: 'single-choice', text, choices: [{ title: 'A', value: 'a' }] }))
      expect(visible).toBe(`${text.trim() ? bare(read(text)) : '…'}A`)
    }),
  )
})

test('any words of a card are shown to the letter', () => {
  fc.assert(
    fc.property(text, text, (title, subtitle) => {
      const visible = bare(shown({ type: 'card', title, subtitle, actions: [] }))
      const expected = [false, true].map((withAddress) =>
        bare(read(title.trim(), withAddress) + read(subtitle, withAddress)),
      )
      expect((title + subtitle).trim() ? expected : ['…']).toContain(visible)
    }),
  )
})

/** Markdown of which every piece says something, so that an independent reader tells what is to be seen. */
const word = fc.constantFrom(
  'a',
  'snake_case',
  '2*3',
  'שלום',
  '👩‍👩‍👧',
  'x<y',
  'R&D',
  '日本語',
  '|',
  'a~b',
  '\\*',
)
const inline = fc.oneof(
  word,
  word.map((text) => `**${text}**`),
  word.map((text) => `*${text}*`),
  word.map((text) => `~~${text}~~`),
  word.map((text) => `\`${text}\``),
  word.map((text) => `[${text}](https://example.com/?a=1&b=2)`),
)
const line = fc.array(inline, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(' '))
const block = fc.oneof(
  line,
  line.map((text) => `# ${text}`),
  line.map((text) => `> ${text}`),
  line.map((text) => `- ${text}\n  1. ${text}`),
  line.map((text) => `\`\`\`\n${text}\n\`\`\``),
)
const markdown = fc.array(block, { minLength: 1, maxLength: 8 }).map((blocks) => blocks.join('\n\n'))

/** The words of a tree, without its form. */
const wordsOf = (nodes: readonly (Block | Inline)[]): string =>
  nodes
    .map((node) => {
      if ('text' in node) return node.text
      if (node.type === 'list') return wordsOf(node.items.flatMap(({ children }) => children))
      return 'children' in node ? wordsOf(node.children) : ''
    })
    .join('')

test('the words of any Markdown are shown, and nothing else', () => {
  fc.assert(
    fc.property(markdown, (text) => {
      expect(bare(shown({ type: 'text', markdown: true, text }))).toBe(bare(wordsOf(parseMarkdown(text))))
    }),
  )
})

test('any text read as Markdown is taken by Slack', () => {
  fc.assert(
    fc.property(text, (text) => {
      for (const type of ['text', 'single-choice'] as const) {
        const visible = shown({ type, markdown: true, text, choices: [{ title: 'A', value: 'a' }] })
        // Nothing is left of the marks that hide mentions from the parser.
        if (!/[\ue000\ue001]/.test(text)) expect(visible).not.toMatch(/[\ue000\ue001]|%EE%80/i)
      }
      shown({ type: 'card', markdown: true, title: text, subtitle: text, actions: [] })
    }),
  )
})

test('any text arrives over HTTP as it was rendered', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (text) => {
      // Half a surrogate pair cannot be sent; the store has replaced it.
      await on.send({ type: 'text', text: `.${text.toWellFormed()}` })
      expect(on.fake.posted.at(-1)?.visible).toBe(`.${read(text.toWellFormed())}`)
    }),
  )
})

test('the channel loads twice in one process', async () => {
  const [one, other] = await Promise.all([load(on.fake.apiUrl), load('https://slack.com/api/')])
  expect(one).not.toBe(other)
})
