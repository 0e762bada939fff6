import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { HASH_OF_NOBODY, hashPassword, isPassword, MAX_STRANGERS } from './password-hash.js'

const stranger = { by: 'stranger', isKnown: false }

test('a password is right for its own hash alone', async () => {
  const hash = await hashPassword('correct horse')
  expect(await isPassword('correct horse', hash, stranger)).toBe(true)
  expect(await isPassword('battery staple', hash, stranger)).toBe(false)
  expect(await isPassword('correct horse', HASH_OF_NOBODY, stranger)).toBe(false)
  expect(await isPassword('x', 'no hash', stranger)).toBe(false)
  expect(await isPassword('x'.repeat(257), hash, stranger)).toBe(false)
})

test('what accounts that are not there are compared with has the parameters of other hashes', async () => {
  const parameters = (hash: string) => hash.split('$').slice(0, 4)
  expect(parameters(HASH_OF_NOBODY)).toEqual(parameters(await hashPassword('x')))
})

test('refuses most of many concurrent passwords from strangers, without delaying files, names and others', async () => {
  const mine = await hashPassword('mine')
  const tried = Array.from({ length: 300 }, (_, i) =>
    isPassword('x', HASH_OF_NOBODY, { by: `${i}`, isKnown: false }),
  )
  const asked = Promise.allSettled(tried)
  const began = performance.now()
  const known = await isPassword('mine', mine, { by: 'me', isKnown: true })
  await Promise.all([readFile(import.meta.filename), lookup('127.0.0.1')])
  const waited = performance.now() - began
  expect(known).toBe(true)
  const [first, rest] = [(await asked).slice(0, 1 + MAX_STRANGERS), (await asked).slice(1 + MAX_STRANGERS)]
  // Strangers who come in time wait for each other, and are not refused.
  expect(new Set(first.map(({ status }) => status))).toEqual(new Set(['fulfilled']))
  const refused = rest.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(300 - 1 - MAX_STRANGERS)
  for (const each of refused) expect(each).toMatchObject({ reason: { code: 'RATE_LIMITED' } })
  // All together would have taken many times as long as those that were let in.
  expect(waited).toBeLessThan((performance.now() - began) * 0.9)
})
