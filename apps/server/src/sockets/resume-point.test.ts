import { randomBytes } from 'node:crypto'
import { type Id, newId } from '@plugboard/core'
import { Keyring } from '@plugboard/hub'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openPoint, type ResumePoint, sealPoint } from './resume-point.js'

const keyring = new Keyring(randomBytes(32))
const clientId = newId()
const now = new Date('2026-03-01T12:00:00Z')
const LIFE_MS = 10 * 24 * 60 * 60 * 1000

const point = (fields: Partial<ResumePoint> = {}): ResumePoint => ({
  ...{ userId: newId(), isGuest: true, at: now, since: new Date(now.getTime() - 1000) },
  ...{ seqs: new Map([[newId(), 7]]), own: new Set([newId()]) },
  ...fields,
})

const id = fc.constant(0).map(() => newId())
const anyPoint = fc.record({
  ...{ userId: id, isGuest: fc.boolean(), at: fc.constant(now) },
  since: fc.date({ min: new Date(0), max: now, noInvalidDate: true }),
  seqs: fc.array(fc.tuple(id, fc.nat()), { maxLength: 16 }).map((seqs) => new Map<Id, number>(seqs)),
  own: fc.array(id, { maxLength: 16 }).map((ids) => new Set<Id>(ids)),
})

test('a point is opened as it was sealed, also at another process with the same key', () => {
  const property = fc.property(anyPoint, (given) => {
    const sealed = sealPoint(keyring, clientId, given)
    expect(sealed.length).toBeLessThan(4_096)
    expect(openPoint(keyring, clientId, sealed, now)).toEqual(given)
  })
  fc.assert(property)
})

test('it says nothing to its holder, and is none of another client or another key', () => {
  const given = point()
  const sealed = sealPoint(keyring, clientId, given)
  expect(Buffer.from(sealed.slice(3), 'base64url').toString('latin1')).not.toContain(given.userId)
  expect(openPoint(keyring, newId(), sealed, now)).toBeUndefined()
  expect(openPoint(new Keyring(randomBytes(32)), clientId, sealed, now)).toBeUndefined()
})

test('it is good for ten days', () => {
  const sealed = sealPoint(keyring, clientId, point())
  expect(openPoint(keyring, clientId, sealed, new Date(now.getTime() + LIFE_MS))).toBeDefined()
  expect(openPoint(keyring, clientId, sealed, new Date(now.getTime() + LIFE_MS + 1))).toBeUndefined()
})

test('another secret that is sealed for the same client is no point', () => {
  const texts = ['{}', '[]', 'null', '["a",true,1,1,[],[]]', 'no JSON']
  const opened = texts.map((text) =>
    openPoint(keyring, clientId, keyring.seal(text, `socket ${clientId}`), now),
  )
  expect(opened).toEqual(texts.map(() => undefined))
  expect(openPoint(keyring, clientId, keyring.seal('{}', clientId), now)).toBeUndefined()
})

test('any text is no point', () => {
  const property = fc.property(fc.string(), (text) => {
    expect(openPoint(keyring, clientId, text, now)).toBeUndefined()
  })
  fc.assert(property)
})
