/** What a bare address starts with, and the characters that are, or may be, markup. */
const STOP = /[\n!&*:<@[\]\\_`~]|(?<![a-z0-9])(?:https?:\/\/|www\.)/gi
const START = /(?:https?:\/\/|www\.)/iy
/** Longer ones are linked nowhere. */
const MAX_ADDRESS = 4096

/** Where the next piece of a line starts that may be more than words; the end of the line for none. */
export function nextStop(line: string, from: number): number {
  STOP.lastIndex = from
  return STOP.exec(line)?.index ?? line.length
}

/**
 * The bare address at a place of a line, as it is written, and where it leads. `find` reads one with a scheme at the
 * start of a text. Punctuation at its end is none of it: stars and tildes close what was opened before, and so does an
 * underscore where one stands before the address.
 */
export function addressAt(
  line: string,
  at: number,
  find: (rest: string) => string | undefined,
): { text: string; url: string } | undefined {
  START.lastIndex = at
  const [start] = START.exec(line) ?? []
  const before = line.charAt(at - 1)
  if (start === undefined || /[a-z0-9]/i.test(before)) return undefined
  const scheme = start.toLowerCase() === 'www.' ? 'http://' : ''
  const [rest = ''] = line.slice(at, at + MAX_ADDRESS).split(/\s/, 1)
  const found = find(scheme + (before === '_' ? trimEnd(rest, '*~?!.,:_') : rest))
  const url = found === undefined ? '' : trimEnd(found, '*~?!.,:')
  const text = url.slice(scheme.length)
  return text.length > start.length ? { text, url } : undefined
}

/** A pattern would be tried at each of the characters. */
function trimEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** https://github.github.com/gfm/#extended-email-autolink */
const MAIL = /(?<![\w.+-])[\w.+-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,62}\.[a-z0-9]){1,8}[a-z0-9-]{0,62}(?<![-_])/gi

/** The mail addresses in a text, in order, as `[start, end]`. */
export const mailAddresses = (text: string): [start: number, end: number][] =>
  text.includes('@')
    ? Array.from(text.matchAll(MAIL), (match) => [match.index, match.index + match[0].length])
    : []
