import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { call, createClient } from '../support/api.js'
import { converseMany, forAll, listAll, messageOf, numbered, textsOf } from '../support/fault-load.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startProcess, type TestServerProcess } from '../support/server.js'

const CONVERSATIONS = 4
const COUNT = 10_000
/** All payloads together are more than the heap may grow. */
const FILLER = 'x'.repeat(6_000)
const MEGABYTE = 1024 * 1024

afterAll(cleanUp)

async function heapOf(server: TestServerProcess): Promise<number> {
  const { text } = await call(server, 'GET', '/metrics')
  return Number(/^nodejs_heap_size_used_bytes (\S+)$/m.exec(text)?.[1])
}

/** The least of some looks: what is more at another moment is garbage. */
async function leastHeap(server: TestServerProcess): Promise<number> {
  const seen: number[] = []
  for (let i = 0; i < 30; i += 1) {
    seen.push(await heapOf(server))
    await sleep(50)
  }
  return Math.min(...seen)
}

/** The ids of messages by conversation, in the order of their first arrival; keeps no request. */
function keepIdsOf(bot: Receiver): { byConversation: Map<string, Set<string>>; total: () => number } {
  const byConversation = new Map<string, Set<string>>()
  bot.answer = () => {
    for (const request of bot.requests.splice(0)) {
      const message = messageOf(request)
      if (!message) continue
      const ids = byConversation.get(message.conversationId) ?? new Set()
      byConversation.set(message.conversationId, ids.add(message.id))
    }
    return 200
  }
  return {
    byConversation,
    total: () => [...byConversation.values()].reduce((sum, { size }) => sum + size, 0),
  }
}

/** Retries without end, as far as a test goes, and soon. */
const ENV = {
  WEBHOOK_RETRY_DELAYS: Array.from({ length: 600 }, () => '500ms').join(','),
  WEBHOOK_TIMEOUT: '2s',
  GATE_PAUSE: '50ms',
  GATE_MAX_PAUSE: '200ms',
}

describe(`${COUNT} messages owed to a webhook that hangs and to one that is down`, () => {
  test('take less than 50 MB of heap, hold up no other tenant, and arrive in order later', async () => {
    // Little room, so that garbage does not pile up and is not taken for growth.
    const server = await startProcess({ env: { ...ENV, NODE_OPTIONS: '--max-old-space-size=96' } })
    const hanging = await startReceiver(() => undefined)
    const down = await startReceiver()
    await down.close()
    const bot = await startReceiver()
    const client = await createClient(server, { webhooks: [{ url: hanging.url }, { url: down.url }] })
    const other = await createClient(server, { webhooks: [{ url: bot.url }] })
    const conversations = await converseMany(client, CONVERSATIONS)
    const { conversationId } = await other.converse()
    const before = await leastHeap(server)

    const payload = { type: 'text', text: 'owed', filler: FILLER }
    await forAll(numbered(COUNT), async (_, n) => {
      const conversationId = conversations[n % CONVERSATIONS]
      const { status } = await client.call('POST', '/messages', { conversationId, payload })
      expect(status).toBe(201)
    })
    for (const text of ['0', '1', '2']) await other.say(conversationId, text)
    await bot.until(() => textsOf(bot).length === 3)
    expect(textsOf(bot)).toEqual(['0', '1', '2'])
    const grown = (await leastHeap(server)) - before
    expect(grown).toBeLessThan(50 * MEGABYTE)

    const up = await startReceiver(() => 200, down)
    hanging.requests.length = 0
    const kept = [keepIdsOf(hanging), keepIdsOf(up)]
    for (const { total } of kept) await expect.poll(total, { timeout: 60_000, interval: 200 }).toBe(COUNT)
    for (const id of conversations) {
      const listed = (await listAll(client, id)).map((message) => message.id)
      for (const { byConversation } of kept) expect([...(byConversation.get(id) ?? [])]).toEqual(listed)
    }
    expect(await server.stop()).toBe(0)
    await Promise.all([hanging.close(), up.close(), bot.close()])
  }, 120_000)
})

describe('pending deliveries of 50 conversations to a webhook that was down', () => {
  test('is read a few times at most while it is delivered, though all wait for room', async () => {
    const server = await startProcess({ env: ENV })
    const down = await startReceiver()
    await down.close()
    const client = await createClient(server, { webhooks: [{ url: down.url }] })
    const conversations = await converseMany(client, 50)
    const count = 1_500
    await forAll(numbered(count), (text, n) =>
      client.call('POST', '/messages', {
        conversationId: conversations[n % 50],
        payload: { type: 'text', text, filler: FILLER },
      }),
    )
    const reads = async () => {
      const { text } = await call(server, 'GET', '/metrics')
      const pattern = /^plugboard_store_call_duration_seconds_count\{method="readEntries"\} (\d+)$/m
      return Number(pattern.exec(text)?.[1])
    }
    const before = await reads()
    expect(before).toBeGreaterThan(0)
    const up = await startReceiver(() => 200, down)
    await up.until(() => new Set(textsOf(up)).size >= count, 60_000)
    // One read brings up to 64 messages of a conversation, so one for every second message is generous.
    expect((await reads()) - before).toBeLessThan(count / 2)
    await server.kill()
    await up.close()
  }, 90_000)
})
