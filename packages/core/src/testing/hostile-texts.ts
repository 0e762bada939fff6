/** As much as the API takes of one message, in bytes of its JSON, with room for what is around the text. */
const MAX_BYTES = 149_000

/** What is slow to read, to search and to cut: unclosed, nested, and long runs of one kind. */
const units: Readonly<Record<string, string>> = {
  'ordinary prose': 'The quick brown fox jumps over the lazy dog, and then it sleeps. ',
  paragraphs: 'The quick brown fox jumps.\n\n',
  'quotes in quotes': '>',
  'lists in quotes': '- > ',
  'lists in lists': '- ',
  lines: 'a\n',
  'items of a list': '- a\n',
  'marks that overlap': '*a_ ',
  'marks that open': 'a_ _b',
  'marks that close': '**a** ',
  stars: '*',
  tildes: '~~',
  'open brackets': '[',
  'open links': '[a](',
  'open pictures': '![',
  links: '[a](https://a.example) ',
  'definitions of links': '[a]: b\n',
  'opening angles': '<',
  tags: '<b>',
  pipes: '|',
  'rows of a table': '|a|b|\n|-|-|\n',
  entities: '&amp;',
  addresses: 'http://a ',
  'addresses in addresses': 'http://a',
  'addresses with marks': '?_https://a.example/',
  'mail addresses': 'a@b.c ',
  'full stops': '.',
  sentences: 'a. ',
  backslashes: '\\',
  'white space': ' ',
  'line feeds': '\n',
  'carriage returns': '\r\n',
  'carriage returns alone': '\r',
  'separators of lines': '\u2028',
  'addresses without letters': 'www.\u200b',
  'letters without a gap': 'a',
  'combining marks': '\u0301',
  'marks without width': '\u200b',
  'pairs of surrogates': '👋',
  'halves of pairs': '\ud83d',
  controls: '\u0001',
}

const sizeOf = (text: string): number => Buffer.byteLength(JSON.stringify(text)) - 2

const backticks = (): string => {
  let text = ''
  for (let i = 1; text.length < MAX_BYTES; i += 1) text += `${'`'.repeat(i)} a `
  return text.slice(0, MAX_BYTES)
}

/** Texts as long as the API takes them, by what is in them. Each ends in a letter, for those that trim. */
export const hostileTexts: readonly (readonly [name: string, text: string])[] = [
  ...Object.entries(units).map(
    ([name, unit]) => [name, `a${unit.repeat(Math.floor(MAX_BYTES / sizeOf(unit)))} a`] as const,
  ),
  ['quotes in quotes from the start', `${'>'.repeat(MAX_BYTES)} a`],
  ['an address that does not end', `http://${'a.'.repeat(MAX_BYTES / 2)}`],
  ['an address of a host beyond ASCII', `https://${'ä'.repeat(MAX_BYTES / 2)}.example/a.png`],
  ['an address of a path beyond ASCII', `https://a.example/${'ä'.repeat(MAX_BYTES / 2)}.png`],
  ['back ticks, ever more', backticks()],
]
