import { randomInt, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import {
  type CourierProvider,
  heardOnce,
  speech,
  startCourierProvider,
  startProcessWithCouriers,
} from '../support/courier-channel.js'
import { converseMany, forAll, type Listed, listAll, messageOf, seeded } from '../support/fault-load.js'
import { type Received, type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, type TestServer, type TestServerProcess } from '../support/server.js'
import { createProject, newRequestId } from '../support/smartify.js'

const CONVERSATIONS = isSoak ? 50 : 6
const KILLS = isSoak ? 5 : 1
/** Minimum number of accepted messages between two kills. */
const BETWEEN = isSoak ? 350 : 30
const POSTERS = 16
const TIMEOUT_MS = isSoak ? 900_000 : 120_000
/** The most that the server has under way to one webhook. */
const UNDERWAY = 64

/** Repeat a run with `FAULT_SEED=…`. */
const seed = Number(process.env.FAULT_SEED ?? randomInt(2 ** 32))
const said = `seed ${seed}`

/** It is killed again and again. */
let server: TestServerProcess
let provider: CourierProvider
beforeAll(async () => {
  provider = await startCourierProvider()
  server = await startProcessWithCouriers(provider.url, { GATE_ITEMS: String(UNDERWAY) })
})
afterAll(async () => {
  await cleanUp()
  await provider.close()
})

/** A payload of which half would be seen. */
const payloadOf = (n: number) => ({ type: 'text', text: `message ${n}`, filler: `${n} `.repeat(50), end: n })

/** Posts continuously from many clients; kills the server in between; returns what got a 2xx. */
async function loadAndKill(options: {
  client: TestClient
  conversations: readonly string[]
  authorId: string
  random: () => number
}): Promise<{ accepted: Map<string, number>; posted: number }> {
  const { client, conversations, authorId, random } = options
  const accepted = new Map<string, number>()
  let posted = 0
  let isOver = false
  let isUp = Promise.resolve()
  const faults: unknown[] = []

  const post = async (): Promise<void> => {
    while (!isOver) {
      await isUp
      const n = posted
      posted += 1
      const conversationId = conversations[Math.floor(random() * conversations.length)]
      const answer = await client
        .call('POST', '/messages', { conversationId, authorId, payload: payloadOf(n) })
        .catch(() => undefined)
      if (answer?.status === 201) accepted.set(answer.json.id, n)
      else if (answer) faults.push(`${answer.status} ${answer.text}`)
      else await sleep(1)
    }
  }

  const kill = async (): Promise<void> => {
    try {
      for (let i = 0; i < KILLS; i += 1) {
        const until = accepted.size + BETWEEN + Math.floor(random() * 0.4 * BETWEEN)
        while (accepted.size < until) await sleep(1)
        await sleep(random() * 20)
        let up = () => {}
        isUp = new Promise<void>((resolve) => {
          up = resolve
        })
        await server.kill()
        await sleep(random() * 20)
        server = await server.relaunch()
        up()
      }
      const until = accepted.size + BETWEEN
      while (accepted.size < until) await sleep(1)
    } finally {
      isOver = true
    }
  }

  await Promise.all([kill(), ...Array.from({ length: POSTERS }, post)])
  expect(faults, said).toEqual([])
  return { accepted, posted }
}

/** Deliveries of messages by message. */
function byMessage(bot: Receiver): Map<string, Received[]> {
  const groups = new Map<string, Received[]>()
  for (const request of bot.ofType('message.new')) {
    const id = messageOf(request)?.id ?? ''
    groups.set(id, [...(groups.get(id) ?? []), request])
  }
  return groups
}

async function listConversations(client: TestClient, conversations: readonly string[]): Promise<Listed[][]> {
  const lists: Listed[][] = []
  await forAll(conversations, async (id, i) => {
    lists[i] = await listAll(client, id)
  })
  return lists
}

/** Waits until everything that is listed is written down as delivered. */
async function untilDelivered(client: TestClient, lists: readonly Listed[][]): Promise<void> {
  await forAll(lists, async (list) => {
    const last = list.at(-1)
    if (!last) return
    const state = async () =>
      (await client.call('GET', `/messages/${last.id}/deliveries`)).json.deliveries[0].state
    const isDelivered = async () => expect(await state(), said).toBe('delivered')
    await vi.waitFor(isDelivered, { timeout: 30_000, interval: 100 })
  })
}

describe(`a server that is killed under load, ${KILLS} times`, () => {
  test(
    'loses nothing that it accepted, keeps nothing half, keeps the order, and repeats little',
    async () => {
      const random = seeded(seed)
      const bot = await startReceiver(async () => {
        if (random() < 0.2) await sleep(random() * 8)
        return 200
      })
      const client = await createClient(server, { webhooks: [{ url: bot.url }] })
      const conversations = await converseMany(client, CONVERSATIONS)
      const { userId: authorId } = await client.converse()
      const load = { client, conversations, authorId, random }
      const { accepted, posted } = await loadAndKill(load)
      let lists: Listed[][] = []
      // Readers wait for a number that a killed server had reserved, two seconds at most.
      const missing = async (): Promise<string[]> => {
        lists = await listConversations(client, conversations)
        const there = new Set(lists.flat().map(({ id }) => id))
        return [...accepted.keys()].filter((id) => !there.has(id))
      }
      await expect.poll(missing, { message: said }).toEqual([])
      await untilDelivered(client, lists)
      const listed = new Map(lists.flat().map((message) => [message.id, message]))
      const delivered = byMessage(bot)

      // What was accepted is there and was delivered; only what was on its way at a kill may be there without an answer.
      expect(accepted.size, said).toBeGreaterThanOrEqual((KILLS + 1) * BETWEEN)
      expect(
        [...accepted.keys()].filter((id) => !listed.has(id) || !delivered.has(id)),
        said,
      ).toEqual([])
      expect(listed.size - accepted.size, said).toBeLessThanOrEqual(KILLS * POSTERS)

      // Nothing is half there: neither in the list, nor at the webhook, nor in one of them alone.
      expect([...delivered.keys()].sort(), said).toEqual([...listed.keys()].sort())
      const numbers = [...listed.values()].map(({ payload }) => payload.end as number)
      expect(new Set(numbers).size, said).toBe(numbers.length)
      for (const { id, payload } of listed.values()) {
        const n = payload.end as number
        expect(n, said).toBeLessThan(posted)
        expect(payload, said).toEqual(payloadOf(n))
        expect(accepted.get(id) ?? n, said).toBe(n)
        expect(
          delivered.get(id)?.map((request) => messageOf(request)),
          said,
        ).toEqual(delivered.get(id)?.map(() => listed.get(id)))
      }

      // First deliveries come in the order of the list.
      const firsts = [...delivered.keys()]
      for (const [i, list] of lists.entries()) {
        const mine = firsts.filter((id) => listed.get(id)?.conversationId === conversations[i])
        expect(mine, said).toEqual(list.map(({ id }) => id))
      }

      // A repetition carries the same id, and is of what was under way, or had just been, when the server was killed.
      const idsOf = (requests: Received[]) => new Set(requests.map(({ headers }) => headers['webhook-id']))
      expect(
        [...delivered.values()].filter((requests) => idsOf(requests).size !== 1),
        said,
      ).toEqual([])
      expect(new Set([...delivered.values()].flatMap((requests) => [...idsOf(requests)])).size).toBe(
        listed.size,
      )
      const repeated = bot.ofType('message.new').length - delivered.size
      expect(repeated, said).toBeLessThanOrEqual(KILLS * 2 * UNDERWAY)
      await bot.close()
    },
    TIMEOUT_MS,
  )
})

/** Does something before the crash; what it returns is expected after it. */
type Story = (server: Pick<TestServer, 'url'>) => Promise<() => Promise<void>>

/** They have one crash in common, since a process takes longer than all of them. */
const stories: [name: string, story: Story][] = [
  [
    'repeats nothing, and carries on',
    async (server) => {
      const bot = await startReceiver()
      const client = await createClient(server, { webhooks: [{ url: bot.url }] })
      const conversations = await converseMany(client, 5)
      const { userId } = await client.converse()
      const sayAll = (text: string) => forAll(conversations, (id) => client.say(id, text, userId))
      const settle = async () => untilDelivered(client, await listConversations(client, conversations))
      await sayAll('before')
      await settle()
      return async () => {
        await sayAll('after')
        await settle()
        expect([...byMessage(bot).values()].every((requests) => requests.length === 1)).toBe(true)
        for (const [i, list] of (await listConversations(client, conversations)).entries()) {
          expect(list.map(({ payload }) => payload.text)).toEqual(['before', 'after'])
          const got = bot
            .ofType('message.new')
            .filter(({ json }) => json.data.conversationId === conversations[i])
          expect(got.map((request) => messageOf(request))).toEqual(list)
        }
      }
    },
  ],
  [
    'has the same answer to a request that is sent again with its key',
    async (server) => {
      const client = await createClient(server)
      const { conversationId } = await client.converse()
      const headers = { 'idempotency-key': randomUUID() }
      const body = { conversationId, payload: { text: 'hi' } }
      const first = await client.call('POST', '/messages', body, headers)
      return async () => {
        expect((await client.call('POST', '/messages', body, headers)).json).toEqual(first.json)
        expect((await client.call('GET', `/messages/conversation/${conversationId}`)).json).toHaveLength(1)
      }
    },
  ],
  [
    'has what came in over the Smartify API, and goes on telling it',
    async (server) => {
      const project = await createProject(server)
      let isUp = false
      const hook = await startReceiver(() => (isUp ? 200 : 503))
      await project.subscribe('message.create', hook.url)
      const guest = await project.guest()
      const requestId = newRequestId()
      for (const text of ['one', 'two', 'three']) await project.say(requestId, text, guest)
      return async () => {
        isUp = true
        const { status } = await project.say(requestId, 'four', guest)
        expect(status).toBe(200)
        const told = () =>
          hook.requests.map(({ json }) => (json as unknown as { payload: { text: string } }).payload.text)
        await hook.until(() => told().includes('four'), 60_000)
        expect([...new Set(told())]).toEqual(['one', 'two', 'three', 'four'])
      }
    },
  ],
  [
    'knows that two addresses are one person, and reports it once',
    async (server) => {
      const bot = await startReceiver()
      const client = await createClient(server, {
        channels: { courier: { version: '1.0.0', enabled: true, token: 'courier', account: 'a' } },
        webhooks: [{ url: bot.url }],
      })
      const say = speech(server, client, bot)
      const [id, phone] = ['US.1', '+1555']
      const [older, younger] = [await say(id), await say(phone)]
      expect(await say(id, [{ sender: id }, { sender: phone, isReassignable: true }])).toEqual(older)
      return async () => {
        expect(await say(phone)).toEqual(older)
        const merged = () => heardOnce(bot).filter(({ type }) => type === 'user.merged')
        await bot.until(() => merged().length > 0)
        const { userId } = older
        expect(merged().map(({ data }) => data)).toEqual([{ userId, mergedUserId: younger.userId }])
        expect((await client.call('GET', `/users/${younger.userId}`)).json.id).toBe(userId)
      }
    },
  ],
]

describe('a server that is killed at rest', () => {
  const endings: Awaited<ReturnType<Story>>[] = []
  beforeAll(async () => {
    for (const [, story] of stories) endings.push(await story(server))
    await server.kill()
    await server.restart()
  }, 60_000)

  test.each(stories.map(([name], i) => [name, i] as const))(
    '%s',
    async (_, i) => (endings[i] as Awaited<ReturnType<Story>>)(),
    60_000,
  )
})
