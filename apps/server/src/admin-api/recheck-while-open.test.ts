import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { whileOpen } from './recheck-while-open.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

class Answer extends EventEmitter {
  closed = false
  destroy = vi.fn(() => {
    this.closed = true
    this.emit('close')
  })
}

const open = (answer: Answer, may: () => boolean) => {
  const mayGoOn = vi.fn(async () => may())
  whileOpen(answer as unknown as ServerResponse, 1000, mayGoOn)
  return mayGoOn
}

test('an answer is cut when it may no longer go on, and is asked about no more', async () => {
  const answer = new Answer()
  let may = true
  const asked = open(answer, () => may)
  await vi.advanceTimersByTimeAsync(2500)
  expect(answer.destroy).not.toHaveBeenCalled()
  may = false
  await vi.advanceTimersByTimeAsync(5000)
  expect(answer.destroy).toHaveBeenCalledOnce()
  expect(asked).toHaveBeenCalledTimes(3)
})

test('nothing is asked about an answer whose caller went before it began', async () => {
  const answer = new Answer()
  answer.closed = true
  const asked = open(answer, () => true)
  await vi.advanceTimersByTimeAsync(5000)
  expect(asked).not.toHaveBeenCalled()
})
