import { beforeEach, describe, expect, test } from 'vitest'
import { UnreportedItems } from './unreported-items.js'

describe('UnreportedItems', () => {
  let items: UnreportedItems
  beforeEach(() => {
    items = new UnreportedItems()
  })
  const push = (lane: number, generation: number, ...seqs: number[]) =>
    items.pushed(
      lane,
      generation,
      seqs.map((seq) => ({ seq, id: `msg_${seq}`, body: '' })),
    )

  test('names the first item of each lane that has not been reported, once', () => {
    push(1, 1, 1, 2, 3)
    push(2, 7, 5)
    push(3, 1, 1, 2)
    items.delivered(1, 1, 2)
    items.delivered(3, 1, 2)
    expect(items.takeAll().heads).toEqual([
      { lane: 1, generation: 1, seq: 3 },
      { lane: 2, generation: 7, seq: 5 },
    ])
    expect(items.takeAll().heads).toEqual([])
  })

  test('names the first of each generation, since one may be in flight while the other waits', () => {
    push(1, 1, 1, 2)
    push(1, 2, 1)
    expect(items.takeAll().heads.map(({ generation, seq }) => [generation, seq])).toEqual([
      [1, 1],
      [2, 1],
    ])
  })

  test('drops a generation that has failed, and those that a later delivery proves replaced', () => {
    push(1, 1, 1, 2)
    push(1, 2, 1)
    items.ended(1, 1)
    push(2, 1, 1, 2)
    push(2, 2, 1, 2)
    items.delivered(2, 2, 1)
    expect(items.takeAll().heads).toEqual([
      { lane: 1, generation: 2, seq: 1 },
      { lane: 2, generation: 2, seq: 2 },
    ])
  })

  test('keeps what a cancel may have left in flight until the cancel is confirmed', () => {
    push(1, 1, 1, 2)
    items.cancelling(1, 1)
    push(1, 1, 2)
    items.delivered(1, 1, 1)
    items.cancelled(1)
    expect(items.takeAll().heads).toEqual([{ lane: 1, generation: 1, seq: 2 }])
  })

  test('names the lanes of cancels that were not confirmed', () => {
    push(3, 1, 1)
    items.cancelling(3, 1)
    items.delivered(3, 1, 1)
    expect(items.takeAll()).toEqual({ heads: [], cancels: [{ lane: 3, generation: 1 }] })
  })

  test('knows the lanes that have something items', () => {
    expect(items.has(1)).toBe(false)
    push(1, 1, 1)
    items.cancelling(1, 1)
    items.delivered(1, 1, 1)
    expect(items.has(1)).toBe(true)
    items.cancelled(1)
    expect(items.has(1)).toBe(false)
  })
})
