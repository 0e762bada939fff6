import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ClientMemory } from './client-memory.js'
import { TargetGate } from './target-gate.js'

const limits = { items: 3, bytes: 100, failures: 2, pauseMs: 1000, maxPauseMs: 3000 }
const start = new Date('2026-11-22T08:00:00Z')
const after = (ms: number): Date => new Date(start.getTime() + ms)

describe('as a bound on what is under way', () => {
  test('lets in as many as there is room for', () => {
    const gate = new TargetGate(limits, new ClientMemory())
    expect(Array.from({ length: 4 }, () => gate.admit(1, false, start))).toEqual(['go', 'go', 'go', 'wait'])
    gate.freeRoom(1, false)
    expect(gate.admit(1, false, start)).toBe('go')
  })

  test('lets in as much as there is room for, and one of any size alone', () => {
    const gate = new TargetGate(limits, new ClientMemory())
    expect(gate.admit(1000, false, start)).toBe('go')
    expect(gate.admit(1, false, start)).toBe('wait')
    gate.freeRoom(1000, false)
    expect(gate.admit(60, false, start)).toBe('go')
    expect(gate.admit(60, false, start)).toBe('wait')
  })

  test('calls waiting lanes in order, each once, and not those that left', () => {
    const gate = new TargetGate(limits, new ClientMemory())
    const woken: number[] = []
    gate.admit(1, false, start)
    gate.joinQueue(() => woken.push(1))
    const leave = gate.joinQueue(() => woken.push(2))
    gate.joinQueue(() => woken.push(3))
    leave()
    gate.freeRoom(1, false)
    expect(woken).toEqual([1])
    gate.passOn()
    expect(woken).toEqual([1, 3])
    gate.passOn()
    gate.admit(1, false, start)
    gate.freeRoom(1, false)
    expect(woken).toEqual([1, 3])
  })
})

test('a lane that found no room is not called again before room is freed', () => {
  const gate = new TargetGate(limits, new ClientMemory())
  let calls = 0
  const ask = (): void => {
    calls += 1
    if (gate.admit(80, false, start) === 'wait') gate.joinQueue(ask)
    gate.passOn()
  }
  gate.admit(40, false, start)
  gate.admit(10, false, start)
  ask()
  expect(calls).toBe(1)
  gate.freeRoom(10, false)
  expect(calls).toBe(2)
  gate.freeRoom(40, false)
  expect(calls).toBe(3)
})

test('a lane that waits behind others is called in its turn without more free room, and every lane if nothing is under way', () => {
  const gate = new TargetGate({ ...limits, items: 8 }, new ClientMemory())
  const called: number[] = []
  for (let i = 0; i < 4; i += 1) gate.admit(1, false, start)
  expect(gate.hasQueue).toBe(false)
  gate.joinQueue(() => called.push(1))
  expect(gate.hasQueue).toBe(true)
  gate.joinQueue(() => called.push(2), false)
  gate.joinQueue(() => called.push(3))
  gate.freeRoom(1, false)
  gate.passOn()
  expect(called).toEqual([1, 2])
  gate.joinQueue(() => called.push(4))
  gate.passOn()
  gate.passOn()
  expect(called).toEqual([1, 2, 3])
  for (let i = 0; i < 3; i += 1) gate.freeRoom(1, false)
  expect(called).toEqual([1, 2, 3, 4])
})

describe('as a circuit breaker', () => {
  test('consecutive failures open the circuit, for longer each time, up to a limit', () => {
    const gate = new TargetGate(limits, new ClientMemory())
    expect(gate.failed(start)).toBe(false)
    expect(gate.failed(start)).toBe(true)
    expect(gate.admit(1, false, start)).toEqual({ until: after(1000) })
    expect(gate.failed(after(1000))).toBe(true)
    expect(gate.admit(1, false, after(1000))).toEqual({ until: after(3000) })
    expect(gate.failed(after(3000))).toBe(true)
    expect(gate.admit(1, false, after(3000))).toEqual({ until: after(6000) })
  })

  test('a failure of an entry under way does not extend the pause', () => {
    const gate = new TargetGate(limits, new ClientMemory())
    gate.failed(start)
    gate.failed(start)
    expect(gate.failed(after(500))).toBe(false)
    expect(gate.admit(1, false, after(1000))).toBe('probe')
  })

  test('an overdue entry may go while the circuit is open', () => {
    const gate = withOpenCircuit()
    expect(gate.admit(1, true, start)).toBe('go')
  })

  test('lets one entry probe, the others wait', () => {
    const gate = withOpenCircuit()
    expect(gate.admit(1, false, after(1000))).toBe('probe')
    expect(gate.admit(1, false, after(1000))).toBe('wait')
    expect(gate.succeeded(after(1001))).toBe(true)
    expect(gate.admit(1, false, after(1001))).toBe('go')
    expect(gate.succeeded(after(1001))).toBe(false)
  })

  test('a probe without a result is followed by another one, even if something else is under way', () => {
    const gate = withOpenCircuit()
    let woken = 0
    expect(gate.admit(1, true, after(1000))).toBe('go')
    expect(gate.admit(1, false, after(1000))).toBe('probe')
    const wake = (): void => {
      woken += 1
      gate.passOn()
    }
    for (let i = 0; i < 20; i += 1) gate.joinQueue(() => wake())
    gate.freeRoom(1, true)
    expect(woken).toBe(20)
    expect(gate.admit(1, false, after(1000))).toBe('probe')
  })

  test('a success does not end a pause that the target asked for', () => {
    const gate = new TargetGate(limits, new ClientMemory())
    expect(gate.pause(after(5000), start)).toBe(true)
    expect(gate.pause(after(4000), start)).toBe(false)
    expect(gate.succeeded(after(100))).toBe(false)
    expect(gate.admit(1, false, after(4999))).toEqual({ until: after(5000) })
    expect(gate.admit(1, false, after(5000))).toBe('probe')
    expect(gate.succeeded(after(5001))).toBe(true)
  })

  test('is quiet if no state is worth keeping, even after failures', () => {
    const gate = withOpenCircuit()
    expect(gate.isQuiet(start)).toBe(false)
    expect(gate.isQuiet(after(1000))).toBe(true)
    gate.admit(1, false, after(1000))
    expect(gate.isQuiet(after(1000))).toBe(false)
    const leave = gate.joinQueue(() => undefined)
    gate.freeRoom(1, true)
    leave()
    expect(gate.isQuiet(after(1000))).toBe(true)
  })
})

const event = fc.constantFrom('ask', 'succeed', 'fail', 'pause', 'vanish', 'pass' as const)

test('in every sequence, the bounds hold, at most one entry probes, and no lane waits forever', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ event, bytes: fc.integer({ min: 1, max: 150 }) }), { maxLength: 200 }),
      (steps) => {
        const gate = new TargetGate(limits, new ClientMemory())
        const underway: { bytes: number; isProbe: boolean }[] = []
        let waiting = 0
        let ms = 0
        const ask = (bytes: number): void => {
          const admission = gate.admit(bytes, false, after(ms))
          if (admission === 'wait') {
            waiting += 1
            gate.joinQueue(() => {
              waiting -= 1
              gate.passOn()
            })
          } else if (admission === 'go' || admission === 'probe')
            underway.push({ bytes, isProbe: admission === 'probe' })
          else expect(admission.until.getTime()).toBeGreaterThan(after(ms).getTime())
        }
        for (const { event, bytes } of steps) {
          if (event === 'ask') ask(bytes)
          else if (event === 'pass') ms += 10 * bytes
          else {
            const one = underway.shift()
            if (!one) continue
            gate.freeRoom(one.bytes, one.isProbe)
            if (event === 'succeed') gate.succeeded(after(ms))
            else if (event === 'fail') gate.failed(after(ms))
            else if (event === 'pause') gate.pause(after(ms + 10 * bytes), after(ms))
          }
          expect(underway.length).toBeLessThanOrEqual(limits.items)
          if (underway.length > 1) {
            expect(underway.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(limits.bytes)
          }
          expect(underway.filter(({ isProbe }) => isProbe).length).toBeLessThanOrEqual(1)
          if (underway.length === 0) expect(waiting).toBe(0)
        }
      },
    ),
  )
})

/** A gate whose circuit has just opened. */
function withOpenCircuit(): TargetGate {
  const gate = new TargetGate(limits, new ClientMemory())
  gate.failed(start)
  gate.failed(start)
  return gate
}

test('a lane that waits while nothing is under way is called at once, because nothing else would call it', () => {
  const gate = new TargetGate({ ...limits, items: 2 }, new ClientMemory())
  let calls = 0
  gate.joinQueue(() => {
    calls += 1
  }, false)
  expect(calls).toBe(1)
})

describe('the room of one client, over all its targets', () => {
  const KB = 1024
  const wide = { ...limits, items: 4, bytes: 300 * KB }
  const gatesOf = (maxBytes: number, count: number) => {
    const room = new ClientMemory(maxBytes)
    return Array.from({ length: count }, () => new TargetGate(wide, room))
  }

  test('is shared, and a small entry may always be the only one under way to its target', () => {
    const [a, b, c] = gatesOf(200 * KB, 3) as [TargetGate, TargetGate, TargetGate]
    expect(a.admit(150 * KB, false, start)).toBe('go')
    expect(b.admit(100 * KB, false, start)).toBe('wait')
    expect(b.admit(10 * KB, false, start)).toBe('go')
    expect(b.admit(100 * KB, false, start)).toBe('wait')
    expect(c.admit(16 * KB, false, start)).toBe('go')
  })

  test('calls a lane of another target when room is free, in the order in which they came', () => {
    const [a, ...others] = gatesOf(200 * KB, 4) as [TargetGate, ...TargetGate[]]
    const called: number[] = []
    a.admit(200 * KB, false, start)
    others.forEach((gate, i) => {
      expect(gate.admit(100 * KB, false, start)).toBe('wait')
      gate.joinQueue(() => {
        called.push(i)
        gate.admit(100 * KB, false, start)
        gate.passOn()
      })
    })
    expect(called).toEqual([])
    a.freeRoom(200 * KB, false)
    // The third is called too, and finds no room.
    expect(called.slice(0, 2)).toEqual([0, 1])
  })

  test('in every sequence, it holds what it may, and no lane waits forever', () => {
    const step = fc.record({
      gate: fc.nat(3),
      bytes: fc.integer({ min: 1, max: 150 * KB }),
      asks: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const gates = gatesOf(200 * KB, 4)
        const underway: { gate: TargetGate; bytes: number }[] = []
        let waiting = 0
        const ask = (gate: TargetGate, bytes: number): void => {
          if (gate.admit(bytes, false, start) === 'go') underway.push({ gate, bytes })
          else {
            waiting += 1
            gate.joinQueue(() => {
              waiting -= 1
              ask(gate, bytes)
              gate.passOn()
            })
          }
        }
        const end = (): void => {
          const one = underway.shift()
          one?.gate.freeRoom(one.bytes, false)
        }
        for (const { gate, bytes, asks } of steps) {
          if (asks) ask(gates[gate] as TargetGate, bytes)
          else end()
          const sum = underway.reduce((total, { bytes }) => total + bytes, 0)
          expect(sum).toBeLessThanOrEqual(200 * KB + gates.length * 16 * KB)
        }
        while (underway.length > 0) end()
        expect(waiting).toBe(0)
      }),
    )
  })
})
