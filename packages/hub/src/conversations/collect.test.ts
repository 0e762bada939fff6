import { newId } from '@plugboard/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { storeOf } from '../../test/support/clients.js'
import type { ClientView } from '../clients/directory.js'
import type { Entry } from '../log/entry.js'
import { firstPage } from '../log/page.js'
import { Collect, type Collected } from './collect.js'
import type { Messages } from './messages.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('answers with the replies when the turn ends', async () => {
  const { collect, client, ask, reply, ended } = setUp()
  const { id, answer } = ask(10_000)
  await vi.advanceTimersByTimeAsync(1000)
  reply('one')
  reply('two')
  expect(ended()).toBe(false)
  await collect.endTurn(client, id)
  expect(await payloadsOf(answer)).toEqual(['one', 'two'])
  expect(vi.getTimerCount()).toBe(0)
})

test('answers with what is there when the time is over, which is never more than the ceiling', async () => {
  for (const [asked, taken] of [
    [3000, 3000],
    [0, 50_000],
    [3_600_000, 50_000],
  ] as const) {
    const { ask, reply, ended } = setUp()
    const { answer } = ask(asked)
    await vi.advanceTimersByTimeAsync(taken - 1)
    reply('one')
    expect(ended()).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await payloadsOf(answer)).toEqual(['one'])
  }
})

test('more replies than there are on a page are all answered, and read as they are asked for', async () => {
  const { ask, reply, reads } = setUp()
  const { answer } = ask(1000)
  const texts = Array.from({ length: 7 }, (_, n) => `${n}`.repeat(400_000))
  for (const text of texts) reply(text)
  await vi.advanceTimersByTimeAsync(1000)
  expect([(await answer).message.seq, reads()]).toEqual([1, 0])
  expect(await payloadsOf(answer)).toEqual(texts)
  expect(reads()).toBe(3)
})

test('a turn that ends before the message is answered is not missed', async () => {
  const { collect, client, ask, during } = setUp()
  during(async (id) => collect.endTurn(client, id))
  const { answer } = ask(10_000)
  await vi.advanceTimersByTimeAsync(0)
  expect(await payloadsOf(answer)).toEqual([])
})

test('the end of the turn of an unknown message is not found', async () => {
  const { collect, client } = setUp()
  await expect(collect.endTurn(client, newId())).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a process that goes down answers who waits, and lets nobody wait any more', async () => {
  const { collect, ask } = setUp()
  const { answer } = ask(10_000)
  await vi.advanceTimersByTimeAsync(1)
  collect.close()
  expect(await payloadsOf(answer)).toEqual([])
  expect(await payloadsOf(ask(10_000).answer)).toEqual([])
})

test('a message that cannot be posted is rejected immediately, and leaves nothing behind', async () => {
  const { ask, during } = setUp()
  during(async () => {
    throw new Error('broken')
  })
  await expect(ask(10_000).answer).rejects.toThrow('broken')
  expect(vi.getTimerCount()).toBe(0)
})

async function payloadsOf(answer: Promise<Collected>): Promise<string[]> {
  const payloads: string[] = []
  for await (const { payload } of (await answer).responses) payloads.push(payload)
  return payloads
}

function setUp() {
  const entries = new Map<string, Partial<Entry>>()
  const replies: { payload: string; at: Date }[] = []
  let during = async (_: Entry['id']): Promise<void> => undefined
  let isEnded = false
  let reads = 0
  const store = storeOf({
    findEntry: async (_, id) => entries.get(id) as Entry | undefined,
    async listReplies(_, __, ___, { after = 0, limit }) {
      reads += 1
      const page = firstPage(replies.slice(after), limit)
      return page.map((reply, index) => ({ ...reply, seq: after + index + 1 }) as Entry)
    },
    async endTurn(_, id, at) {
      const entry = entries.get(id)
      if (entry) entry.turnEndedAt = at
      return entry !== undefined
    },
  })
  const messages: Pick<Messages, 'post'> = {
    async post(_, { id = newId(), conversationId, collectUntil }) {
      entries.set(id, { id, streamId: conversationId, ...(collectUntil && { collectUntil }) })
      await during(id)
      return {
        ...{ id, conversationId, clientId: client.id, seq: 1, author: 'business' },
        sentAt: new Date(),
        payload: '{}',
      }
    },
  }
  const now = (): Date => new Date()
  const collect = new Collect({ store, messages: messages as Messages, now, maxMs: 50_000 })
  const client = { id: newId() } as ClientView
  return {
    ...{ collect, client },
    ended: () => isEnded,
    reads: () => reads,
    during: (what: typeof during) => {
      during = what
    },
    reply: (payload: string) => replies.push({ payload, at: new Date() }),
    ask(timeoutMs: number) {
      const id = newId()
      const post = { id, conversationId: newId(), author: 'business' as const, payload: {} }
      const answer = collect.run(client, post, timeoutMs)
      answer.finally(() => (isEnded = true)).catch(() => undefined)
      return { id, answer }
    },
  }
}
