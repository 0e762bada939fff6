import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { recordOf, storeOf } from '../../test/support/clients.js'
import type { Entry } from '../log/entry.js'
import { firstPage, type MessagePage, PAGE_BYTES } from '../log/page.js'
import { lookupsFor } from './lookups.js'

const record = recordOf()
const client = { id: record.id, record, webhooks: [], integrations: new Map() }

/** A look at messages of these lengths, newest first, and the pages that the store was asked for. */
const lookAt = (...lengths: number[]) => lookAtTexts(...lengths.map((length) => 'x'.repeat(length)))

function lookAtTexts(...texts: string[]) {
  const pages: MessagePage[] = []
  const entries = texts.map(
    (payload, i): Entry => ({
      ...{ id: newId(), clientId: client.id, streamId: newId(), seq: texts.length - i, type: 'message' },
      ...{ payload, at: new Date(), owes: [] },
    }),
  )
  const store = storeOf({
    async listMessages(_, __, page) {
      pages.push(page)
      const first = page.before ? entries.findIndex(({ id }) => id === page.before) + 1 : 0
      return firstPage(entries.slice(first), page.limit)
    },
  })
  const none = {} as never
  const lookups = lookupsFor(client, { store, users: none, conversations: none, accounts: none })
  const messages = async (limit: number, maxChars: number) =>
    (await lookups.messages(newId(), limit, maxChars)).map(({ payload }) => payload.length)
  return { messages, pages }
}

test('the newest messages are those that fit, and are read a few at a time', async () => {
  const many = Array.from({ length: 100 }, () => 10)
  const { messages, pages } = lookAt(...many)
  expect(await messages(500, 10_000)).toHaveLength(100)
  expect(await messages(30, 10_000)).toHaveLength(30)
  expect(await messages(500, 305)).toHaveLength(30)
  for (const { limit } of pages) expect(limit).toBeLessThanOrEqual(20)
})

test('the newest message is there, however long it is, and none is left out between two', async () => {
  expect(await lookAt(500, 1, 1).messages(10, 100)).toEqual([500])
  expect(await lookAt(1, 500, 1).messages(10, 100)).toEqual([1])
  expect(await lookAt().messages(10, 100)).toEqual([])
})

test('a page that the store ends for its bytes is not the last one', async () => {
  const text = '字'.repeat(PAGE_BYTES / 12)
  const { messages } = lookAtTexts(...Array.from({ length: 10 }, () => text))
  expect(await messages(500, PAGE_BYTES)).toHaveLength(10)
})
