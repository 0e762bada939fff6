import { readdirSync, readFileSync } from 'node:fs'
import { contentTypes, degrade, type JsonObject } from '@plugboard/core'
import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentOf } from '../test/fake-discord.js'
import { mediaHost } from '../test/media-host.js'
import { faultsOf, type MessageBody, unformatted } from '../test/message-rules.js'
import { type Stage, stage } from '../test/stage.js'
import { discord } from './index.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

const media = mediaHost({
  'https://media.example/shirt.png': { body: 'a picture' },
  'https://media.example/song.mp3': { body: 'a song', mime: 'audio/mpeg' },
  'https://media.example/note.ogg': { body: 'a note', mime: 'audio/ogg' },
  'https://media.example/film.mp4': { body: 'a film', mime: 'video/mp4' },
  'https://media.example/r%C3%A9sum%C3%A9.pdf': { body: 'a file', mime: 'application/pdf' },
})

let on: Stage
beforeAll(async () => {
  on = await stage({ fetch: media.fetch })
})
afterAll(() => on.close())

interface Sample {
  content: JsonObject
  sender?: string
  thread?: string
  requests: { method: string; path: string; body?: unknown; files?: string[] }[]
}

const folder = new URL('./fixtures/outbound/', import.meta.url)
const samples = readdirSync(folder).map((file) => ({
  name: file.replace('.json', ''),
  ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Sample),
}))

describe('what a bot posts is what Discord is asked for', () => {
  test.each(samples)('$name', async ({ content, sender, thread, requests }) => {
    const before = on.fake.calls.length
    await on.post(content, { ...(sender && { sender }), ...(thread && { thread }) })
    const calls = on.fake.calls.slice(before).map((call) => {
      const { content, files } = contentOf(call)
      const { nonce, enforce_nonce, allowed_mentions, ...body } = content as JsonObject
      if (call.path.endsWith('/messages'))
        expect([nonce, enforce_nonce, allowed_mentions]).toEqual([
          expect.stringMatching(/^[\w-]{25}$/),
          true,
          { parse: [] },
        ])
      return {
        method: call.method,
        path: call.path.replace('/api/v10', ''),
        body,
        ...(files.length > 0 && { files }),
      }
    })
    expect(calls).toEqual(requests)
  })

  test('of each content type there is a sample', () => {
    expect(new Set(samples.map(({ content }) => content.type))).toEqual(new Set(contentTypes))
  })
})

/** All that has a meaning somewhere, right-to-left words, emoji of several characters, halves of pairs, and controls. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '*',
      '**',
      '_',
      '__',
      '~~',
      '`',
      '```',
      '|',
      '||',
      '<',
      '>',
      '>>> ',
      '[',
      ']',
      '(',
      ')',
      '\\',
      ':',
      ' ',
      '\n',
      '\n\n',
    ],
    ...[
      '# ',
      '## ',
      '-# ',
      '- ',
      '+ ',
      '1. ',
      '10. ',
      ':smile:',
      '12:30:45',
      '@everyone',
      '@here',
      '#general',
    ],
  ),
  fc.constantFrom(
    ...[
      '<@123456789012345678>',
      '<#123456789012345678>',
      '<@&1>',
      '<:a_b:12>',
      '<a:b:12>',
      '<t:1618953630:R>',
      '<id:guide>',
    ],
    ...[
      'https://example.com/?a_b=c*d&e',
      'http://a_b_c',
      'xhttps://a_b_',
      '[a](https://b.example)',
      '<https://a.example>',
    ],
  ),
  fc.constantFrom(
    ...[
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
      '\r\n',
      'snake_case_word',
    ],
  ),
  fc.string({ unit: character, maxLength: 20 }),
)
const text = fc.array(piece, { minLength: 1, maxLength: 60 }).map((pieces) => pieces.join(''))

/** The messages that Discord would get. @throws when Discord would refuse one */
function messages(payload: JsonObject): MessageBody[] {
  const endpoint = { identity: '*', sender: '501', thread: '601' }
  const contents = degrade(payload, discord.capabilities)?.contents ?? []
  return contents
    .flatMap((content) => on.runtime.render(content, endpoint))
    .map(({ args }) => {
      const { file, ...message } = args as MessageBody & { file?: string }
      expect(faultsOf({ ...message, allowed_mentions: { parse: [] } }, file === undefined ? 0 : 1)).toEqual(
        [],
      )
      return message
    })
}

/** Without white space and what has no width, which Discord trims or does not show. */
const bare = (words: string): string =>
  words.toWellFormed().replace(/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')

test('any text is shown to the letter', () => {
  fc.assert(
    fc.property(text, (text) => {
      const shown = messages({ type: 'text', text }).map(({ content = '' }) => unformatted(content))
      // What shows nothing is left out by core, or shown as three dots.
      expect(bare(text) === '' ? ['', '…'] : [bare(text)]).toContain(bare(shown.join('')))
    }),
  )
})

test('a colon before an address begins no emoji', () => {
  expect(messages({ type: 'text', text: 'See:https://shop.example/a' })).toMatchObject([
    { content: 'See\\:https://shop.example/a' },
  ])
})

test('any words of a card, a question and a menu are shown to the letter, within the limits', () => {
  fc.assert(
    fc.property(text, text, (title, subtitle) => {
      const actions = [{ action: 'Postback', title: 'Approve', payload: 'tok' }]
      const words = messages({ type: 'card', title, subtitle, actions })
        .flatMap(({ content, embeds = [] }) => [
          content,
          ...embeds.flatMap((each) => [each.title, each.description]),
        ])
        .map((each) => (each === undefined ? '' : unformatted(each)))
      const said = bare(title) + bare(subtitle)
      // Buttons below a picture or a long text have a message of their own.
      expect([said, `${said}…`]).toContain(bare(words.join('')))
      messages({ type: 'single-choice', text: subtitle, choices: [{ title, value: 'tok' }] })
      messages({ type: 'dropdown', message: title, options: [{ label: subtitle, value: 'tok' }] })
    }),
  )
})

test('any text read as Markdown is taken by Discord, and shows no mark of ours', () => {
  fc.assert(
    fc.property(text, (text) => {
      messages({ type: 'text', markdown: true, text })
      messages({ type: 'card', markdown: true, title: text, subtitle: text, actions: [] })
    }),
  )
})

describe('Markdown in the flavour of Discord', () => {
  test.each([
    ['**bold** *italic* ~~gone~~ `code`', '**bold** *italic* ~~gone~~ `code`'],
    ['***both***', '***both***'],
    ['**a***b*', '**a**\u200b*b*'],
    ['# One\n\n### Three\n\n##### Five', '# One\n\n### Three\n\n**Five**'],
    ['- a\n- b\n  1. c\n  2. d', '- a\n- b\n  1. c\n  2. d'],
    ['- [x] done\n- [ ] open', '- ☑ done\n- ☐ open'],
    ['3. c\n4. d', '3. c\n4. d'],
    ['> a\n> b\n>\n> > c', '> a\n> b\n> \n> c'],
    ['```js\nlet a = 1\n```', '```js\nlet a = 1\n```'],
    ['[shop](https://shop.example/a_b)', '[shop](https://shop.example/a_b)'],
    ['[a](https://b.example/c_(d))', '[a](https://b.example/c_%28d%29)'],
    ['<https://shop.example/a_b>', 'https://shop.example/a_b'],
    ['[click](javascript:alert)', 'click (javascript:alert)'],
    ['[https://good.example](https://evil.example)', 'https://good.example (https://evil.example )'],
    ['![a cat](https://a.example/cat.png)', '[a cat](https://a.example/cat.png)'],
    ['| a | b |\n|---|---|\n| 1 | **2** |', '```\na | b\n1 | 2\n```'],
    ['---', '———'],
    ['snake_case 2*3 ||spoiler|| :smile:', 'snake\\_case 2\\*3 \\|\\|spoiler\\|\\| \\:smile:'],
    ['<@123456789012345678> and <t:1618953630:R>', '<@123456789012345678> and <t:1618953630:R>'],
    ['a `` ` `` b', 'a `` ` `` b'],
    ['[a]: https://a.example', '\\[a\\]: https://a.example'],
  ])('%j', (markdown, content) => {
    expect(messages({ type: 'text', markdown: true, text: markdown }).map(({ content }) => content)).toEqual([
      content,
    ])
  })

  test('that is too long is cut between its blocks, and a block loses its form rather than a word', () => {
    const paragraphs = Array.from({ length: 30 }, (_, i) => `**${i}** ${'*'.repeat(60)} x`).join('\n\n')
    const shown = messages({ type: 'text', markdown: true, text: paragraphs })
    expect(shown.length).toBeGreaterThan(1)
    for (let i = 0; i < 30; i += 1) expect(shown.some(({ content }) => content?.includes(`${i}`))).toBe(true)
    const code = messages({ type: 'text', markdown: true, text: `\`\`\`\n${'[x]\n'.repeat(900)}\`\`\`` })
    expect(
      code
        .map(({ content = '' }) => unformatted(content.replace(/```/g, '')))
        .join('')
        .match(/x/g),
    ).toHaveLength(900)
  })
})
