import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Activity, activityOf, idsIn } from './activity.js'

const [messageId, endpointId, userId] = [newId(), newId(), newId()]

const activities: Activity[] = [
  { type: 'edited', messageId, payload: { type: 'text', text: 'hi' } },
  { type: 'deleted', messageId },
  { type: 'deleted' },
  { type: 'reaction', messageId, emoji: '👍', removed: true },
  { type: 'delivery', messageId, status: 'read' },
  { type: 'delivery', status: 'failed', failure: { kind: 'recipient', message: 'gone' } },
  { type: 'delivery', status: 'failed', failure: { kind: 'recipient', message: 'gone', code: '30003' } },
  { type: 'blocked' },
  { type: 'read', userId },
  { type: 'read' },
  { type: 'typing', userId, isTyping: true },
  { type: 'joined', userId },
  { type: 'left', userId },
  { type: 'handed-over', messageId, endpointId },
  { type: 'given-up', messageId, endpointId, reason: 'exhausted', error: 'no', code: '500' },
  { type: 'closed' },
  { type: 'reopened' },
  { type: 'second-form', messageId, seq: 7, part: { call: 'send', args: { text: 'hi' } } },
]

test.each(activities)('an activity is read as it was written: %j', (activity) => {
  expect(activityOf({ payload: JSON.stringify(activity) })).toEqual(activity)
})

test.each([
  {},
  { type: 'merged' },
  { type: 'joined' },
  { type: 'joined', userId: 7 },
  { type: 'edited', payload: [] },
  { type: 'delivery', status: 'lost' },
  { type: 'given-up', messageId, endpointId, reason: 'bored' },
  { type: 'second-form', messageId, seq: 7 },
  { type: 'second-form', messageId, seq: '7', part: { call: 'send', args: null } },
  { type: 'second-form', messageId, seq: 7, part: { args: null } },
])('what is no activity that this version knows is none: %j', (json) => {
  expect(activityOf({ payload: JSON.stringify(json) })).toBe(undefined)
})

test('whatever stands in its fields, an activity is read, or is none', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...activities),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (activity, more) => {
        const names = Object.keys(activity).filter((name) => name !== 'type')
        const [name = 'x'] = names
        const changed = { ...activity, ...more, [name]: Object.values(more)[0] ?? null }
        const read = activityOf({ payload: JSON.stringify(changed) })
        expect(JSON.parse(JSON.stringify(read ?? null))).toEqual(read ?? null)
      },
    ),
  )
  for (const payload of ['', '[]', 'null', '"x"', '{']) expect(activityOf({ payload })).toBe(undefined)
})

test('the entry, the endpoint and the part of a delivery are in its id', () => {
  const ids = { entryId: messageId, endpointId }
  expect(idsIn(`${messageId}-${endpointId}`)).toEqual({ ...ids, part: 0 })
  expect(idsIn(`${messageId}-${endpointId}_12`)).toEqual({ ...ids, part: 12 })
  expect(idsIn('toString')).toBe(undefined)
})
