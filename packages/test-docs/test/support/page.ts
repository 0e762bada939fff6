/** One fenced block of a page, and what the comment before it asks of the tests. */
export interface Block {
  /** Line of the fence, from 1. */
  line: number
  language: string
  text: string
  /** Why it is not run here: no way to do so, or another test does. */
  reason?: string
  run: Run
}

/** How a block is run. */
interface Run {
  /** A server listens before. */
  server?: true
  /** What runs in other terminals ends before, as by Ctrl-C. */
  restart?: true
  /** Commands before it, in the terminal of the page. */
  before?: string
  /** A variable that a person would set: `NAME=value`. */
  env?: string
  /** It goes on in a terminal of its own; the next block starts when something listens on this port of the page. */
  listens?: string
  /** It is saved under this name, and not run. */
  file?: string
  /** Commands after it, in the terminal of the page. */
  then?: string
  /** Text that is printed. */
  prints?: string
}

const flags = ['server', 'restart'] as const
const options = ['before', 'env', 'listens', 'file', 'then', 'prints'] as const

/** A line before a block: `<!-- not run: reason -->`, `<!-- run by path -->`, `<!-- run: server; prints hello -->`. */
const comment = /^<!-- (not run:|run by|run:) (.+) -->$/

/**
 * The fenced blocks of a page, in order.
 * @throws Error for a comment that is not before a block, and for an option that does not exist
 */
export function blocksOf(page: string): Block[] {
  const lines = page.split('\n')
  const blocks: Block[] = []
  let asked: { line: number; how: RegExpExecArray } | undefined
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? ''
    const how = comment.exec(line)
    const [, fence, language = ''] = /^(`{3,})(\S*)/.exec(line) ?? []
    if (how) asked = { line: i + 1, how }
    else if (fence) {
      const end = lines.indexOf(fence, i + 1)
      if (end < 0) throw new Error(`line ${i + 1}: the block has no end`)
      blocks.push({
        line: i + 1,
        language,
        text: `${lines.slice(i + 1, end).join('\n')}\n`,
        ...wishesOf(asked?.how),
      })
      asked = undefined
      i = end
    } else if (line !== '' && asked) throw new Error(`line ${asked.line}: no block follows the comment`)
  }
  return blocks
}

function wishesOf(how: RegExpExecArray | undefined): Pick<Block, 'reason' | 'run'> {
  const [, kind, text = ''] = how ?? []
  if (kind !== 'run:') return { run: {}, ...(kind && { reason: text }) }
  return { run: Object.assign({}, ...text.split('; ').map(optionOf)) }
}

function optionOf(text: string): Run {
  const [, name = '', value] = /^(\w+)(?: (.+))?$/.exec(text) ?? []
  const isKnown = ((value === undefined ? flags : options) as readonly string[]).includes(name)
  if (!isKnown) throw new Error(`unknown option: ${text}`)
  return { [name]: value ?? true }
}

/** Ports that a page names, in addresses and where its snippets listen. */
export function portsOf(page: string): number[] {
  const found = page.matchAll(/(?:127\.0\.0\.1:|localhost:|listen\(|port: |PORT=)(\d{4,5})\b/g)
  return [...new Set([3100, ...Array.from(found, ([, port]) => Number(port))])]
}
