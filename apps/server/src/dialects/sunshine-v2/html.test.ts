import { characters } from '@plugboard/core/testing'
import { parseMarkdown } from '@plugboard/markdown'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { htmlOf, htmlToText, sanitiseHtml } from './html.js'
import { resolveMarkup } from './markup.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

const markdown = (source: string): string => htmlOf(parseMarkdown(source))

describe('Markdown becomes HTML', () => {
  test.each([
    [
      'bold, italic, struck out and code',
      '**a** *b* ~~c~~ `<d>`',
      '<p><strong>a</strong> <em>b</em> <del>c</del> <code>&lt;d&gt;</code></p>',
    ],
    ['a heading', '## A', '<h2>A</h2>'],
    ['a list', '3. a\n4. b', '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'],
    ['a list of tasks', '- [x] a', '<ul>\n<li>☑ a</li>\n</ul>'],
    ['a quote', '> a', '<blockquote>\n<p>a</p>\n</blockquote>'],
    ['code', '```js\n1 < 2\n```', '<pre><code>1 &lt; 2\n</code></pre>'],
    [
      'a table',
      '|a|\n|-|\n|b|',
      '<table>\n<thead>\n<tr><th>a</th></tr>\n</thead>\n<tbody>\n<tr><td>b</td></tr>\n</tbody>\n</table>',
    ],
    [
      'a link',
      '[a](https://b.example/?c=1&d="e")',
      '<p><a href="https://b.example/?c=1&amp;d=&quot;e&quot;">a</a></p>',
    ],
    [
      'a bare link',
      'https://b.example/_c_',
      '<p><a href="https://b.example/_c_">https://b.example/_c_</a></p>',
    ],
    ['a picture', '![a](https://b.example/c.png)', '<p><img src="https://b.example/c.png" alt="a"></p>'],
    ['HTML, as words', '<b>a</b><script>', '<p>&lt;b&gt;a&lt;/b&gt;&lt;script&gt;</p>'],
    ['a link that runs, as words', '[a](javascript:b)', '<p>a (javascript:b)</p>'],
    ['one that hides it', '[a](&#1;java&#10;script:b)', '<p>a (&amp;#1;java\nscript:b)</p>'],
    ['a picture that is no file of the web, as words', '![a](data:text/html,b)', '<p>a</p>'],
  ])('%s', (_, source, html) => expect(markdown(source)).toBe(html))
})

describe('HTML of a client loses', () => {
  test.each([
    ['scripts', 'a<script>b</script>c', 'ac'],
    [
      'what runs',
      '<p onclick="b()">a</p><img src="https://b.example/c.png" onerror="d()">',
      '<p>a</p><img src="https://b.example/c.png" />',
    ],
    [
      'addresses that run',
      '<a href="java\nscript:b">a</a><a href=" &#1;javascript:b">c</a>',
      '<a>a</a><a>c</a>',
    ],
    ['styles', '<p style="position:fixed">a</p><style>b</style>', '<p>a</p>'],
    [
      'frames, forms and what is read in another way',
      '<iframe src="b">a</iframe><textarea></textarea/><img src=x></textarea><svg><a href="javascript:b">c</a></svg>',
      '',
    ],
    ['comments', 'a<!-- <img src=x onerror=b> -->c', 'ac'],
    [
      'elements that are too deep, with their words',
      `${'<b>'.repeat(1000)}a`,
      `${'<b>'.repeat(20)}a${'</b>'.repeat(20)}`,
    ],
  ])('%s', async (_, source, html) => expect(await sanitiseHtml(source)).toBe(html))
})

/** A tag as it may be, with an address that names its scheme. */
const TAG =
  /<\/?[a-z]+[1-6]?(?: (?:title|alt|start)="[^"<>]*"| (?:href|src)="(?:https?|mailto|tel):[^"<>]*")*(?: \/)?>/gi
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '<',
      '>',
      '"',
      "'",
      '=',
      '/',
      '</',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&lt;',
      '&#x3c;',
      '&#1;',
      '\u0000',
    ],
    ...[
      'script',
      'svg',
      'math',
      'textarea',
      'xmp',
      'style',
      'title',
      'noscript',
      'template',
      'select',
      'option',
    ],
    ...[
      '<script>',
      '</script/>',
      '<svg>',
      '<math>',
      '<textarea>',
      '</textarea/>',
      '<xmp>',
      '<style>',
      '<p>',
      '</p>',
    ],
    ...[
      '<b>',
      '<a href="',
      '<img src=',
      'javascript:alert(1)',
      'https://a.example',
      ' onerror=',
      'a',
      ' ',
      '\n',
    ],
  ),
  fc.string({ unit: character, maxLength: 5 }),
)
const hostile = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''))

describe('any text', () => {
  test('is safe as HTML and as Markdown, also when it is sanitised twice', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const html = await sanitiseHtml(text)
        for (const each of [html, markdown(text)]) {
          // Browsers skip controls in a scheme, or read what is no address then.
          expect(each.replace(/\p{Cc}/gu, '').replace(TAG, '')).not.toMatch(/[<>]/)
        }
        expect(await sanitiseHtml(html)).toBe(html)
      }),
    )
  })

  test.each([
    ['quotes in quotes', '>'],
    ['lists in quotes', '- > '],
    ['elements', '<b>'],
    ['tables in tables', '<table><tr><td>'],
    ['items', '<ol><li>a'],
    ['attributes', '<a b=c '],
    ['entities', '&#x'],
    ['brackets', '![<'],
    ['paragraphs', '<p>a'],
  ])('of the longest form is read in time: %s', async (_, unit) => {
    const text = `${unit.repeat(4096).slice(0, 4094)} a`
    let shortest = Number.POSITIVE_INFINITY
    for (let run = 0; run < 8 && shortest > 100; run += 1) {
      const [cpu, started] = [process.cpuUsage(), performance.now()]
      await resolveMarkup({ type: 'text', markdownText: text })
      await htmlToText(await sanitiseHtml(text))
      const { user, system } = process.cpuUsage(cpu)
      // Other programs use the machine, too.
      shortest = Math.min(shortest, performance.now() - started, (user + system) / 1000)
    }
    expect(shortest).toBeLessThan(100)
  })
})
