/** Matches the start of a bare address, and characters that may be markup. */
const STOP = /[\n!&*:<@[\]\\_`~]|(?<![a-z0-9])(?:https?:\/\/|www\.)/gi
const START = /(?:https?:\/\/|www\.)/iy
/** Longer addresses are not linked. */
const MAX_ADDRESS = 4096

/** Position of the next possible markup in a line, or the end of the line. */
export function nextStop(line: string, from: number): number {
  STOP.lastIndex = from
  return STOP.exec(line)?.index ?? line.length
}

/**
 * The bare address at a position of a line, unchanged, and its target. `find` reads an address with a scheme at the
 * start of a text. Trailing punctuation is not part of the address: stars and tildes close an open style, and so does an
 * underscore if one precedes the address.
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

/** Not a regular expression, which would be tried at each character. */
function trimEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** https://github.github.com/gfm/#extended-email-autolink */
const MAIL = /(?<![\w.+-])[\w.+-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,62}\.[a-z0-9]){1,8}[a-z0-9-]{0,62}(?<![-_])/gi

/** The e-mail addresses in a text, in order, as `[start, end]`. */
export const mailAddresses = (text: string): [start: number, end: number][] =>
  text.includes('@')
    ? Array.from(text.matchAll(MAIL), (match) => [match.index, match.index + match[0].length])
    : []
