import { silentLogger } from '@plugboard/core'
import { expect, test } from 'vitest'
import { NO_CLIENT } from '../ports/stored-document.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { Processes } from './processes.js'

test('any process says for all of them what they do', async () => {
  const { open } = setUp()
  const [a, b] = [open({ role: 'api', leases: 0 }), open({ role: 'worker', leases: 7 })]
  for (let i = 0; i < 30; i += 1) a.count('received')
  for (let i = 0; i < 20; i += 1) b.count('delivered')
  b.count('failed')
  await Promise.all([a.beat(), b.beat()])
  const seen = await a.read()
  expect(await b.read()).toEqual(seen)
  expect(seen.rates).toEqual({ received: 30, posted: 0, delivered: 20, failed: 1 })
  expect(seen.processes).toMatchObject([
    { role: 'api', state: 'running', leases: 0 },
    { role: 'worker', state: 'running', leases: 7 },
  ])
})

test('a rate is that of the last 60 seconds, and the history that of the last hour', async () => {
  const { open, clock } = setUp()
  const one = open()
  const rateAfter = async (seconds: number) => {
    clock.at += seconds * 1000
    await one.beat()
    return (await one.read()).rates.posted
  }
  for (let i = 0; i < 60; i += 1) one.count('posted')
  expect(await rateAfter(0)).toBe(60)
  expect(await rateAfter(75)).toBe(45)
  expect(await rateAfter(45)).toBe(0)
  expect((await one.read()).history).toEqual([
    { at: new Date(0), received: 0, posted: 60, delivered: 0, failed: 0 },
  ])
  clock.at = 60 * 60_000
  one.count('posted')
  await one.beat()
  expect((await one.read()).history.map(({ at }) => at.getTime())).toEqual([clock.at])
})

test('a process that was killed is silent after half a minute, and one that ended is stopped', async () => {
  const { open, clock } = setUp()
  const [killed, ended, other] = [open({ role: 'killed' }), open({ role: 'ended' }), open({ role: 'other' })]
  await killed.beat()
  killed.count('posted')
  await killed.beat()
  await ended.stop()
  clock.at += 31_000
  await other.beat()
  const states = async () => (await other.read()).processes.map(({ role, state }) => `${role} ${state}`)
  expect(await states()).toEqual(['killed silent', 'ended stopped', 'other running'])
  clock.at += 10 * 60_000
  await other.beat()
  expect(await states()).toEqual(['other running'])
  // What it did still counts, until nobody asks for that hour.
  expect((await other.read()).history).toMatchObject([{ posted: 1 }])
})

test('documents of processes that ended are removed after an hour', async () => {
  const { open, clock, documents } = setUp()
  await open().stop()
  const other = open()
  await other.beat()
  expect(await documents()).toBe(2)
  clock.at += 61 * 60_000
  await other.beat()
  expect(await documents()).toBe(1)
})

test('a process that is alone is shown as it is now, and those before it as stopped', async () => {
  const { open, clock } = setUp({ isAlone: true })
  await open({ role: 'before' }).beat()
  clock.at += 1000
  const now = open({ role: 'now' })
  now.count('received')
  const { processes, rates } = await now.read()
  expect(processes).toMatchObject([
    { role: 'before', state: 'stopped' },
    { role: 'now', state: 'running' },
  ])
  expect(rates.received).toBe(1)
})

test('the store may fail for a while', async () => {
  const { open, store } = setUp()
  const one = open()
  one.count('posted')
  const { insertDocument } = store
  store.insertDocument = async () => {
    throw new Error('the store failed')
  }
  await one.beat()
  store.insertDocument = insertDocument
  await one.beat()
  expect((await one.read()).rates.posted).toBe(1)
})

function setUp({ isAlone = false } = {}) {
  const clock = { at: 0 }
  const store = memoryDatabase().open()
  return {
    ...{ clock, store },
    documents: async () => (await store.listDocuments(NO_CLIENT, 'process', { limit: 100 })).length,
    /** A process that has started, and beats only when the test says so. */
    open({ role = 'all', leases = 0 } = {}) {
      const processes = new Processes({
        ...{ store, isAlone, log: silentLogger, delivers: true },
        info: { version: '1.0.0', role },
        now: () => new Date(clock.at),
      })
      processes.start(() => ({ leases, listening: 0 }))
      return processes
    },
  }
}
