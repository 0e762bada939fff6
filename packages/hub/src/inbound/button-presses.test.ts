import { newId, toUuid } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring, storeOf } from '../../test/support/clients.js'
import { ButtonTokens } from '../delivery/to-channels/button-tokens.js'
import type { ConversationRecord } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import { endpointTarget } from '../log/target.js'
import { Answers } from './button-presses.js'

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

test('a press under the very message is of the bot’s own button, wherever the provider says that it was', async () => {
  const [clientId, conversationId, endpointId, messageId] = [newId(), newId(), newId(), newId()]
  const channel = { name: 'acme', custom: false }
  const choices = [{ title: 'Yes', value: 'y' }]
  const entry = {
    ...{ id: messageId, streamId: conversationId },
    payload: JSON.stringify({ type: 'text', text: 'Well?', choices }),
    sent: { [endpointTarget(endpointId)]: { parts: [{ ids: ['room:7'], digest: '' }] } },
  } as unknown as Entry
  const conversation = {
    ...{ id: conversationId, clientId, userId: newId() },
    endpoints: [{ id: endpointId, channel, identity: '*', sender: 'ada', thread: 'room/topic' }],
  } as unknown as ConversationRecord
  const tokens = new ButtonTokens(keyring)
  const store = storeOf({ findEntry: async () => entry, findConversation: async () => conversation })
  const answers = new Answers({ store, tokens })
  const token = tokens.seal({ clientId, messageId, index: 0 })
  const endpoint = { identity: '*', sender: 'bob', thread: 'room' }
  const press = (refersTo?: string, at = channel) =>
    answers.toButton(clientId, at, { endpoint, token, label: 'Yes', ...(refersTo && { refersTo }) })
  expect(await press('room:7')).toEqual({
    payload: { type: 'quick_reply', text: 'Yes', payload: 'y', messageId: toUuid(messageId) },
    place: { conversationId, endpointId },
  })
  const unknown = { payload: { type: 'quick_reply', text: 'Yes', payload: token, foreign: true } }
  expect(await press()).toEqual(unknown)
  expect(await press('room:8')).toEqual(unknown)
  expect(await press('room:7', { name: 'other', custom: false })).toEqual(unknown)
})
