import { setTimeout as sleep } from 'node:timers/promises'
import { type Id, newId, PlugboardError, silentLogger } from '@plugboard/core'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import type { ClientView } from '../clients/directory.js'
import { Deliveries } from '../conversations/deliveries.js'
import type { Dispatcher } from '../delivery/dispatcher.js'
import type { Dead, StreamRef } from '../log/entry.js'
import { endpointTarget, type LaneKey, parseLaneKey, type Target, webhookTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { SLOW_RUNS } from '../testing/random-runs.js'
import type { NewJob } from './dead-letter-job.js'
import { Jobs } from './dead-letter-jobs.js'

const LOST_AFTER_MS = 300
const BY: NewJob['by'] = { kind: 'operator', id: 'ada', name: 'ada@example.com' }
const target = endpointTarget(newId())

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** One client with dead letters, any number of processes, and targets that answer when the test says so. */
async function setUp({ webhooks = [] as string[] } = {}) {
  const database = memoryDatabase()
  const main = database.open()
  const record = recordOf()
  await main.insertClient(record)
  const client = {
    ...{ id: record.id, record, integrations: new Map() },
    webhooks: webhooks.map((id) => ({ id })),
  } as unknown as ClientView
  const received: { streamId: Id; seq: number; target: Target }[] = []

  /** A process; when it is killed, nothing that it does reaches the store any more. */
  function process({
    isAlone = false,
    isInHand = (): boolean => false,
    isAway = (_: string): boolean => false,
  } = {}) {
    const store = database.open()
    let isDead = false
    const dying = new Proxy(store, {
      get: (of, name) => {
        const member: unknown = Reflect.get(of, name)
        if (typeof member !== 'function') return member
        return async (...input: unknown[]) => {
          if (isDead) throw new PlugboardError('UNAVAILABLE', 'killed')
          if (isAway(String(name))) throw new PlugboardError('UNAVAILABLE', 'away')
          // A process that died in the middle of a replay keeps others from it for some seconds.
          if (name === 'replay' && isInHand()) return undefined
          return Reflect.apply(member, of, input)
        }
      },
    })
    const dispatcher = { replayed: () => undefined } as unknown as Dispatcher
    const now = () => new Date()
    const monitor = { read: async () => new Map() }
    const deliveries = new Deliveries({ store: dying, dispatcher, monitor, now } as never)
    const jobs = new Jobs({
      ...{ store: dying, deliveries, isAlone, lostAfterMs: LOST_AFTER_MS, turnMs: 50 },
      ...{ log: silentLogger, now },
      findClient: async (id) => (id === client.id ? client : undefined),
    })
    ends.push(() => void jobs.stop())
    return {
      jobs,
      kill() {
        isDead = true
        void jobs.stop()
      },
    }
  }

  /** Delivers what is replayed, as a target that takes its time. */
  function deliver({ fails = () => false }: { fails?: (seq: number) => boolean } = {}) {
    const store = database.open()
    let isOver = false
    ends.push(() => {
      isOver = true
    })
    void (async () => {
      while (!isOver) {
        const { claimed } = await store.claimDue({ now: new Date(), limit: 10, except: [] })
        for (const { lease, lanes, ...stream } of claimed) {
          const open = Object.keys(lanes).map((key) => ({ key, ...parseLaneKey(key as LaneKey) }))
          // What was replayed last comes first, if the job does not wait.
          const lane = open.at(-1)
          if (!lane?.only) continue
          received.push({ streamId: stream.streamId, seq: lane.only, target: lane.target })
          await sleep(6)
          if (fails(lane.only)) await store.bury(stream, lane.only, lane.target, deadAt(new Date()))
          const nextAt = open.length > 1 ? new Date() : null
          await store.mark(stream, lease, { scanned: stream.seq, lanes: { [lane.key]: null }, nextAt })
        }
        await sleep(1)
      }
    })()
  }

  /** A conversation with as many dead letters. */
  async function buried(count: number, to: Target = target): Promise<StreamRef> {
    const stream = { clientId: client.id, streamId: newId() }
    const event = { id: newId(), payload: '{}', at: new Date(), owes: [], claim: false }
    await main.createConversation(
      { id: stream.streamId, clientId: client.id, createdAt: new Date() },
      { ...event, type: 'conversation.new' },
    )
    for (let i = 0; i < count; i += 1) {
      const entry = { ...event, id: newId(), type: 'message' } as const
      const said = await main.append({
        ...stream,
        kind: 'conversation',
        entry,
        resolve: () => ({ owes: [] }),
      })
      await main.bury(stream, said?.entry.seq ?? 0, to, deadAt(new Date(Date.now() - 60_000 + i)))
    }
    return stream
  }

  const dead = async () => (await main.walkDead(client.id, { limit: 1000 })).length
  return { client, store: main as Store, process, deliver, buried, received, dead }
}

const deadAt = (at: Date): Dead => ({
  reason: 'exhausted',
  attempts: 3,
  at,
  label: 'telegram',
  channel: 'telegram',
})

const replay = (fields: Partial<NewJob> = {}): NewJob => ({
  ...{ action: 'replay', filter: {}, perSecond: 1000, by: BY },
  ...fields,
})

const PATIENT = { timeout: 15_000, interval: 5 }

test('a job replays every dead letter that there was, says how far it is, and by whom it was started', async () => {
  const { client, process, deliver, buried, received, dead } = await setUp()
  const { jobs } = process()
  for (const count of [3, 1, 4]) await buried(count)
  deliver()
  expect(await jobs.count(client, {})).toEqual({ count: 8, isMore: false })
  const job = await jobs.create(client, replay())
  expect(job).toMatchObject({ state: 'running', done: 0, failed: 0, total: 8, isMore: false, by: BY })
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, job.id)).state, PATIENT).toBe('done')
  expect(await jobs.get(client, job.id)).toMatchObject({ done: 8, failed: 0, waiting: 0 })
  expect((await jobs.get(client, job.id)).endedAt).toBeInstanceOf(Date)
  await expect.poll(() => received.length, PATIENT).toBe(8)
  expect(await dead()).toBe(0)
  expect((await jobs.list(client, { limit: 10 })).map(({ id }) => id)).toEqual([job.id])
})

test('many conversations that wait for their target at once are no leak to Node', async () => {
  const { client, process, buried } = await setUp()
  const { jobs } = process()
  const warnings: string[] = []
  const heard = ({ name }: Error) => void warnings.push(name)
  globalThis.process.on('warning', heard)
  // Nothing is delivered, so the second of each waits for the first.
  for (let count = 0; count < 12; count += 1) await buried(2)
  const { id } = await jobs.create(client, replay())
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, id)).waiting, PATIENT).toBe(12)
  globalThis.process.off('warning', heard)
  expect(warnings).toEqual([])
})

test('a dead letter that dies again is not replayed again by the same job', async () => {
  const { client, process, deliver, buried, received, dead } = await setUp()
  const { jobs } = process()
  await buried(4)
  deliver({ fails: (seq) => seq % 2 === 0 })
  const { id } = await jobs.create(client, replay())
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, id)).state, PATIENT).toBe('done')
  await expect.poll(() => received.length, PATIENT).toBe(4)
  expect(await dead()).toBe(2)
  expect((await jobs.get(client, id)).done).toBe(4)
})

test('a job about some of the dead letters leaves the others', async () => {
  const { client, store, process, buried } = await setUp()
  const { jobs } = process()
  const other = endpointTarget(newId())
  await buried(2)
  await buried(3, other)
  const job = await jobs.create(client, replay({ action: 'discard', filter: { target: other } }))
  expect(job.total).toBe(3)
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, job.id)).state, PATIENT).toBe('done')
  const left = await store.walkDead(client.id, { limit: 10 })
  expect(left.map((ref) => ref.target)).toEqual([target, target])
})

test('dead letters for a webhook that was removed fail, and stay', async () => {
  const { client, process, buried, dead } = await setUp()
  const { jobs } = process()
  await buried(2, webhookTarget(newId()))
  const { id } = await jobs.create(client, replay())
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, id)).state, PATIENT).toBe('done')
  expect([await jobs.get(client, id), await dead()]).toMatchObject([{ done: 0, failed: 2, total: 2 }, 2])
})

test('a job is as fast as it may be', async () => {
  const { client, process, buried, dead } = await setUp()
  const { jobs } = process()
  await buried(12)
  const start = performance.now()
  const { id } = await jobs.create(client, replay({ action: 'discard', perSecond: 40 }))
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, id)).state, PATIENT).toBe('done')
  expect(performance.now() - start).toBeGreaterThan(11 * 25 - 5)
  expect(await dead()).toBe(0)
})

test('a job that is stopped stands still, and goes on when it is resumed', async () => {
  const { client, process, buried, dead } = await setUp()
  const [one, other] = [process(), process()]
  await buried(20)
  const { id } = await one.jobs.create(client, replay({ action: 'discard', perSecond: 100 }))
  await one.jobs.look()
  await expect.poll(async () => (await one.jobs.get(client, id)).done, PATIENT).toBeGreaterThan(2)
  // By whichever process.
  expect((await other.jobs.stopJob(client, id)).state).toBe('stopped')
  await expect
    .poll(async () => 20 - (await dead()) === (await other.jobs.get(client, id)).done, PATIENT)
    .toBe(true)
  const left = await dead()
  expect(left).toBeGreaterThan(0)
  await one.jobs.look()
  expect([(await one.jobs.get(client, id)).state, await dead()]).toEqual(['stopped', left])
  await other.jobs.resume(client, id)
  await other.jobs.look()
  await expect.poll(async () => (await one.jobs.get(client, id)).state, PATIENT).toBe('done')
  expect([(await one.jobs.get(client, id)).done, await dead()]).toEqual([20, 0])
  await expect(one.jobs.resume(client, id)).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('jobs that wait for their targets keep no other job waiting', async () => {
  const { client, process, buried } = await setUp()
  const { jobs } = process()
  await buried(2)
  // Nothing is delivered, so these end never.
  for (let count = 0; count < 6; count += 1) await jobs.create(client, replay())
  const { id } = await jobs.create(client, replay({ action: 'discard', filter: { channel: 'none' } }))
  const state = async () => {
    await jobs.look()
    return (await jobs.get(client, id)).state
  }
  await expect.poll(state, PATIENT).toBe('done')
  const { state: first } = (await jobs.list(client, { limit: 10 })).at(-1) ?? {}
  expect(first).toBe('running')
})

test('a client has a limited number of jobs that run', async () => {
  const { client, process, buried } = await setUp()
  const { jobs } = process()
  await buried(1)
  const made = await Promise.allSettled(Array.from({ length: 30 }, () => jobs.create(client, replay())))
  const begun = made.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  expect(begun).toHaveLength(20)
  const limited = { code: 'RATE_LIMITED', message: /20 jobs of this client run already/ }
  const [one, two] = begun as [(typeof begun)[number], (typeof begun)[number]]
  await jobs.stopJob(client, one.id)
  await jobs.create(client, replay())
  await expect(jobs.create(client, replay())).rejects.toMatchObject({ code: limited.code })
  await expect(jobs.resume(client, one.id)).rejects.toThrow(limited.message)
  await jobs.stopJob(client, two.id)
  expect(await jobs.resume(client, one.id)).toMatchObject({ state: 'running' })
})

test('a job goes on when the store was away while a process gave it back, and while another one took it', async () => {
  const { client, process, buried, dead } = await setUp()
  const away = new Set<string>()
  const isAway = (name: string) => away.delete(name)
  const [one, other] = [process({ isAway }), process({ isAway })]
  await buried(20)
  const { id } = await one.jobs.create(client, replay({ action: 'discard', perSecond: 100 }))
  await one.jobs.look()
  await expect.poll(async () => (await one.jobs.get(client, id)).done, PATIENT).toBeGreaterThan(2)
  away.add('findDocument')
  await one.jobs.stop()
  expect([away.size, (await other.jobs.get(client, id)).state]).toEqual([0, 'running'])
  away.add('walkDead')
  await other.jobs.look()
  const state = async () => (await other.jobs.get(client, id)).state
  await expect.poll(async () => [away.size, await state()], PATIENT).toEqual([0, 'done'])
  expect([(await other.jobs.get(client, id)).done, await dead()]).toEqual([20, 0])
})

test('why a job failed has no words of the store', async () => {
  const { client, store, process, buried } = await setUp()
  await buried(1)
  const { jobs } = process()
  const { id } = await jobs.create(client, replay())
  const broken = new Proxy(store, {
    get: (of, name) =>
      name === 'findProgress'
        ? () => Promise.reject(new Error('db-7.internal:27017'))
        : Reflect.get(of, name),
  })
  const other = new Jobs({
    ...{ store: broken, deliveries: {} as never, isAlone: true, lostAfterMs: 1000, log: silentLogger },
    ...{ findClient: async () => client, now: () => new Date() },
  })
  ends.push(() => void other.stop())
  await other.look()
  await expect.poll(async () => (await jobs.get(client, id)).state, PATIENT).toBe('failed')
  expect((await jobs.get(client, id)).error).toBe('an internal error, which is in the log of the server')
})

test('the job of another client is not found', async () => {
  const { client, process } = await setUp()
  const { jobs } = process()
  const { id } = await jobs.create(client, replay())
  const other = { ...client, id: newId() }
  for (const attempt of [jobs.get(other, id), jobs.stopJob(other, id), jobs.resume(other, newId())])
    await expect(attempt).rejects.toMatchObject({ code: 'NOT_FOUND' })
  expect(await jobs.list(other, { limit: 10 })).toEqual([])
})

test('whenever its process is killed, a job replays each dead letter once, in the order of its conversation', async () => {
  const goes = async (sizes: readonly number[], kills: readonly number[]) => {
    const { client, process, deliver, buried, received, dead } = await setUp()
    for (const size of sizes) await buried(size)
    deliver()
    const total = sizes.reduce((sum, size) => sum + size, 0)
    let current = process()
    const { id } = await current.jobs.create(client, replay({ perSecond: 500 }))
    for (const after of kills) {
      await current.jobs.look()
      await sleep(after)
      current.kill()
      current = process()
    }
    const isDone = async () => {
      await current.jobs.look()
      return (await current.jobs.get(client, id)).state
    }
    await expect.poll(isDone, PATIENT).toBe('done')
    await expect.poll(() => received.length, PATIENT).toBe(total)
    expect([await dead(), (await current.jobs.get(client, id)).done]).toEqual([0, total])
    for (const streamId of new Set(received.map((each) => each.streamId))) {
      const seqs = received.filter((each) => each.streamId === streamId).map(({ seq }) => seq)
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
      expect(new Set(seqs).size).toBe(seqs.length)
    }
  }
  const sizes = fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 4 })
  const kills = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 2 })
  await fc.assert(fc.asyncProperty(sizes, kills, goes), { numRuns: Math.ceil(SLOW_RUNS / 2) })
}, 300_000)

test('jobs that ended long ago are removed', async () => {
  const { client, store, process } = await setUp()
  const { jobs } = process()
  const { id } = await jobs.create(client, replay())
  await jobs.look()
  await expect.poll(async () => (await jobs.get(client, id)).state, PATIENT).toBe('done')
  await jobs.purge(() => true)
  expect(await jobs.list(client, { limit: 10 })).toHaveLength(1)
  const later = new Date(Date.now() + 31 * 24 * 3_600_000)
  const future = new Jobs({
    ...{ store, deliveries: {} as never, isAlone: true, lostAfterMs: 1000, log: silentLogger },
    findClient: async () => client,
    now: () => later,
  })
  await future.purge(() => true)
  expect(await jobs.list(client, { limit: 10 })).toEqual([])
})

test('what a process had in hand when it died is replayed as soon as that is possible, in order', async () => {
  const { client, process, deliver, buried, received, dead } = await setUp()
  const stream = await buried(3)
  let isInHand = true
  const { jobs } = process({ isAlone: true, isInHand: () => isInHand })
  deliver()
  jobs.start()
  const { id } = await jobs.create(client, { action: 'replay', filter: {}, perSecond: 1000, by: BY })
  // It looked at the first one.
  await sleep(100)
  expect(await jobs.get(client, id)).toMatchObject({ state: 'running', done: 0 })
  expect(await dead()).toBe(3)
  isInHand = false
  await expect.poll(async () => (await jobs.get(client, id)).state, { timeout: 10_000 }).toBe('done')
  expect(await jobs.get(client, id)).toMatchObject({ done: 3, failed: 0 })
  expect(await dead()).toBe(0)
  const seqs = received.map(({ seq }) => seq)
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  expect(received.every(({ streamId }) => streamId === stream.streamId)).toBe(true)
})
