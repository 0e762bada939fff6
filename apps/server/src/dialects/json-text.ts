import { Readable } from 'node:stream'
import { yieldIfBusy } from '@plugboard/hub'

/** JSON text, or a stream of it if it is long. */
export type JsonText = string | Readable

/** Characters per chunk. */
export const CHUNK = 65_536

/** A page of a list, and whether there may be more after it. */
export interface Listed<T> {
  items: readonly T[]
  hasMore: boolean
}

/**
 * Pages of a list, each read after the previous one was passed on. `read` gets the last item and the maximum number of
 * items. Yields to the event loop between two pages.
 */
export async function* pagesOf<T>(
  read: (last: T | undefined, limit: number) => Promise<Listed<T>>,
  { pageSize, limit = Number.POSITIVE_INFINITY }: { pageSize: number; limit?: number },
): AsyncGenerator<readonly T[]> {
  let last: T | undefined
  for (let left = limit; ; ) {
    const { items, hasMore } = await read(last, Math.min(left, pageSize))
    yield items
    left -= items.length
    last = items.at(-1)
    if (!hasMore || left <= 0 || last === undefined) return
    const turn = yieldIfBusy()
    if (turn) await turn
  }
}

/** Items as pages of one. */
export async function* oneByOne<T>(items: AsyncIterable<T>): AsyncGenerator<readonly T[]> {
  for await (const item of items) yield [item]
}

/** Around the items of a list. */
export interface Frame {
  head: string
  tail: string
}

/**
 * JSON text with a list. A short one is returned whole. A long one is a stream that creates each part after the previous
 * one was sent, so that a slow reader costs one page of memory. Yields to the event loop between two parts. An error
 * before the first part rejects.
 */
export async function listText<T>(
  pages: AsyncIterable<readonly T[]>,
  print: (item: T) => string | Promise<string>,
  { head, tail }: Frame = { head: '[', tail: ']' },
): Promise<JsonText> {
  const parts = partsOf(pages, print, { head, tail })
  const [first, second] = [await parts.next(), await parts.next()]
  if (first.done || second.done) return first.done ? '' : first.value
  return Readable.from(resumed([first.value, second.value], parts), {
    objectMode: false,
    highWaterMark: CHUNK,
  })
}

async function* partsOf<T>(
  pages: AsyncIterable<readonly T[]>,
  print: (item: T) => string | Promise<string>,
  { head, tail }: Frame,
): AsyncGenerator<string> {
  let text = head
  let separator = ''
  for await (const page of pages) {
    for (const item of page) {
      const printed = print(item)
      text += separator + (typeof printed === 'string' ? printed : await printed)
      separator = ','
      if (text.length < CHUNK) continue
      yield text
      text = ''
      const turn = yieldIfBusy()
      if (turn) await turn
    }
  }
  yield text + tail
}

async function* resumed(begun: readonly string[], parts: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* begun
    yield* parts
  } finally {
    await parts.return(undefined)
  }
}
