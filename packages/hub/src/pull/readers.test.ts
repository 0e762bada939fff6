import { newId } from '@plugboard/core'
import { afterEach, expect, test, vi } from 'vitest'
import { DEADLINE_MS, PullStage, textOf } from '../../test/support/pull-stage.js'
import { webhookTarget } from '../log/target.js'
import type { PulledEvent } from './readers.js'

let stage: PullStage
afterEach(() => stage.stop())

/** A conversation whose first event, that it is new, is acknowledged. */
async function setUp(...names: string[]) {
  stage = await PullStage.open('default', ...names)
  const conversation = await stage.conversation()
  for (const name of ['default', ...names]) {
    const events = await taken(1, { name })
    await stage.acknowledge(...events)
  }
  return { stage, conversation }
}

/** Takes until there are so many events. */
async function taken(count: number, request: Parameters<PullStage['take']>[0] = {}): Promise<PulledEvent[]> {
  const events: PulledEvent[] = []
  await vi.waitFor(async () => {
    events.push(...(await stage.take(request)))
    expect(events.length).toBeGreaterThanOrEqual(count)
  })
  return events
}

const texts = (events: readonly PulledEvent[]): string[] => events.map(textOf)

test('a reader gets the events of a conversation in order, and no others once it acknowledged them', async () => {
  const { conversation } = await setUp()
  for (const text of ['a', 'b', 'c']) await stage.say(conversation, text)
  const events = await taken(3)
  expect(texts(events)).toEqual(['a', 'b', 'c'])
  expect(events.map(({ attempts, conversationId }) => [attempts, conversationId])).toEqual(
    Array(3).fill([1, conversation]),
  )
  expect(JSON.parse(events[0]?.body ?? '').userId).toBeDefined()
  expect(await stage.acknowledge(...events)).toEqual([])
  stage.pass(3600)
  expect(await stage.take()).toEqual([])
})

test('a conversation is with one reader at a time, others go to other readers', async () => {
  const { conversation } = await setUp()
  const other = await stage.conversation()
  await stage.acknowledge(...(await taken(1)))
  await stage.say(conversation, 'a')
  const [first] = await taken(1)
  await stage.say(conversation, 'b')
  await stage.say(other, 'x')
  expect(texts(await taken(1))).toEqual(['x'])
  expect(await stage.take()).toEqual([])
  await stage.acknowledge(first as PulledEvent)
  expect(texts(await taken(1))).toEqual(['b'])
})

test('a lease that ends gives its events again, with one more attempt, and later ones after them', async () => {
  const { conversation } = await setUp()
  await stage.say(conversation, 'a')
  await stage.say(conversation, 'b')
  const before = await taken(2)
  stage.pass(31)
  await stage.say(conversation, 'c')
  const events = await taken(3)
  expect(events.map((event) => [textOf(event), event.attempts])).toEqual([
    ['a', 2],
    ['b', 2],
    ['c', 1],
  ])
  expect(events.map(({ id }) => id).slice(0, 2)).toEqual(before.map(({ id }) => id))
})

test('an acknowledgement covers the earlier events of the conversation, and only what a reader got', async () => {
  const { conversation } = await setUp()
  for (const text of ['a', 'b', 'c']) await stage.say(conversation, text)
  const [a, b] = await taken(2, { limit: 2 })
  const far = b?.position.replace(/\.(\d+)\.(\d+)$/, (_, seq, fence) => `.${Number(seq) + 1}.${fence}`) ?? ''
  expect(await stage.hub.pull.acknowledge(await stage.client(), [far])).toEqual([far])
  expect(await stage.acknowledge(b as PulledEvent)).toEqual([])
  expect(await stage.acknowledge(a as PulledEvent, b as PulledEvent)).toEqual([])
  expect(texts(await taken(1))).toEqual(['c'])
})

test('an acknowledgement counts after the end of the lease, and takes nothing from the next reader', async () => {
  const { conversation } = await setUp()
  await stage.say(conversation, 'a')
  const late = await taken(1)
  stage.pass(31)
  await stage.say(conversation, 'b')
  const next = await taken(2)
  expect(await stage.acknowledge(...late)).toEqual([])
  expect(await stage.take()).toEqual([])
  stage.pass(31)
  const again = await taken(1)
  expect(texts(again)).toEqual(['b'])
  expect(await stage.acknowledge(...next)).toEqual([])
  expect(await stage.acknowledge(...again)).toEqual([])
  stage.pass(3600)
  expect(await stage.take()).toEqual([])
})

test('a reader may give events back after a pause, and keep them for longer', async () => {
  const { conversation } = await setUp()
  await stage.say(conversation, 'a')
  const [event] = await taken(1)
  const position = event?.position ?? ''
  const { pull } = stage.hub
  const client = await stage.client()
  expect(await pull.extend(client, [position], 60_000)).toEqual([])
  stage.pass(45)
  expect(await stage.take()).toEqual([])
  expect(await pull.release(client, [position], 10_000)).toEqual([])
  expect(await stage.take()).toEqual([])
  expect(await pull.release(client, [position], 0)).toEqual([position])
  expect(await pull.extend(client, [position], 60_000)).toEqual([position])
  stage.pass(11)
  expect((await taken(1)).map(({ attempts }) => attempts)).toEqual([2])
})

test('each pull webhook has all events, and one that is unknown is not found', async () => {
  const { conversation } = await setUp('audit')
  await stage.say(conversation, 'a')
  await stage.acknowledge(...(await taken(1)))
  expect(texts(await taken(1, { name: 'audit' }))).toEqual(['a'])
  await expect(stage.take({ name: 'other' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a waiting reader gets an event at once, also from another process, and a lease that ends', async () => {
  const { conversation } = await setUp()
  const { hub } = stage.process()
  const waiting = stage.take({ waitMs: 10_000, leaseMs: 40 })
  await stage.say(conversation, 'a', hub)
  expect(texts(await waiting)).toEqual(['a'])
  const again = stage.take({ waitMs: 10_000 })
  stage.pass(1)
  expect((await again).map(({ attempts }) => attempts)).toEqual([2])
})

test('a reader that cannot look for what it was woken for leaves it to the next one', async () => {
  const { conversation } = await setUp()
  const process = stage.process()
  // Otherwise each reader would look every second.
  process.hub.pull.isNotified = true
  const gone = new AbortController()
  const readers = [{}, { signal: gone.signal }, {}].map((own) =>
    stage.take({ hub: process.hub, waitMs: 60_000, ...own }),
  )
  const [failing, leaving, last] = readers as [Promise<unknown>, Promise<unknown>, Promise<PulledEvent[]>]
  await vi.waitFor(() => expect(process.looks).toBe(3))
  const failed = expect(failing).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  process.isCut = true
  await stage.say(conversation, 'a')
  await failed
  process.isCut = false
  gone.abort()
  expect(await leaving).toEqual([])
  expect(texts(await last)).toEqual(['a'])
})

test('a stream gives back what its reader has not acknowledged when the reader goes', async () => {
  const { conversation } = await setUp()
  const other = await stage.conversation()
  await stage.acknowledge(...(await taken(1)))
  const [client, reader] = [await stage.client(), new AbortController()]
  const webhook = stage.hub.pull.find(client, 'test', 'default')
  const wanted = { limit: 10, leaseMs: 30_000, signal: reader.signal }
  const stream = stage.hub.pull.stream(async () => ({ client, webhook }), wanted)
  const read = async () => ((await stream.next()).value ?? []) as PulledEvent[]
  await stage.say(conversation, 'a')
  const [a] = await read()
  await stage.say(other, 'x')
  const [x] = await read()
  await stage.say(other, 'y')
  await stage.acknowledge(x as PulledEvent)
  const [y] = await read()
  expect(texts([a, x, y] as PulledEvent[])).toEqual(['a', 'x', 'y'])
  expect(await stage.take()).toEqual([])
  reader.abort()
  await stream.return()
  const again = await stage.take()
  expect(again.map((event) => [textOf(event), event.attempts]).sort()).toEqual([
    ['a', 2],
    ['y', 2],
  ])
  // What it says late still counts.
  expect(await stage.acknowledge(a as PulledEvent)).toEqual([])
})

test('waiting ends with its time, with the reader, and with the process', async () => {
  await setUp()
  expect(await stage.take({ waitMs: 20 })).toEqual([])
  const reader = new AbortController()
  const left = stage.take({ waitMs: 60_000, signal: reader.signal })
  reader.abort()
  expect(await left).toEqual([])
  const closing = stage.take({ waitMs: 60_000 })
  await stage.hub.stop(0)
  expect(await closing).toEqual([])
})

test('an event that cannot be rendered is a dead letter, and the next ones go on', async () => {
  const { conversation } = await setUp()
  await stage.say(conversation, 'a')
  const broken = await stage.say(conversation, 'broken')
  await stage.say(conversation, 'untold')
  await stage.say(conversation, 'b')
  const events = await taken(1)
  expect(texts(events)).toEqual(['a'])
  await stage.acknowledge(...events)
  expect(texts(await taken(1))).toEqual(['b'])
  const [letter] = await dead()
  expect(letter).toMatchObject({ entry: { id: broken }, dead: { reason: 'invalid', label: 'pull:default' } })
})

test('what no reader acknowledged before its deadline is a dead letter, and can be replayed', async () => {
  const { conversation } = await setUp()
  const first = await stage.say(conversation, 'a')
  await taken(1)
  await stage.say(conversation, 'b')
  stage.pass(DEADLINE_MS / 1000 - 10)
  await stage.say(conversation, 'c')
  stage.pass(11)
  await stage.sweep()
  expect((await dead()).map(({ entry, dead }) => [entry.id === first, dead.reason, dead.attempts])).toEqual([
    [false, 'exhausted', 0],
    [true, 'exhausted', 1],
  ])
  expect(texts(await taken(1))).toEqual(['c'])
  const [, letter] = await dead()
  await stage.hub.deliveries.replay(await stage.client(), first, letter?.target ?? webhookTarget(newId()))
  const again = await taken(1)
  expect(again.map((event) => [textOf(event), event.attempts])).toEqual([['a', 1]])
  expect(await stage.acknowledge(...again)).toEqual([])
  expect((await dead()).length).toBe(1)
})

test('what nobody reads for five minutes is a trouble of its webhook, until a reader takes it', async () => {
  const { conversation } = await setUp()
  const since = stage.now()
  const troubles = async () => {
    await stage.sweep()
    return (await stage.hub.overview.troublesOf(stage.record.id)).troubles
  }
  const [first, second] = [conversation, await stage.conversation()]
  await stage.acknowledge(...(await taken(1)))
  await stage.say(first, 'a')
  await stage.say(second, 'b')
  expect(await troubles()).toEqual([])
  stage.pass(301)
  expect(await troubles()).toMatchObject([
    {
      target: { kind: 'webhook', label: 'pull:default' },
      ...{ state: 'unread', since, fix: 'read', people: { count: 2, isMore: false } },
      reason: 'no reader acknowledges its events',
    },
  ])
  // One who is slow.
  const [event, other] = await taken(2)
  expect(await troubles()).toEqual([])
  if (!event || !other) throw new Error('nothing waits')
  await stage.acknowledge(event)
  stage.pass(31)
  expect(await troubles()).toMatchObject([
    { reason: 'its readers acknowledge less than there is', people: { count: 1 } },
  ])
  await stage.acknowledge(other)
  expect(await troubles()).toEqual([])
})

test('an event gets one attempt after its deadline, then it is a dead letter', async () => {
  const { conversation } = await setUp()
  await stage.say(conversation, 'a')
  await taken(1)
  stage.pass(DEADLINE_MS / 1000 + 1)
  await stage.say(conversation, 'b')
  expect(texts(await taken(1))).toEqual(['b'])
  expect((await dead()).length).toBe(1)
})

test('what waits for a webhook that is removed becomes a dead letter, and its name begins anew', async () => {
  const { conversation } = await setUp()
  await stage.say(conversation, 'a')
  await taken(1)
  const { sync } = stage.hub
  const run = (...pulls: string[]) =>
    sync.run(stage.record.id, 'test', { channels: [], webhooks: pulls.map((pull) => ({ pull })) })
  await run()
  stage.pass(7200)
  await stage.sweep()
  await stage.sweep()
  expect((await dead()).map(({ dead }) => dead.reason)).toEqual(['target-removed'])
  await run('default')
  await stage.say(conversation, 'b')
  expect(texts(await taken(1))).toEqual(['b'])
})

test('its state tells what waits, since when, and what became of a message', async () => {
  const { conversation } = await setUp()
  const health = async () => (await stage.hub.health.ofWebhooks(await stage.client(), 'test'))[0]
  expect(await health()).toMatchObject({ url: 'pull:default', waiting: { conversations: 0 } })
  const at = stage.now()
  const id = await stage.say(conversation, 'a')
  const state = async () => (await stage.hub.deliveries.ofMessage(await stage.client(), id))[0]
  stage.pass(5)
  await vi.waitFor(async () =>
    expect(await health()).toMatchObject({ waiting: { conversations: 1, oldest: at } }),
  )
  expect(await state()).toMatchObject({ state: 'pending' })
  await taken(1)
  expect(await state()).toMatchObject({ state: 'pending' })
  stage.pass(31)
  const events = await taken(1)
  stage.pass(31)
  expect(await state()).toMatchObject({ state: 'retrying', attempts: 1 })
  await stage.acknowledge(...events)
  expect(await state()).toMatchObject({ state: 'delivered' })
  expect(await health()).toMatchObject({ waiting: { conversations: 0 }, counts: { dead: 0 } })
})

test.each([
  '',
  'x',
  `${newId()}.${newId()}.1`,
  `${newId()}.${newId()}.-1.1`,
  `${newId()}.${newId()}.1.1`,
  `${newId()}.${newId()}.99999999999.1`,
  `${newId()}.${newId()}.1.1.1-${'9'.repeat(99)}`,
  '9'.repeat(100_000),
])('a position that no reader got is refused (%#)', async (position) => {
  await setUp()
  const client = await stage.client()
  const { pull } = stage.hub
  expect(await pull.acknowledge(client, [position])).toEqual([position])
  expect(await pull.release(client, [position], 0)).toEqual([position])
  expect(await pull.extend(client, [position], 1)).toEqual([position])
})

const dead = async () => stage.hub.deliveries.listDead(await stage.client(), { limit: 10 })
