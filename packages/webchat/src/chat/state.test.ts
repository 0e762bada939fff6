import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { completeConfig } from '../config.js'
import type { Message } from './message.js'
import {
  activeOf,
  type Change,
  type HubEvent,
  initialState,
  type Queued,
  reduce,
  type State,
  unreadOf,
} from './state.js'

const ID = 'c1'
const fresh = (): State => initialState(completeConfig({ name: 'Shop' }))

const message = (position: number, change: Partial<Message> = {}): Message => ({
  id: `m${position}`,
  position,
  sentAt: new Date(1_700_000_000_000 + position).toISOString(),
  author: 'business',
  payload: { type: 'text', text: `text ${position}` },
  ...change,
})

const event = (name: string, data: object): Change => ({
  type: 'event',
  event: { name, data: { conversationId: ID, ...data } },
})

const after = (state: State, ...changes: Change[]): State => changes.reduce(reduce, state)

/** A state with a conversation on the screen, which has these messages. */
const showing = (...messages: Message[]): State =>
  after(
    fresh(),
    { type: 'conversations', conversations: [{ id: ID, createdAt: '2026-01-01T00:00:00.000Z', unread: 0 }] },
    { type: 'messages', conversationId: ID, messages, hasOlder: false },
    { type: 'show', conversationId: ID },
  )

const idsOf = (state: State): string[] => activeOf(state)?.messages?.map(({ id }) => id) ?? []

describe('messages', () => {
  test('are in the order of their positions, each once, however they come', () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 })
    fc.assert(
      fc.property(numbers, (positions) => {
        const state = after(showing(), ...positions.map((position) => event('message', message(position))))
        const sorted = [...new Set(positions)].sort((a, b) => a - b)
        expect(idsOf(state)).toEqual(sorted.map((position) => `m${position}`))
      }),
    )
  })

  test('an older page goes before what is there, and the newest page replaces it', () => {
    const state = after(showing(message(5), message(6)), {
      type: 'messages',
      conversationId: ID,
      messages: [message(4), message(3)],
      hasOlder: true,
      isOlder: true,
    })
    expect(idsOf(state)).toEqual(['m3', 'm4', 'm5', 'm6'])
    const newest: Change = { type: 'messages', conversationId: ID, messages: [message(9)], hasOlder: true }
    expect(idsOf(reduce(state, newest))).toEqual(['m9'])
  })

  test('an edit changes the message, and the same message told again does not bring the old words back', () => {
    const edited = message(1, {
      payload: { type: 'text', text: 'new' },
      editedAt: '2026-01-01T00:00:00.000Z',
    })
    const state = after(showing(message(1)), event('edited', edited), event('message', message(1)))
    expect(activeOf(state)?.messages?.[0]?.payload).toEqual({ type: 'text', text: 'new' })
  })

  test('an edit of a message that is not loaded adds none', () => {
    expect(idsOf(reduce(showing(message(7)), event('edited', message(2))))).toEqual(['m7'])
  })

  test('a deleted message goes, and the summary of its conversation with it', () => {
    const state = after(showing(message(1)), event('message', message(2)), event('deleted', { id: 'm2' }))
    expect(idsOf(state)).toEqual(['m1'])
    expect(activeOf(state)?.lastMessage?.id).toBe('m1')
  })

  test('a message of a conversation that was unknown makes it known', () => {
    const other = {
      type: 'event',
      event: { name: 'message', data: { ...message(1), conversationId: 'c2' } },
    } as const
    expect(reduce(showing(), other).conversations.map(({ id }) => id)).toContain('c2')
  })

  test('anything that is no event changes nothing', () => {
    const state = showing(message(1))
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, data) => {
        expect(reduce(state, { type: 'event', event: { name, data } as HubEvent })).toBe(state)
      }),
    )
  })
})

describe('the queue', () => {
  const queued = (clientId: string): Queued => ({
    clientId,
    conversationId: ID,
    createdAt: '2026-01-01T00:00:00.000Z',
    payload: { type: 'text', text: clientId },
  })

  test('a message leaves it once the hub has it, and does not come back', () => {
    const mine = message(1, { author: 'me', clientId: 'k1' })
    const waiting = reduce(showing(), { type: 'queue', queue: [queued('k1'), queued('k2')] })
    const state = reduce(waiting, event('message', mine))
    expect(state.queue.map(({ clientId }) => clientId)).toEqual(['k2'])
    const again = reduce(state, { type: 'queue', queue: [queued('k1'), queued('k2')] })
    expect(again.queue.map(({ clientId }) => clientId)).toEqual(['k2'])
  })

  test('shows how much of a file was uploaded', () => {
    const state = after(
      showing(),
      { type: 'queue', queue: [queued('k1'), queued('k2')] },
      { type: 'progress', clientId: 'k2', progress: 0.5 },
    )
    expect(state.queue.map(({ progress }) => progress)).toEqual([undefined, 0.5])
  })
})

describe('unread messages', () => {
  test('are those of the business since the visitor read', () => {
    const state = after(
      showing(),
      event('message', message(1)),
      event('message', message(2, { author: 'me' })),
      event('message', message(3)),
      event('message', message(3)),
    )
    expect(unreadOf(state)).toBe(2)
    expect(unreadOf(reduce(state, event('read', { position: 1, by: 'me' })))).toBe(1)
    expect(unreadOf(reduce(state, event('read', { position: '3', by: 'me' })))).toBe(0)
  })

  test('a message that came while its page was loaded counts once', () => {
    const page: Change = { type: 'messages', conversationId: ID, messages: [message(1)], hasOlder: false }
    const told = event('message', message(2))
    const state = after(showing(message(1)), told, page, told)
    expect(unreadOf(state)).toBe(1)
    expect(idsOf(state)).toEqual(['m1', 'm2'])
  })

  test('the business reads what the visitor wrote, and never un-reads it', () => {
    const state = after(
      showing(message(1, { author: 'me' })),
      event('read', { position: 4, by: 'business' }),
      event('read', { position: 2, by: 'business' }),
    )
    expect(activeOf(state)?.readByBusiness).toBe(4)
    expect(unreadOf(state)).toBe(0)
  })
})

describe('a conversation', () => {
  test('shows who is writing until a message comes', () => {
    const writing = reduce(showing(), event('typing', { isTyping: true, author: { name: 'Anna' } }))
    expect(activeOf(writing)?.writing).toBe('Anna')
    expect(activeOf(reduce(writing, event('message', message(1))))?.writing).toBeUndefined()
    expect(activeOf(reduce(writing, event('typing', { isTyping: false })))?.writing).toBeUndefined()
  })

  test('does not show the visitor their own writing', () => {
    const state = reduce(showing(), event('typing', { isTyping: true, author: 'me' }))
    expect(activeOf(state)?.writing).toBeUndefined()
  })

  test('ends and is opened again', () => {
    const closed = reduce(showing(), event('closed', { closedAt: '2026-01-02T00:00:00.000Z' }))
    expect(activeOf(closed)?.closedAt).toBe('2026-01-02T00:00:00.000Z')
    expect(activeOf(reduce(closed, event('reopened', {})))?.closedAt).toBeUndefined()
  })

  test('is the newest first', () => {
    const state = reduce(showing(), {
      type: 'conversations',
      conversations: [{ id: 'c0', createdAt: '2027-01-01T00:00:00.000Z', unread: 0 }],
    })
    expect(state.conversations.map(({ id }) => id)).toEqual(['c0', ID])
  })

  test('nothing of a visitor is left after they signed out', () => {
    const state = reduce(reduce(showing(message(1)), { type: 'open', isOpen: true }), { type: 'signed-out' })
    expect(state).toEqual({ ...fresh(), isOpen: true })
  })
})
