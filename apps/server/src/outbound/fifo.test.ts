import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from './fifo.js'

test('behaves as an array does', () => {
  const steps = fc.array(
    fc.oneof(fc.constant('shift' as const), fc.constant('clear' as const), fc.nat(3_000)),
  )
  fc.assert(
    fc.property(steps, (sequence) => {
      const fifo = new Fifo<number>()
      const model: number[] = []
      for (const step of sequence) {
        if (step === 'clear') {
          fifo.clear()
          model.length = 0
        } else if (step === 'shift') {
          for (let i = 0; i < 700; i++) expect(fifo.shift()).toBe(model.shift())
        } else {
          for (let i = 0; i < step; i++) {
            fifo.push(i)
            model.push(i)
          }
        }
        expect([fifo.length, fifo.peek()]).toEqual([model.length, model[0]])
      }
    }),
    { numRuns: 30 },
  )
})
