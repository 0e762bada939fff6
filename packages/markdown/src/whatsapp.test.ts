import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toPlainText } from './plain-text.js'
import { toWhatsApp } from './whatsapp.js'

describe('Markdown becomes', () => {
  test.each([
    ['bold', '**a** b', 'a b', '*a* b'],
    ['italic', '*a* _b_', 'a b', '_a_ _b_'],
    ['struck out', '~~a~~', 'a', '~a~'],
    ['both', '***a***', 'a', '_*a*_'],
    ['bold in bold once', '# A **b** c', 'A b c', '*A b c*'],
    ['bold on each line alone', '**a\nb**', 'a\nb', '*a*\n*b*'],
    ['code', '`a_b` and ``a`b``', 'a_b and a`b', '`a_b` and a`b'],
    ['a block of code', '```js\na = 1\n```', 'a = 1', '```\na = 1\n```'],
    [
      'a link',
      '[shop](https://a.example/x_y_z)',
      'shop (https://a.example/x_y_z)',
      'shop (https://a.example/x_y_z)',
    ],
    [
      'a link by reference',
      '[shop][1]\n\n[1]: https://a.example',
      'shop (https://a.example)',
      'shop (https://a.example)',
    ],
    ['a bare link', 'https://a.example/x_y_z_', 'https://a.example/x_y_z_', 'https://a.example/x_y_z_'],
    ...['https://example.com/a?q=_test_&sig=_AbC_&x=1', 'https://example.com/api/_v1_'].map((address) => [
      'a bare link with marks',
      `**see** ${address}`,
      `see ${address}`,
      `*see* ${address}`,
    ]),
    ['a link on itself', '[a.example](https://a.example/)', 'a.example', 'a.example'],
    [
      'a mail address',
      '<mailto:a@b.example> c@d.example',
      'a@b.example c@d.example',
      'a@b.example c@d.example',
    ],
    [
      'a picture',
      '![cat](https://a.example/c.png)',
      'cat (https://a.example/c.png)',
      'cat (https://a.example/c.png)',
    ],
    [
      'a picture without words',
      '![](https://a.example/c.png)',
      'https://a.example/c.png',
      'https://a.example/c.png',
    ],
    ['lines', 'a\nb  \nc<br>d', 'a\nb\nc\nd', 'a\nb\nc\nd'],
    ['paragraphs', 'a\n\n\n\nb', 'a\n\nb', 'a\n\nb'],
    ['a list', '* a\n* b\n  * c', '- a\n- b\n  - c', '- a\n- b\n  - c'],
    ['a list with numbers', '3. a\n3. b', '3. a\n4. b', '3. a\n4. b'],
    ['a list of tasks', '- [x] a\n- [ ] b', '- [x] a\n- [ ] b', '- [x] a\n- [ ] b'],
    ['a quotation', '> a\n> b', '> a\n> b', '> a\n> b'],
    ['a table', '| a | b |\n|--|--|\n| **c** | d |', 'a | b\nc | d', 'a | b\n*c* | d'],
    ['a rule', 'a\n\n***\n\nb', 'a\n\n---\n\nb', 'a\n\n---\n\nb'],
    ['a footnote, as it is', 'a[^1]\n\n[^1]: b', 'a[^1]\n\n[^1]: b', 'a[^1]\n\n[^1]: b'],
    ['escapes', '\\*a\\* &amp; &copy;', '*a* & ©', '*a* & ©'],
    ['names with underscores', 'snake_case_word 2*3*4', 'snake_case_word 234', 'snake_case_word 2_3_4'],
    ['HTML, as it is', 'a <b>c</b>', 'a <b>c</b>', 'a <b>c</b>'],
    ['right to left', '**שלום** עולם', 'שלום עולם', '*שלום* עולם'],
    ['nothing, of definitions alone', '[a]: https://a.example', '', ''],
  ])('%s', (_, markdown, plain, whatsApp) => {
    expect([toPlainText(markdown), toWhatsApp(markdown)]).toEqual([plain, whatsApp])
  })
})

describe('any Markdown', () => {
  /** Words with marks around them, and the words alone. */
  const word = fc.stringMatching(/^[a-z0-9äשж😀]{1,8}$/u)
  const marked = fc
    .tuple(word, fc.constantFrom('', '*', '**', '_', '__', '~~', '`', '***'))
    .map(([text, sign]) => {
      return { source: sign + text + sign, text }
    })
  const line = fc.array(marked, { minLength: 1, maxLength: 8 })
  const prefix = fc.constantFrom('', '# ', '> ', '- ', '\n')

  test('keeps its words, in their order', () => {
    const property = fc.property(
      fc.array(fc.tuple(prefix, line), { minLength: 1, maxLength: 8 }),
      (lines) => {
        const source = lines
          .map(([before, items]) => before + items.map((item) => item.source).join(' '))
          .join('\n')
        const words = lines.flatMap(([, items]) => items.map(({ text }) => text))
        const shown = toPlainText(source).match(/[a-z0-9äשж😀]+/gu)
        expect(shown).toEqual(words)
        expect(toWhatsApp(source).match(/[a-z0-9äשж😀]+/gu)).toEqual(words)
      },
    )
    fc.assert(property)
  })
})
