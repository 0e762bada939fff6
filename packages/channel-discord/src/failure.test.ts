import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { refusal } from '../test/fake-discord.js'
import { type Stage, stage } from '../test/stage.js'
import { InvalidRequests } from './invalid-requests.js'
import { RateLimits } from './rate-limits.js'

let on: Stage
beforeAll(async () => {
  on = await stage()
})
afterAll(() => on.close())

const failureOf = (answer: ReturnType<typeof refusal>) => {
  on.fake.answerInstead(() => answer)
  return on.failure(() => on.post({ type: 'text', text: 'a private text' }))
}

test.each([
  [401, 0, 'auth', /401/],
  [401, 50027, 'invalid', /no longer possible/],
  [403, 20012, 'auth', /another application/],
  [403, 50001, 'recipient', /View Channel/],
  [403, 50007, 'recipient', /direct messages/],
  [403, 50013, 'recipient', /Send Messages/],
  [403, 50278, 'recipient', /no server/],
  [404, 10003, 'recipient', /no such channel/],
  [400, 50083, 'recipient', /archived/],
  [403, 160005, 'recipient', /locked/],
  [403, 40007, 'recipient', /banned/],
  [400, 50006, 'invalid', /shows nothing/],
  [400, 200000, 'invalid', /AutoMod/],
  [400, 240000, 'invalid', /harmful/],
  [404, 0, 'invalid', /^Discord answered 404$/],
  [400, 999999, 'invalid', /999999/],
  [400, 20016, 'rate-limited', /slow mode/],
  [400, 40003, 'rate-limited', /too fast/],
  [503, 130000, 'transient', /overloaded/],
  [403, 40333, 'transient', /blocks/],
  [500, 0, 'ambiguous', /500/],
])('an answer %i with the code %i is %s', async (status, code, kind, reason) => {
  expect(await failureOf(refusal(status, code))).toMatchObject({
    ...{ kind, message: expect.stringMatching(reason) },
    ...(code > 0 && { code: String(code) }),
  })
})

test('the fields that Discord refuses are named, and no words of the message', async () => {
  const errors = {
    embeds: { 0: { image: { url: { _errors: [{ code: 'URL', message: 'a private text' }] } } } },
  }
  expect(await failureOf(refusal(400, 50035, 'Invalid Form Body', { errors }))).toEqual({
    ...{ kind: 'invalid', code: '50035' },
    message: 'Discord answered 400 (50035): Discord does not take these fields: embeds.0.image.url',
  })
  let deep: object = { _errors: [] }
  for (let i = 0; i < 90; i += 1) deep = { a: deep }
  expect(await failureOf(refusal(400, 50035, '', { errors: deep }))).toMatchObject({ kind: 'invalid' })
})

test.each([
  [403, '<h1>Access denied</h1>', 'transient'],
  [404, '<h1>Not found</h1>', 'invalid'],
  [502, '', 'ambiguous'],
  [200, '<h1>It works</h1>', 'ambiguous'],
  [200, '', 'ambiguous'],
  [200, '{"id":7}', 'ambiguous'],
  [200, `"${'x'.repeat(1_100_000)}"`, 'ambiguous'],
])('an answer %i of something else is no certainty', async (status, body, kind) => {
  expect(await failureOf({ status, body })).toMatchObject({ kind })
})

describe('refused calls', () => {
  const at = (max: number) => {
    let now = 0
    return { requests: new InvalidRequests(max, () => now), pass: (ms: number) => (now += ms) }
  }

  test('count for ten minutes', () => {
    const { requests, pass } = at(3)
    expect([requests.count(), requests.count()]).toEqual([false, false])
    pass(60_000)
    expect(requests.waitMs).toBe(0)
    expect(requests.count()).toBe(true)
    // The first two are ten minutes old in nine minutes.
    expect(requests.waitMs).toBeGreaterThanOrEqual(9 * 60_000)
    expect(requests.waitMs).toBeLessThanOrEqual(9 * 60_000 + 20_000)
    pass(requests.waitMs)
    expect(requests.waitMs).toBe(0)
  })

  test('take the same memory, however many there are', () => {
    const { requests, pass } = at(1_000_000)
    for (let i = 0; i < 10_000; i += 1) {
      requests.count()
      pass(1000)
    }
    expect(requests.waitMs).toBe(0)
  })
})

test('the limits of a bot with very many channels are bounded: the oldest are forgotten', () => {
  const limits = new RateLimits(() => 0)
  const headers = new Headers({
    ...{ 'x-ratelimit-bucket': 'b', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '9' },
  })
  for (let i = 0; i < 1500; i += 1) limits.learn(`POST /channels/${i}/messages`, headers)
  expect(limits.take('POST /channels/0/messages')).toBeUndefined()
  expect(limits.take('POST /channels/1499/messages')).toEqual({ scope: 'endpoint', ms: 9000 })
})

test('routes of one bucket and one channel share a limit', () => {
  const limits = new RateLimits(() => 0)
  const headers = (remaining: string) =>
    new Headers({
      'x-ratelimit-bucket': 'b',
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-reset-after': '9',
    })
  limits.learn('PATCH /channels/1/messages/*', headers('3'))
  limits.learn('DELETE /channels/1/messages/*', headers('0'))
  expect(limits.take('PATCH /channels/1/messages/*')).toMatchObject({ scope: 'endpoint' })
  limits.learn('PATCH /channels/2/messages/*', headers('3'))
  expect(limits.take('PATCH /channels/2/messages/*')).toBeUndefined()
})
