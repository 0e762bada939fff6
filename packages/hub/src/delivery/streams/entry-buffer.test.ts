import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Entry } from '../../log/entry.js'
import { EntryBuffer } from './entry-buffer.js'

const entryOf = (seq: number, chars = 1): Entry => ({
  ...{ id: newId(), clientId: newId(), streamId: newId(), type: 'message', at: new Date(), owes: [] },
  ...{ seq, payload: 'x'.repeat(chars) },
})
const numbers = (entries: readonly Entry[]): number[] => entries.map(({ seq }) => seq)

test('keeps the newest entries, and returns those after a number that it has', () => {
  const buffer = new EntryBuffer()
  for (const seq of [4, 5, 6]) buffer.add(entryOf(seq))
  expect(numbers(buffer.after(3))).toEqual([4, 5, 6])
  expect(numbers(buffer.after(4))).toEqual([5, 6])
  expect(numbers(buffer.after(6))).toEqual([])
  expect(numbers(buffer.after(2))).toEqual([])
})

test('starts again after a gap, and after an entry that is too large', () => {
  const buffer = new EntryBuffer()
  buffer.add(entryOf(1))
  buffer.add(entryOf(3))
  expect(numbers(buffer.after(0))).toEqual([])
  expect(numbers(buffer.after(2))).toEqual([3])
  buffer.add(entryOf(4, 100_000))
  expect(numbers(buffer.after(2))).toEqual([])
  buffer.add(entryOf(5))
  expect(numbers(buffer.after(4))).toEqual([5])
})

const step = fc.oneof(
  fc.record({ add: fc.integer({ min: 0, max: 3 }), chars: fc.integer({ min: 0, max: 40_000 }) }),
  fc.record({ drop: fc.nat({ max: 60 }) }),
  fc.constant({ clear: true }),
)

test('never returns a gap or an entry that was not added, and keeps a bounded amount', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 0, max: 2 }), (steps, scale) => {
      const buffer = new EntryBuffer()
      const added = new Map<number, Entry>()
      let seq = 0
      for (const each of steps) {
        if ('add' in each) {
          seq += each.add === 3 ? 2 : 1
          const entry = entryOf(seq, each.chars >> (scale * 6))
          added.set(seq, entry)
          buffer.add(entry)
        } else if ('drop' in each) buffer.dropUpTo(each.drop)
        else buffer.clear()
        let chars = 0
        for (let after = Math.max(0, seq - 200); after <= seq; after += 1) {
          const given = buffer.after(after)
          expect(numbers(given)).toEqual(given.map((_, i) => after + 1 + i))
          for (const entry of given) expect(entry).toBe(added.get(entry.seq))
          expect(given.length).toBeLessThanOrEqual(128)
          chars = Math.max(
            chars,
            given.reduce((sum, { payload }) => sum + payload.length, 0),
          )
        }
        expect(chars).toBeLessThanOrEqual(64 * 1024)
      }
    }),
  )
})
