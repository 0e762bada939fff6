/** As much as a payload may hold, with room for the rest of a request. */
const LENGTH = 149_000

const filled = (piece: string, length = LENGTH): string => piece.repeat(Math.floor(length / piece.length))

const PROSE =
  'Dear *Ada*, the **quick** brown fox [jumps](https://example.com/a_b) over `the lazy` dog. It did so twice.\n\n'

/** Texts that make a careless parser of Markdown slow, by what they are made of. */
export const hostileMarkdown: Readonly<Record<string, string>> = {
  quotes: `${'>'.repeat(99_000)} a`,
  'quotes and spaces': `${filled('> ', 99_000)}a`,
  'quoted lists': `${filled('- > ')}a`,
  lists: `${filled('- ', 99_000)}a`,
  'stars and underscores': filled('*a_ '),
  'emphasis that does not end': filled('a_ _b '),
  'stars alone': '*'.repeat(LENGTH),
  'opening brackets': '['.repeat(LENGTH),
  'links that do not end': filled('[a]('),
  'links in links': filled('[![](', LENGTH),
  'references that are not there': filled('[a][b] '),
  definitions: filled('[a]: b\n'),
  'backticks of growing length': Array.from({ length: 540 }, (_, i) => `${'`'.repeat(i + 1)}a`).join(' '),
  'angle brackets': '<'.repeat(LENGTH),
  'comments that do not end': filled('<!-- '),
  'tables without end': `${filled('|a', 2_000)}\n${filled('|-', 2_000)}\n${filled('|b\n', 140_000)}`,
  addresses: filled('http://a.b/_c_ '),
  'dots and ats': filled('a@b.'),
  entities: filled('&amp;'),
  tildes: filled('~~a '),
  backslashes: '\\'.repeat(LENGTH),
  'line ends': '\n'.repeat(LENGTH),
  spaces: ' '.repeat(LENGTH),
  prose: filled(PROSE),
}
