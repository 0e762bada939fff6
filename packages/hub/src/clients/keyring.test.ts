import { characters } from '@plugboard/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Sealed } from '../ports/client-record.js'
import { hashSecret, isSameHash, Keyring, newSecret } from './keyring.js'

const character = fc.nat(characters.max).map(characters.at, characters.indexOf)

const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const keyring = new Keyring(key(1))
const text = fc.string({ unit: character })

test('what was sealed opens with the same key and context, and is sealed differently each time', () => {
  fc.assert(
    fc.property(text, text, (text, context) => {
      const sealed = keyring.seal(text, context)
      expect(new Keyring(key(1)).open(sealed, context)).toBe(text)
      expect(keyring.seal(text, context)).not.toBe(sealed)
    }),
  )
})

test('a sealed text cannot be opened with another key, in another context, or with a bit changed', () => {
  fc.assert(
    fc.property(text, fc.nat(), (text, n) => {
      const sealed = keyring.seal(text, 'client')
      expect(() => new Keyring(key(2)).open(sealed, 'client')).toThrow('cannot decrypt')
      expect(() => keyring.open(sealed, 'other')).toThrow('cannot decrypt')
      const bytes = Buffer.from(sealed.slice(3), 'base64url')
      bytes[n % bytes.length] = (bytes[n % bytes.length] ?? 0) ^ (1 << (n % 8))
      expect(() => keyring.open(`v1.${bytes.toString('base64url')}` as Sealed, 'client')).toThrow(
        'cannot decrypt',
      )
    }),
  )
})

test('a truncated sealed text cannot be opened', () => {
  fc.assert(
    fc.property(text, fc.nat({ max: 40 }), (text, n) => {
      const bytes = Buffer.from(keyring.seal(text, 'client').slice(3), 'base64url')
      const cut = n % bytes.length
      for (const part of [bytes.subarray(0, cut), bytes.subarray(bytes.length - cut)])
        expect(() => keyring.open(`v1.${part.toString('base64url')}` as Sealed, 'client')).toThrow(
          'cannot decrypt',
        )
    }),
  )
})

test('a text that was not sealed cannot be opened', () => {
  fc.assert(
    fc.property(text, (text) => {
      expect(() => keyring.open(text as Sealed, 'client')).toThrow('cannot decrypt')
    }),
  )
})

test('neither the sealed text nor the fingerprint shows the key or the text', () => {
  const secret = 'xoxb-very-secret'
  expect(Buffer.from(keyring.seal(secret, 'c').slice(3), 'base64url').toString('latin1')).not.toContain(
    secret,
  )
  expect(keyring.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(keyring.fingerprint).not.toBe(Buffer.from(key(1)).toString('hex'))
  expect(new Keyring(key(1)).fingerprint).toBe(keyring.fingerprint)
  expect(new Keyring(key(2)).fingerprint).not.toBe(keyring.fingerprint)
})

test('a signature is of its text and its key', () => {
  expect(keyring.sign('a')).toBe(new Keyring(key(1)).sign('a'))
  expect(keyring.sign('a')).not.toBe(keyring.sign('b'))
  expect(keyring.sign('a')).not.toBe(new Keyring(key(2)).sign('a'))
})

test('a key of another length is refused, and its error does not show it', () => {
  expect(() => new Keyring(Buffer.from('too short'))).toThrow(/32 bytes/)
  expect(() => new Keyring(Buffer.from('too short'))).not.toThrow(/too short/)
})

test('secrets are 64 random bytes, and hashes are compared whole', () => {
  const secrets = new Set(Array.from({ length: 100 }, newSecret))
  expect(secrets.size).toBe(100)
  for (const secret of secrets) expect(Buffer.from(secret, 'base64').length).toBe(64)
  const hash = hashSecret('a')
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  expect([isSameHash(hash, hashSecret('a')), isSameHash(hash, hashSecret('b'))]).toEqual([true, false])
  expect([isSameHash(hash, hash.slice(1)), isSameHash(hash, '')]).toEqual([false, false])
})
