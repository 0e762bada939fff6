import { expect, test } from 'vitest'
import { type Origin, SignInLimits } from './sign-in-limits.js'

const HOUR_MS = 3_600_000

function setUp(limits: { perMinute?: number; perHour?: number } = {}) {
  const clock = { now: 0 }
  const signIns = new SignInLimits({ perMinute: 60, perHour: 100, now: () => clock.now, ...limits })
  /** How a try ends: refused without a look, looked at and answered as refused, or answered as wrong. */
  const fail = (origin: Partial<Origin> = {}): 'refused' | 'refused all the same' | 'wrong' => {
    try {
      const made = signIns.begin({ account: 'olga', place: 'here', isKnown: false, ...origin })
      return made.refusal ? 'refused all the same' : 'wrong'
    } catch {
      return 'refused'
    }
  }
  const succeed = (origin: Partial<Origin> = {}): boolean => {
    try {
      signIns.forgive(signIns.begin({ account: 'olga', place: 'here', isKnown: false, ...origin }))
      return true
    } catch {
      return false
    }
  }
  const many = (count: number, origin: (i: number) => Partial<Origin>) =>
    Array.from({ length: count }, (_, i) => fail(origin(i)))
  return { clock, fail, succeed, many }
}

const count = (answers: readonly string[], wanted: string) => answers.filter((each) => each === wanted).length

test('a network may be wrong so often in a minute, whichever accounts it tries', () => {
  const { fail, many, clock } = setUp()
  const answers = many(300, (i) => ({ account: `account ${i}` }))
  expect(count(answers, 'wrong')).toBe(60)
  expect(fail({ place: 'elsewhere', account: 'account 299' })).toBe('wrong')
  clock.now += 60_000
  expect(
    count(
      many(300, (i) => ({ account: `other ${i}` })),
      'wrong',
    ),
  ).toBe(60)
})

test('an account may be guessed a hundred times in a row, from however many networks', () => {
  const { many } = setUp()
  const answers = many(1_000, (i) => ({ place: `network ${i}` }))
  expect(count(answers, 'wrong')).toBe(100)
  expect(answers.slice(0, 100)).not.toContain('refused')
})

test('of tries at a locked account few are looked at, and a wrong one is answered as the others are', () => {
  const { many } = setUp()
  const answers = many(1_000, (i) => ({ place: `network ${i}` }))
  expect(count(answers, 'refused all the same')).toBe(20)
  expect(count(answers, 'refused')).toBe(880)
})

test('in a day of guessing from everywhere, not much more is looked at than a hundred and a fifth in an hour', () => {
  const { many, clock } = setUp()
  let looked = 0
  for (let minute = 0; minute < 24 * 60; minute += 1) {
    clock.now += 60_000
    looked += many(50, (i) => ({ place: `network ${minute} ${i}` })).filter(
      (each) => each !== 'refused',
    ).length
  }
  expect(looked).toBeLessThanOrEqual(25 * 120)
})

test('its owner gets in from a known network while strangers guess, also from the same network', () => {
  const { many, succeed } = setUp()
  many(1_000, (i) => ({ place: `network ${i}` }))
  many(1_000, (i) => ({ account: `account ${i}` }))
  expect(succeed({ isKnown: true })).toBe(true)
})

test('its owner gets in from a new network after strangers from some others locked the account', () => {
  const { many, succeed } = setUp()
  many(1_000, (i) => ({ place: `network ${i % 10}` }))
  expect(succeed({ place: 'network 1' })).toBe(false)
  expect(succeed({ place: 'new' })).toBe(true)
})

test('a lock-out ends for the next one after little more than half a minute', () => {
  const { many, succeed, clock } = setUp()
  many(1_000, (i) => ({ place: `network ${i}` }))
  expect(succeed({ place: 'new' })).toBe(false)
  clock.now += HOUR_MS / 100
  expect(succeed({ place: 'new' })).toBe(true)
})

test('guessing from a known network has a separate limit', () => {
  const { many, fail } = setUp()
  expect(
    count(
      many(1_000, () => ({ isKnown: true })),
      'wrong',
    ),
  ).toBe(100)
  expect(fail({ place: 'elsewhere' })).toBe('wrong')
})

test('right passwords count for nothing, however many there are', () => {
  const { succeed, fail } = setUp({ perMinute: 3, perHour: 3 })
  for (let i = 0; i < 100; i += 1) expect(succeed()).toBe(true)
  for (let i = 0; i < 100; i += 1) expect(succeed({ isKnown: true })).toBe(true)
  expect(fail()).toBe('wrong')
})

test('limits of 0 are none', () => {
  const { many } = setUp({ perMinute: 0, perHour: 0 })
  expect(
    count(
      many(1_000, () => ({})),
      'wrong',
    ),
  ).toBe(1_000)
})
