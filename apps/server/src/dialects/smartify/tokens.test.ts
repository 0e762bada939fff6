import { randomBytes } from 'node:crypto'
import { newId } from '@plugboard/core'
import type { OpenWebhook } from '@plugboard/hub'
import { describe, expect, test } from 'vitest'
import { claimedIn, ServerTokens, secretOf, signForSubscription, verifyForSubscription } from './tokens.js'

const bare = (token: string): string => token.slice('JWT '.length)

const webhookOf = (token: string): OpenWebhook => ({
  ...{ id: newId(), url: 'https://x.example/', token, format: 'smartify' },
})

describe('tokens of the server', () => {
  const start = Date.parse('2030-01-01T00:00:00Z')
  let now = start
  const tokens = new ServerTokens(randomBytes(32), () => now)

  test('are good until their time is over, and under their key', async () => {
    now = start
    const token = bare(await tokens.sign('guest', { a: 1 }, 60_000))
    expect(await claimedIn(token)).toEqual({ by: 'server' })
    expect(await tokens.verify(token)).toMatchObject({ a: 1, sub: 'guest' })
    expect(await new ServerTokens(randomBytes(32), () => now).verify(token)).toBeUndefined()
    now = start + 59_000
    expect(await tokens.verify(token)).toBeDefined()
    now = start + 61_000
    expect(await tokens.verify(token)).toBeUndefined()
  })

  test.each(['', 'x', 'a.b.c', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`])(
    'are not taken for one: %j',
    async (token) => {
      expect(await claimedIn(token)).toBeUndefined()
      expect(await tokens.verify(token)).toBeUndefined()
    },
  )
})

describe('tokens of a subscription', () => {
  test('are the same for the same event, and good under its own secret alone', async () => {
    const [one, other] = [webhookOf('a'), webhookOf('b')]
    const at = new Date()
    const token = await signForSubscription(one, { event: 'x' }, at)
    expect(await signForSubscription(one, { event: 'x' }, at)).toBe(token)
    expect(await claimedIn(token)).toEqual({ by: 'subscription', id: one.id })
    expect(await verifyForSubscription(one, token)).toMatchObject({ event: 'x', sub: 'subscription' })
    expect(await verifyForSubscription(other, token)).toBeUndefined()
  })

  test('have a UUID for a secret, each webhook its own', () => {
    const secrets = ['a', 'b'].map((token) => secretOf({ token }))
    for (const secret of secrets)
      expect(secret).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(secrets).size).toBe(2)
    expect(secretOf({ token: 'a' })).toBe(secrets[0])
  })
})
