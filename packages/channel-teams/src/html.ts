/** The quoted message that Teams puts before a reply. */
const QUOTE = /<blockquote[^<>]{0,300}itemtype="http:\/\/schema\.skype\.com\/Reply"[^<>]{0,300}>/i
const QUOTE_END = '</blockquote>'
/** Longest markup that is read. */
const LONGEST = 200_000

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
  ['nbsp', ' '],
])

/** A reply without the message that it quotes, and the id of that message. */
export function splitQuote(html: string): { rest: string; quoted?: string } {
  const start = QUOTE.exec(html)
  if (!start) return { rest: html }
  const end = html.indexOf(QUOTE_END, start.index)
  const rest = html.slice(0, start.index) + (end < 0 ? '' : html.slice(end + QUOTE_END.length))
  const quoted = /\bitemid="([^"<>]{1,100})"/i.exec(start[0])?.[1]
  return { rest, ...(quoted !== undefined && { quoted }) }
}

/** The words of a message's markup, with the names of its emoji and pictures. */
export function textOfHtml(html: string): string {
  return decode(
    html
      .slice(0, LONGEST)
      .replace(/[\r\n]+/g, ' ')
      .replace(/<(?:img|emoji)\b([^<>]{0,4000})>/gi, (_, attributes) => altIn(attributes))
      .replace(/<(?:br|\/p|\/div|\/li|\/tr|\/h\d|\/blockquote|\/pre)\b[^<>]{0,300}>/gi, '\n')
      .replace(/<[^<>]{0,4000}>/g, ''),
  )
    .replace(/[ \t]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}

const altIn = (attributes: string): string => /\balt="([^"]{0,200})"/i.exec(attributes)?.[1] ?? ''

const decode = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,5}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return ENTITIES.get(String(name).toLowerCase()) ?? all
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    return isCharacter ? String.fromCodePoint(code) : all
  })
