import type { Inline } from './tree.js'

/** Styles that are open and may be closed. More are text. */
const MAX_OPEN = 12

/** Characters of the words of a link. */
const MAX_LABEL = 500
const LINK =
  /!?\[([^\]\n]{1,500})\]\(\s{0,3}<?((?:[^\s()<>]|\([^\s()<>]{0,200}\)){1,2000})>?(?:\s{1,3}"[^"\n]{0,200}")?\s{0,3}\)/y
const ADDRESS = /<?((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>?/y
const BREAK = /<br\s{0,3}\/?>/iy
const TICKS = /`+/y
const RUN = /\*+|_+|~~/y
/** Where something other than words may begin. */
const STOP = /[\\`*_~[!<]|https?:\/\//g
const SPACE = /^\s?$/
const PUNCTUATION = /^[\p{P}\p{S}]$/u

interface Frame {
  marker: string
  children: Inline[]
}

/** Reads the styles and links of a text, in time proportional to its length. What is no Markdown is text, unchanged. */
export function parseInlines(source: string): Inline[] {
  const frames: Frame[] = [{ marker: '', children: [] }]
  /** Lengths of runs of backticks that nothing closes. */
  const unclosed = new Set<number>()
  /** Where the next label of a link ends. */
  let labelEnd = source.indexOf('](')
  let at = 0

  const push = (inline: Inline): void => {
    const { children } = frames.at(-1) as Frame
    const last = children.at(-1)
    if (inline.type === 'text' && last?.type === 'text') last.text += inline.text
    else children.push(inline)
  }
  const text = (words: string): void => {
    if (words) push({ type: 'text', text: words })
  }
  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    return pattern.exec(source) ?? undefined
  }
  /** Whether a label ends near enough: each of many open brackets would be read to the longest label. */
  const mayBeLink = (): boolean => {
    if (labelEnd >= 0 && labelEnd < at) labelEnd = source.indexOf('](', at)
    return labelEnd >= 0 && labelEnd - at <= MAX_LABEL + 2
  }
  /** Makes text of a style that was never closed. */
  const giveUp = (): void => {
    const { marker, children } = frames.pop() as Frame
    text(marker)
    for (const child of children) push(child)
  }
  const close = (index: number): void => {
    while (frames.length > index + 1) giveUp()
    const { marker, children } = frames.pop() as Frame
    push({ type: styleOf(marker), children })
  }

  while (at < source.length) {
    const char = source.charAt(at)
    if (char === '\\' && PUNCTUATION.test(source.charAt(at + 1))) {
      text(source.charAt(at + 1))
      at += 2
      continue
    }
    if (char === '`') {
      const [ticks = '`'] = match(TICKS) ?? []
      const end = unclosed.has(ticks.length) ? -1 : endOfCode(source, at + ticks.length, ticks)
      if (end < 0) {
        unclosed.add(ticks.length)
        text(ticks)
        at += ticks.length
      } else {
        push({ type: 'code', text: source.slice(at + ticks.length, end).replace(/^ (.*) $/s, '$1') })
        at = end + ticks.length
      }
      continue
    }
    const link = (char === '[' || char === '!') && mayBeLink() ? match(LINK) : undefined
    if (link) {
      const [all, label = '', url = ''] = link
      push({ type: 'link', url, children: withoutLinks(parseInlines(label)) })
      at += all.length
      continue
    }
    const lineBreak = char === '<' ? match(BREAK) : undefined
    if (lineBreak) {
      push({ type: 'break' })
      at += lineBreak[0].length
      continue
    }
    const address = /[<hm]/.test(char) && !/\w/.test(source.charAt(at - 1)) ? match(ADDRESS) : undefined
    if (address) {
      const [all, found = ''] = address
      const isBare = !all.startsWith('<')
      const url = isBare ? trimmed(found) : found
      push({ type: 'link', url, children: [{ type: 'text', text: url }] })
      at += isBare ? url.length : all.length
      continue
    }
    const run = match(RUN)
    if (run) {
      readRun(run[0])
      at += run[0].length
      continue
    }
    STOP.lastIndex = at + 1
    const next = STOP.exec(source)?.index ?? source.length
    text(source.slice(at, next))
    at = next
  }
  while (frames.length > 1) giveUp()
  return frames[0]?.children ?? []

  function readRun(run: string): void {
    const char = run.charAt(0)
    const before = source.charAt(at - 1)
    const after = source.charAt(at + run.length)
    const isInWord = char === '_' && isWord(before) && isWord(after)
    const canOpen = !SPACE.test(after) && !isInWord && (!PUNCTUATION.test(after) || !isWord(before))
    const canClose = !SPACE.test(before) && !isInWord
    let left = run.length
    while (left > 0) {
      const index = canClose
        ? frames.findLastIndex(({ marker }) => marker.startsWith(char) && marker.length <= left)
        : -1
      if (index > 0) {
        left -= frames[index]?.marker.length ?? left
        close(index)
      } else if (canOpen && frames.length <= MAX_OPEN) {
        const marker = char.repeat(Math.min(2, left))
        left -= marker.length
        frames.push({ marker, children: [] })
      } else {
        text(char.repeat(left))
        left = 0
      }
    }
  }
}

function styleOf(marker: string): 'strong' | 'emphasis' | 'strikethrough' {
  if (marker === '~~') return 'strikethrough'
  return marker.length === 2 ? 'strong' : 'emphasis'
}

function endOfCode(source: string, from: number, ticks: string): number {
  for (let at = source.indexOf(ticks, from); at >= 0; ) {
    let end = at
    while (source.charAt(end) === '`') end += 1
    if (end - at === ticks.length) return at
    at = source.indexOf(ticks, end)
  }
  return -1
}

/** A link has no link in it. */
const withoutLinks = (inlines: Inline[]): Inline[] =>
  inlines.flatMap((inline) => (inline.type === 'link' ? inline.children : [inline]))

const isWord = (char: string): boolean => !SPACE.test(char) && !PUNCTUATION.test(char)

/** An address in a sentence ends before its punctuation, and before brackets that it does not open. */
function trimmed(address: string): string {
  let end = address.length
  let unopened = address.split(')').length - address.split('(').length
  for (; end > 0; end -= 1) {
    const last = address.charAt(end - 1)
    if (!'.,:;!?\'"*_~)]}'.includes(last) || (last === ')' && unopened <= 0)) break
    if (last === ')') unopened -= 1
  }
  return address.slice(0, end)
}
