import Parser, { type MarkdownIt, type StateBlock, type StateInline } from 'markdown-it'
import { addressAt, nextStop } from './address.js'
import { useLightTokens } from './light-tokens.js'

/** A quote is one level, a list with its item is two. The parser itself would drop deeper text. */
const MAX_LEVEL = 16
/** Maximum cells of a table. The parser adds missing cells, so even a short text can have many. */
const MAX_CELLS = 2000

/**
 * Creates a parser for GitHub's Markdown with HTML as plain text. Text nested too deeply, large tables and footnotes are
 * plain text too, to bound the time or to lose nothing.
 */
export function createParser(): MarkdownIt {
  // Addresses stay unchanged. The channel decides which are safe.
  const parser = new Parser({ html: false, maxNesting: 20 })
  parser.normalizeLink = (url) => url
  parser.normalizeLinkText = (url) => url
  parser.validateLink = () => true
  parser.block.ruler.before('table', 'too_deep', tooDeep)
  parser.block.ruler.before('table', 'too_large', tooLarge)
  parser.block.ruler.before('reference', 'footnote', footnote)
  parser.inline.ruler.at('text', text)
  parser.inline.ruler.at('linkify', address)
  parser.inline.ruler.before('autolink', 'line_break', lineBreak)
  boundPictures(parser)
  useLightTokens(parser)
  return parser
}

type BlockRule = (state: StateBlock, line: number, end: number, isProbe: boolean) => boolean
type InlineRule = (state: StateInline, isProbe: boolean) => boolean

const tooDeep: BlockRule = (state, line, end, isProbe) =>
  !isProbe && state.level >= MAX_LEVEL && writeWords(state, line, end)

/** The delimiter row below a table head, if it contains a `|`. */
const DELIMITERS = /^[-:|\s]+$/

const tooLarge: BlockRule = (state, line, end, isProbe) => {
  if (isProbe || line + 1 >= end) return false
  const delimiters = lineOf(state, line + 1)
  if (!delimiters.includes('|') || !DELIMITERS.test(delimiters)) return false
  const most = MAX_CELLS / delimiters.split('|').length
  let last = line + 1
  while (last < end && last - line <= most && !state.isEmpty(last)) last += 1
  return last - line > most && writeWords(state, line, end)
}

const footnote: BlockRule = (state, line, end, isProbe) =>
  !isProbe && lineOf(state, line).startsWith('[^') && writeWords(state, line, end)

const lineOf = (state: StateBlock, line: number): string =>
  state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line])

/** Makes a paragraph of all lines up to an empty line, or to the end of the surrounding block. */
function writeWords(state: StateBlock, line: number, end: number): true {
  let next = line + 1
  while (next < end && !state.isEmpty(next) && (state.sCount[next] ?? 0) >= state.blkIndent) next += 1
  state.push('paragraph_open', 'p', 1)
  const inline = state.push('inline', '', 0)
  inline.content = state.getLines(line, next, state.blkIndent, false).trim()
  inline.children = []
  state.push('paragraph_close', 'p', -1)
  state.line = next
  return true
}

/** Like the parser's rule, which does not stop at addresses. */
const text: InlineRule = (state, isProbe) => {
  const end = Math.min(nextStop(state.src, state.pos), state.posMax)
  if (end === state.pos) return false
  if (!isProbe) state.pending += state.src.slice(state.pos, end)
  state.pos = end
  return true
}

/**
 * Limit for the address search, as a multiple of the text length: a false start causes the same characters to be
 * searched again. Real texts need little more than their length.
 */
const LOOKS = 10

/** State of the parser for one text: the remaining search limit. */
export const roomFor = (source: string) => ({ lookable: LOOKS * source.length })

/**
 * Like the parser's rule, which is slower than linear and does not support `www.`. In the label of a link, an address
 * is text.
 */
const address: InlineRule = (state, isProbe) => {
  const isLabel = state.linkLevel > 0
  const line = isLabel ? state.src.slice(0, state.posMax) : state.src
  const found = addressAt(line, state.pos, (rest) => {
    const left = Number(state.env.lookable) - rest.length
    if (!(left >= 0)) return undefined
    state.env.lookable = left
    return state.md.linkify.matchAtStart(rest)?.url
  })
  if (!found) return false
  if (!isProbe) {
    if (isLabel) state.pending += found.text
    else {
      state.push('link_open', 'a', 1).attrs = [['href', found.url]]
      state.push('text', '', 0).content = found.text
      state.push('link_close', 'a', -1)
    }
  }
  state.pos += found.text.length
  return true
}

const BREAK = /<br\s{0,9}\/?>/iy

const lineBreak: InlineRule = (state, isProbe) => {
  BREAK.lastIndex = state.pos
  const [found] = BREAK.exec(state.src) ?? []
  if (found === undefined) return false
  if (!isProbe) state.push('hardbreak', 'br', 0)
  state.pos += found.length
  return true
}

/** The parser would parse nested images once per level. This leaves images within images unparsed. */
function boundPictures({ inline }: MarkdownIt): void {
  const parse = inline.parse.bind(inline)
  let depth = 0
  inline.parse = (source, parser, env, tokens) => {
    if (depth > 1) return
    depth += 1
    try {
      parse(source, parser, env, tokens)
    } finally {
      depth -= 1
    }
  }
}
