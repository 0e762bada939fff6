import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring } from '../../../test/support/clients.js'
import { Keyring } from '../../clients/keyring.js'
import { ButtonTokens } from './button-tokens.js'

const place = { clientId: newId(), messageId: newId(), index: 300 }
const { clientId } = place
const tokens = new ButtonTokens(keyring)

test('a token is 40 plain characters, and another process with the same key reads it', () => {
  const token = tokens.seal(place)
  expect(token).toMatch(/^[\w-]{40}$/)
  expect(new ButtonTokens(keyring).open(token, clientId)).toEqual(place)
})

test('of another client or key, or with one character changed, it is none', () => {
  const token = tokens.seal(place)
  expect(tokens.open(token, newId())).toBe(undefined)
  expect(new ButtonTokens(new Keyring(new Uint8Array(32).fill(8))).open(token, clientId)).toBe(undefined)
  for (let i = 0; i < token.length; i += 1) {
    const other = token[i] === 'A' ? 'B' : 'A'
    expect(tokens.open(token.slice(0, i) + other + token.slice(i + 1), clientId, newId())).toBe(undefined)
  }
  for (const text of ['', 'A'.repeat(40), `${token}A`, '{"a":1}', 'ü'.repeat(40), 'a'.repeat(39)])
    expect(tokens.open(text, clientId)).toBe(undefined)
})

test('a token of an older version is read with the conversation of its message, and no other', () => {
  const conversationId = newId()
  const head = Buffer.alloc(14)
  head.write(place.messageId, 'hex')
  head.writeUInt16BE(place.index, 12)
  const mac = keyring.mac(`button ${clientId} ${conversationId} ${place.messageId} ${place.index}`, 16)
  const token = Buffer.concat([head, mac]).toString('base64url')
  expect(tokens.open(token, clientId, conversationId)).toEqual(place)
  for (const other of [undefined, newId()]) expect(tokens.open(token, clientId, other)).toBe(undefined)
})
