import { beforeEach, describe, expect, test } from 'vitest'
import { DeadGenerations, Outstanding } from './outstanding.js'

describe('Outstanding', () => {
  let outstanding: Outstanding
  beforeEach(() => {
    outstanding = new Outstanding()
  })
  const push = (lane: number, generation: number, ...seqs: number[]) =>
    outstanding.pushed(
      lane,
      generation,
      seqs.map((seq) => ({ seq, id: `msg_${seq}`, body: '' })),
    )

  test('names the first item of each lane that has not been reported, once', () => {
    push(1, 1, 1, 2, 3)
    push(2, 7, 5)
    push(3, 1, 1, 2)
    outstanding.delivered(1, 1, 2)
    outstanding.delivered(3, 1, 2)
    expect(outstanding.takeAll().heads).toEqual([
      { lane: 1, generation: 1, seq: 3 },
      { lane: 2, generation: 7, seq: 5 },
    ])
    expect(outstanding.takeAll().heads).toEqual([])
  })

  test('names the first of each generation, since one may be in flight while the other waits', () => {
    push(1, 1, 1, 2)
    push(1, 2, 1)
    expect(outstanding.takeAll().heads.map(({ generation, seq }) => [generation, seq])).toEqual([
      [1, 1],
      [2, 1],
    ])
  })

  test('drops a generation that has failed, and those that a later delivery proves replaced', () => {
    push(1, 1, 1, 2)
    push(1, 2, 1)
    outstanding.ended(1, 1)
    push(2, 1, 1, 2)
    push(2, 2, 1, 2)
    outstanding.delivered(2, 2, 1)
    expect(outstanding.takeAll().heads).toEqual([
      { lane: 1, generation: 2, seq: 1 },
      { lane: 2, generation: 2, seq: 2 },
    ])
  })

  test('keeps what a cancel may have left in flight until the cancel is confirmed', () => {
    push(1, 1, 1, 2)
    outstanding.cancelling(1, 1)
    push(1, 1, 2)
    outstanding.delivered(1, 1, 1)
    outstanding.cancelled(1)
    expect(outstanding.takeAll().heads).toEqual([{ lane: 1, generation: 1, seq: 2 }])
  })

  test('names the lanes of cancels that were not confirmed', () => {
    push(3, 1, 1)
    outstanding.cancelling(3, 1)
    outstanding.delivered(3, 1, 1)
    expect(outstanding.takeAll()).toEqual({ heads: [], cancels: [{ lane: 3, generation: 1 }] })
  })

  test('knows the lanes that have something outstanding', () => {
    expect(outstanding.has(1)).toBe(false)
    push(1, 1, 1)
    outstanding.cancelling(1, 1)
    outstanding.delivered(1, 1, 1)
    expect(outstanding.has(1)).toBe(true)
    outstanding.cancelled(1)
    expect(outstanding.has(1)).toBe(false)
  })
})

describe('DeadGenerations', () => {
  test('knows a dead generation and all before it, until a higher one revives the lane', () => {
    const dead = new DeadGenerations()
    dead.add(1, 5)
    expect([4, 5].map((generation) => dead.has(1, generation))).toEqual([true, true])
    expect(dead.has(2, 5)).toBe(false)
    expect(dead.has(1, 6)).toBe(false)
    expect(dead.has(1, 6)).toBe(false)
  })

  test('forgets the oldest failure when there are too many', () => {
    const dead = new DeadGenerations(2)
    for (const lane of [1, 2, 1, 3]) dead.add(lane, 1)
    expect([1, 2, 3].map((lane) => dead.has(lane, 1))).toEqual([true, false, true])
  })
})
