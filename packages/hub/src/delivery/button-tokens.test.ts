import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring } from '../../test/support/clients.js'
import { Keyring } from '../clients/keyring.js'
import { ButtonTokens } from './button-tokens.js'

const place = { clientId: newId(), conversationId: newId(), messageId: newId() }
const tokens = new ButtonTokens(keyring)

test('a token is 40 plain characters, and another process with the same key reads it', () => {
  const token = tokens.seal(place, 300)
  expect(token).toMatch(/^[\w-]{40}$/)
  expect(new ButtonTokens(keyring).open(token, place)).toEqual({ messageId: place.messageId, index: 300 })
})

test('of another conversation, client or key, or with one character changed, it is none', () => {
  const token = tokens.seal(place, 1)
  const elsewhere = [
    { ...place, clientId: newId() },
    { ...place, conversationId: newId() },
  ]
  for (const where of elsewhere) expect(tokens.open(token, where)).toBe(undefined)
  expect(new ButtonTokens(new Keyring(new Uint8Array(32).fill(8))).open(token, place)).toBe(undefined)
  for (let i = 0; i < token.length; i += 1) {
    const other = token[i] === 'A' ? 'B' : 'A'
    expect(tokens.open(token.slice(0, i) + other + token.slice(i + 1), place)).toBe(undefined)
  }
  for (const text of ['', 'A'.repeat(40), `${token}A`, '{"a":1}', 'ü'.repeat(40)])
    expect(tokens.open(text, place)).toBe(undefined)
})
