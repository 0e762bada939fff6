import { expect, test } from 'vitest'
import { SocketLimits } from './limits.js'
import { Bucket } from './token-bucket.js'

const none = { perMinute: 0, usersPerMinute: 0, perNetwork: 0, perClient: 0 }

test('a bucket gives its burst at once, and what has come since after that', () => {
  const bucket = new Bucket({ burst: 10, perSecond: 2 }, 0)
  expect(bucket.take(10, 0)).toBe(true)
  expect(bucket.take(1, 499)).toBe(false)
  expect(bucket.take(1, 500)).toBe(true)
  expect(bucket.take(11, 60_000)).toBe(false)
  expect(bucket.take(10, 60_000)).toBe(true)
})

test('the number of sockets per network and per client is limited, and a slot is freed once', () => {
  const limits = new SocketLimits({ ...none, perNetwork: 2, perClient: 1 })
  const [first, second] = [limits.open({ network: 'a' }), limits.open({ network: 'a' })]
  expect([first, second, limits.open({ network: 'b' })]).not.toContain(undefined)
  expect(limits.open({ network: 'a' })).toBeUndefined()
  expect(limits.open({ clientId: 'a' })).toBeDefined()
  expect(limits.open({ clientId: 'a' })).toBeUndefined()
  first?.release()
  first?.release()
  expect(limits.open({ network: 'a' })).toBeDefined()
  expect(limits.open({ network: 'a' })).toBeUndefined()
})

test('the sockets of a network share what they may send, and other networks have their own', () => {
  const limits = new SocketLimits(none)
  const sockets = Array.from({ length: 10 }, () => limits.open({ network: 'a' }))
  const taken = Array.from({ length: 7_000 }, (_, i) => sockets[i % 10]?.take(10)).filter(Boolean)
  expect(taken.length).toBeGreaterThanOrEqual(6_000)
  expect(taken.length).toBeLessThan(6_500)
  expect(limits.open({ network: 'b' })?.take(10)).toBe(true)
  const large = limits.open({ clientId: 'a' })
  expect([large?.take(300_000_000), large?.take(100_000_000)]).toEqual([true, false])
})

test('connections and new users are counted by the minute', () => {
  const limits = new SocketLimits({ ...none, perMinute: 2, usersPerMinute: 1 })
  expect([1, 2, 3].map(() => limits.connects('a'))).toEqual([true, true, false])
  expect([limits.connects('b'), limits.makesUser('a'), limits.makesUser('a')]).toEqual([true, true, false])
  const reached = Array.from({ length: 21 }, () => limits.reaches('client'))
  expect(reached.filter(Boolean)).toHaveLength(20)
})
