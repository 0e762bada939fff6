import { newId, silentLogger } from '@plugboard/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { NewAttempt } from '../log/attempt.js'
import { webhookTarget } from '../log/target.js'
import { AttemptLog } from './attempts.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const stream = { clientId: newId(), streamId: newId() }
const target = webhookTarget(newId())

/** A log whose store fails when it is told to. */
function setUp(keepMs = 60_000) {
  const written: NewAttempt[][] = []
  const purged: Date[] = []
  let isDown = false
  const log = new AttemptLog({
    store: {
      async recordAttempts(attempts) {
        if (isDown) throw new Error('down')
        written.push([...attempts])
      },
      async purgeAttempts(before, limit) {
        purged.push(before)
        return purged.length < 3 ? limit : 0
      },
    },
    ...{ keepMs, log: silentLogger, now: () => new Date(100_000) },
  })
  log.start()
  const add = (seq: number) => log.add(stream, seq, target, { startedAt: 5, durationMs: 1.6, status: 200 })
  return {
    ...{ log, written, purged, add },
    fail: (is: boolean) => {
      isDown = is
    },
  }
}

test('writes about once a second, everything in one write', async () => {
  const { written, add } = setUp()
  add(1)
  add(2)
  await vi.advanceTimersByTimeAsync(900)
  expect(written).toEqual([])
  await vi.advanceTimersByTimeAsync(200)
  const attempt = { ...stream, target, at: new Date(5), durationMs: 2, outcome: 'delivered', status: 200 }
  expect(written).toEqual([
    [
      { ...attempt, seq: 1 },
      { ...attempt, seq: 2 },
    ],
  ])
  await vi.advanceTimersByTimeAsync(5000)
  expect(written).toHaveLength(1)
})

test('keeps of a failure its kind, its code, the error and the answer', async () => {
  const { log, written } = setUp()
  const failure = { kind: 'invalid', message: 'x'.repeat(9999), code: '131026', status: 400 } as const
  log.add(stream, 1, target, { startedAt: 5, durationMs: 0, failure, status: 400, response: 'no' })
  await log.stop()
  expect(written[0]).toEqual([
    {
      ...{ ...stream, seq: 1, target, at: new Date(5), durationMs: 0, outcome: 'invalid' },
      ...{ status: 400, error: 'x'.repeat(500), code: '131026', response: 'no' },
    },
  ])
})

test('writes again what a store did not take, and what came meanwhile, each once', async () => {
  const { log, written, add, fail } = setUp()
  fail(true)
  add(1)
  await vi.advanceTimersByTimeAsync(3000)
  add(2)
  fail(false)
  await log.stop()
  expect(written.flat().map(({ seq }) => seq)).toEqual([1, 2])
})

test('holds a bounded number while the store fails', async () => {
  const { log, written, add, fail } = setUp()
  fail(true)
  for (let seq = 1; seq <= 30_000; seq += 1) add(seq)
  await log.flush()
  fail(false)
  await log.stop()
  expect(written.flat()).toHaveLength(20_000)
  expect(Math.max(...written.map(({ length }) => length))).toBe(500)
})

test('removes what is older than it is kept, slice by slice', async () => {
  const { log, purged } = setUp(60_000)
  await log.purge(() => true)
  expect(purged).toEqual([new Date(40_000), new Date(40_000), new Date(40_000)])
})

test('records nothing once it is off, and removes what there is', async () => {
  const { log, written, purged, add } = setUp(0)
  add(1)
  await log.stop()
  expect(written).toEqual([])
  await log.purge(() => purged.length < 1)
  expect(purged).toEqual([new Date(100_000)])
})
