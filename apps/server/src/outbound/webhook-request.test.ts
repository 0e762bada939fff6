import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DeliveryFailure } from '@plugboard/hub'
import { buildConnector, Pool } from 'undici'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { answeredWith, attempt, brokenBy } from './webhook-request.js'

const now = new Date('2026-03-01T12:00:00Z')

afterEach(() => {
  vi.useRealTimers()
})

test('an attempt whose time is over writes no request, even if its timer is late', async () => {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(String(request.headers['webhook-id']))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connector = buildConnector({})
  let connect = (): void => undefined
  const pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    connect: (options, callback) => {
      connect = () => connector(options, callback)
    },
  })
  // Only this clock moves, as when a process that was suspended goes on before its timers have fired.
  vi.useFakeTimers({ toFake: ['hrtime'] })
  const route = { path: '/', headers: [], signingKey: undefined, secrets: [], pool }
  const make = (id: string, passedMs: number): Promise<DeliveryFailure | undefined> => {
    const limits = { timeoutMs: 60_000, maxResponseBytes: 1000 }
    const made = new Promise<DeliveryFailure | undefined>((done) =>
      attempt(route, { seq: 1, id, body: '{}' }, limits, done),
    )
    vi.advanceTimersByTime(passedMs)
    connect()
    return made
  }
  expect(await make('late', 60_000)).toEqual({ kind: 'transient', message: 'no connection within 60000 ms' })
  expect(await make('in-time', 59_999)).toBe(undefined)
  expect(requests).toEqual(['in-time'])
  await pool.destroy()
  server.close()
})

describe('answeredWith', () => {
  test('honours Retry-After on 429 and 503 only', () => {
    expect(answeredWith(429, '7', now)).toEqual({
      kind: 'transient',
      status: 429,
      message: 'answered 429',
      retryAfterMs: 7000,
    })
    expect(answeredWith(503, '7', now)).toMatchObject({ retryAfterMs: 7000 })
    expect(answeredWith(500, '7', now)).not.toHaveProperty('retryAfterMs')
  })

  test('says that redirects are not followed', () => {
    expect(answeredWith(302, undefined, now).message).toContain('redirects are not followed')
  })
})

describe('brokenBy', () => {
  test('never repeats the text of an error', () => {
    const error = Object.assign(new Error('connect EWHATEVER 10.1.2.3:80'), { code: 'EWHATEVER' })
    expect(brokenBy(error, true)).toEqual({ kind: 'ambiguous', message: 'the request failed (EWHATEVER)' })
    expect(brokenBy('10.1.2.3', false)).toEqual({ kind: 'transient', message: 'the request failed' })
  })
})
