import { type Id, type InboundEvent, newId, parseJsonObject } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'

const endpoint = { identity: '*', sender: 'ada', thread: '*' }

test('a watermark is a status of each message that was sent up to its time, oldest first, once', async () => {
  const { say, report, statuses, later, hub } = await setUp()
  const [first, second] = [await say(), await say()]
  later(1000)
  const third = await say()
  await report('delivered', second.sentAt)
  expect(statuses()).toEqual([
    [first.id, 'delivered'],
    [second.id, 'delivered'],
  ])
  await report('delivered', second.sentAt)
  expect(statuses()).toHaveLength(2)
  await report('read', third.sentAt)
  expect(statuses().slice(2)).toEqual([first, second, third].map(({ id }) => [id, 'read']))
  // An older report that came late: what was read was delivered.
  await report('delivered', third.sentAt)
  expect(statuses()).toHaveLength(5)
  await hub.stop(1000)
})

test('a message that the provider has not accepted, or that a person wrote, has no status', async () => {
  const { say, report, statuses, write, outcomes, hub } = await setUp()
  await write('hello')
  outcomes.push('recipient', 'transient')
  const [dead, waiting] = [await say(false), await say(false)]
  await vi.waitFor(() => expect(outcomes).toEqual([]))
  await report('read', waiting.sentAt)
  expect(statuses()).toEqual([])
  expect(dead.id).not.toBe(waiting.id)
  await hub.stop(1000)
})

test('a watermark is about the newest hundred messages at most', async () => {
  const { say, report, statuses, hub } = await setUp()
  const said: { id: Id; sentAt: Date }[] = []
  for (let i = 0; i < 105; i += 1) said.push(await say(i === 104))
  await report('read', said.at(-1)?.sentAt ?? new Date())
  expect(statuses()).toEqual(said.slice(-100).map(({ id }) => [id, 'read']))
  await hub.stop(1000)
})

test('in any order, and however often they come, watermarks are statuses in order, none after `read`', async () => {
  const watermark = fc.tuple(fc.constantFrom('delivered' as const, 'read' as const), fc.nat(4))
  await fc.assert(
    fc.asyncProperty(fc.array(watermark, { maxLength: 12 }), async (watermarks) => {
      const { say, report, statuses, later, hub } = await setUp()
      const said: { id: Id; sentAt: Date }[] = []
      for (let i = 0; i < 5; i += 1) {
        said.push(await say())
        later(1000)
      }
      for (const [status, i] of watermarks) await report(status, said[i]?.sentAt ?? new Date())
      const highest = (status: string) =>
        Math.max(-1, ...watermarks.filter(([each]) => each === status).map(([, i]) => i))
      for (const [i, { id }] of said.entries()) {
        const own = statuses().flatMap(([about, status]) => (about === id ? [status] : []))
        expect(new Set(own).size).toBe(own.length)
        expect(own.includes('read')).toBe(i <= highest('read'))
        if (i <= highest('delivered')) expect(own.length).toBeGreaterThan(0)
        expect(own.indexOf('delivered')).toBeLessThanOrEqual(0)
      }
      await hub.stop(1000)
    }),
    { numRuns: 10 },
  )
})

/** A hub with a conversation at one endpoint. The time is that of the test. */
async function setUp() {
  const record = recordOf()
  record.integrations = [integrationOf(record.id)]
  const shared = new SharedStore(record)
  let time = Date.now()
  let key = 0
  const outcomes: ('recipient' | 'transient')[] = []
  const channel = acmeChannel({
    parse: ({ body }) => ({
      events: [JSON.parse(Buffer.from(body).toString(), revive) as InboundEvent],
      response: { status: 200 },
    }),
    async deliver() {
      const kind = outcomes.shift()
      if (kind) throw Object.assign(new Error(kind), { kind })
      return { providerMessageIds: ['1'] }
    },
    classify: (error) => ({ kind: Object(error).kind, message: 'no' }),
  })
  const hub = openHub(shared.open(), [channel], {}, () => new Date(time))
  const client = await hub.clients.find({ id: record.id })
  if (!client) throw new Error('there is no client')
  const receive = async (event: object) => {
    key += 1
    const body = JSON.stringify({ endpoint, at: new Date(time), dedupeKey: `${key}`, ...event })
    const request = { method: 'POST' as const, publicUrl: 'https://hub.example', headers: {} }
    await hub.ingest.receive(client, 'acme', { ...request, body: Buffer.from(body) })
  }
  const write = (text: string) => receive({ type: 'message', content: { type: 'text', text } })
  await write('hello')
  const conversation = shared.database.streams().find(({ kind }) => kind === 'conversation')
  const conversationId = conversation?.streamId ?? newId()
  const stream = () => shared.database.streams().find(({ streamId }) => streamId === conversationId)
  return {
    hub,
    outcomes,
    write,
    later: (ms: number) => {
      time += ms
    },
    report: (status: 'delivered' | 'read', until: Date) => receive({ type: 'watermark', status, until }),
    async say(isAwaited = true) {
      const payload = { type: 'text', text: 'hi' }
      const said = await hub.messages.post(client, { conversationId, author: 'business', payload })
      if (isAwaited)
        await vi.waitFor(
          () => {
            expect(stream()?.scanned).toBeGreaterThanOrEqual(said.seq)
            expect(stream()?.lanes).toEqual({})
          },
          { interval: 1 },
        )
      return said
    },
    statuses: (): [unknown, unknown][] =>
      (stream()?.entries ?? []).flatMap(({ type, payload }) => {
        const activity = parseJsonObject(payload)
        return type === 'activity' ? [[activity.messageId, activity.status] as [unknown, unknown]] : []
      }),
  }
}

const revive = (name: string, value: unknown): unknown =>
  name === 'at' || name === 'until' ? new Date(value as string) : value
