import { describe, expect, expectTypeOf, test } from 'vitest'
import { toEvent, type WebhookEvent } from './events.js'

const conversation = { userId: 'u1', conversationId: 'k1' }
const message = { id: 'm1', conversationId: 'k1', sentOn: '2026-11-22T08:00:00.000Z', payload: {} }
const known: Record<string, object> = {
  'user.new': { userId: 'u1' },
  'user.updated': { userId: 'u1', userData: { language: 'en' } },
  'user.deleted': { userId: 'u1' },
  'user.merged': { userId: 'u1', mergedUserId: 'u2' },
  'conversation.new': { conversationId: 'k1' },
  'conversation.started': { ...conversation, channel: 'teams' },
  'conversation.deleted': { conversationId: 'k1' },
  'conversation.activity': { conversationId: 'k1', channel: 'telegram', activity: { type: 'blocked' } },
  'message.new': { conversationId: 'k1', channel: 'messaging', message },
  'message.feedback': { ...conversation, channel: 'messaging', messageId: 'm1', feedback: -1 },
  'health.new': { channel: 'slack', event: { type: 'start', time: '2026-11-22T08:00:00.000Z' } },
}

describe('toEvent', () => {
  test.each(Object.entries(known))('knows %s, and keeps fields that it does not know', (type, data) => {
    const extended = { ...data, later: true }
    expect(toEvent('e1', { type, data: extended, more: 1 })).toEqual({ id: 'e1', type, data: extended })
  })

  test.each(Object.entries(known))('refuses %s without any one of its fields', (type, data) => {
    expect(toEvent('e1', { type })).toBeUndefined()
    expect(toEvent('e1', { type, data: [] })).toBeUndefined()
    for (const field of Object.keys(data)) {
      expect(toEvent('e1', { type, data: { ...data, [field]: undefined } })).toBeUndefined()
    }
  })

  test.each([{ id: 1 }, { sentOn: null }, { payload: [] }, { payload: 'text' }, { authorId: 7 }])(
    'refuses a message with %j',
    (fault) => {
      const data = { ...known['message.new'], message: { ...message, ...fault } }
      expect(toEvent('e1', { type: 'message.new', data })).toBeUndefined()
    },
  )

  test.each([undefined, null, 'u1'])('takes a message whose author is %s', (authorId) => {
    const data = { ...known['message.new'], message: { ...message, authorId } }
    expect(toEvent('e1', { type: 'message.new', data })).toMatchObject({ data })
  })

  test.each(['user.renamed', 'constructor', '__proto__', ''])(
    'keeps an unknown type (%j) as it is',
    (type) => {
      for (const data of [undefined, null, 'text', [1], { any: 1 }]) {
        expect(toEvent('e1', { type, data })).toEqual({ id: 'e1', type, data })
      }
    },
  )

  test('gives a union that narrows by type, with unknown types apart', () => {
    const read = (event: WebhookEvent) => {
      if (event.type === 'conversation.deleted')
        return expectTypeOf(event.data.conversationId).toEqualTypeOf<string>()
      if (event.type === 'message.feedback') return expectTypeOf(event.data.feedback).toEqualTypeOf<number>()
      return expectTypeOf(event.id).toEqualTypeOf<string>()
    }
    expect(read).toBeTypeOf('function')
  })
})
