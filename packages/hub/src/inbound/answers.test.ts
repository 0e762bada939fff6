import { newId } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring, storeOf } from '../../test/support/clients.js'
import { ButtonTokens } from '../delivery/button-tokens.js'
import type { Entry } from '../log/entry.js'
import { endpointTarget } from '../log/target.js'
import { Answers } from './answers.js'

test('one of the last 300 messages is found by any id that the provider gave for it at this endpoint', async () => {
  const [endpointId, other, messageId] = [newId(), newId(), newId()]
  const parts = [
    { ids: ['m-1'], digest: '' },
    { ids: ['m-2', 'm-3'], digest: '' },
  ]
  const entries = [
    ...Array.from({ length: 299 - 1 }, () => ({ id: newId() })),
    { id: messageId, sent: { [endpointTarget(endpointId)]: { parts } } },
    { id: newId(), sent: { [endpointTarget(other)]: { parts: [{ ids: ['m-4'], digest: '' }] } } },
    // Too long ago.
    { id: newId(), sent: { [endpointTarget(endpointId)]: { parts: [{ ids: ['m-5'], digest: '' }] } } },
  ].map((entry) => ({ ...entry, payload: '{}' })) as unknown as Entry[]
  const store = storeOf({
    async listMessages(_, __, { before, limit }) {
      const start = entries.findIndex(({ id }) => id === before) + 1
      return entries.slice(start, start + limit)
    },
  })
  const answers = new Answers({ store, tokens: new ButtonTokens(keyring) })
  const find = (id: string) =>
    answers.messageSent({ clientId: newId(), conversationId: newId() }, endpointId, id)
  expect(await Promise.all(['m-1', 'm-2', 'm-3', 'm-4', 'm-5'].map(find))).toEqual([
    ...[messageId, messageId, messageId],
    ...[undefined, undefined],
  ])
})
