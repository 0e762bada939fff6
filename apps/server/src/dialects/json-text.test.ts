import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type JsonText, listText, pagesOf } from './json-text.js'

const whole = async (answer: JsonText): Promise<string> =>
  typeof answer === 'string' ? answer : text(answer)

/** Pages of some items, and how often one was read. */
function source<T>(items: readonly T[], pageSize: number, limit?: number) {
  const seen = { reads: 0 }
  const pages = pagesOf<T>(
    async (last, size) => {
      seen.reads += 1
      const start = last === undefined ? 0 : items.indexOf(last) + 1
      return { items: items.slice(start, start + size), hasMore: start + size < items.length }
    },
    { pageSize, ...(limit !== undefined && { limit }) },
  )
  return { pages, seen }
}

test('whatever the items and the pages, the text is that of all of them, and no more are read', async () => {
  const item = fc.oneof(
    fc.string(),
    fc.nat(40_000).map((size) => 'é'.repeat(size)),
  )
  const items = fc.uniqueArray(item, { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(
      items,
      fc.integer({ min: 1, max: 7 }),
      fc.option(fc.integer({ min: 1, max: 25 })),
      async (all, size, limit) => {
        const { pages } = source(all, size, limit ?? undefined)
        const answer = await listText(pages, (each) => JSON.stringify(each))
        expect(JSON.parse(await whole(answer))).toEqual(all.slice(0, limit ?? undefined))
      },
    ),
  )
})

test('a reader who reads nothing costs a page, and one who goes away ends the reading', async () => {
  const items = Array.from({ length: 100 }, (_, n) => `${n}${'x'.repeat(100_000)}`)
  const { pages, seen } = source(items, 5)
  let ended = false
  async function* watched() {
    try {
      yield* pages
    } finally {
      ended = true
    }
  }
  const stream = await listText(watched(), (each) => JSON.stringify(each))
  if (!(stream instanceof Readable)) throw new Error('it is not streamed')
  await new Promise((resolve) => stream.once('readable', resolve))
  for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate)
  expect(seen.reads).toBe(1)
  stream.read()
  stream.destroy()
  await expect.poll(() => ended).toBe(true)
  expect(seen.reads).toBeLessThanOrEqual(2)
})

test('what goes wrong at the beginning rejects, and later it ends the stream', async () => {
  async function* failing(before: readonly string[]) {
    yield before
    throw new Error('broken')
  }
  await expect(listText(failing([]), String)).rejects.toThrow('broken')
  const stream = await listText(failing(['x'.repeat(70_000), 'y'.repeat(70_000)]), (each) =>
    JSON.stringify(each),
  )
  await expect(whole(stream)).rejects.toThrow('broken')
})
