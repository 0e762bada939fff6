import { newId } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LaneState } from '../log/progress.js'
import { type LaneKey, replayLane, webhookTarget } from '../log/target.js'
import { Lane } from './lane.js'
import { LaneSet } from './lane-set.js'

const target = webhookTarget(newId())
const keys: LaneKey[] = [target, webhookTarget(newId()), replayLane(3, target)]
const now = new Date('2026-11-22T08:00:00Z')
const after = (ms: number): Date => new Date(now.getTime() + ms)
const laneOf = (key: LaneKey, state: Partial<LaneState> = {}): Lane => new Lane(1, key, { done: 0, ...state })

const key = fc.constantFrom(...keys)
const step = fc.oneof(
  fc.record({ do: fc.constant('open' as const), key, done: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constantFrom('close', 'advance', 'retry' as const), key }),
  fc.constant({ do: 'save' as const }),
)

test('after each save the store has the lanes as they are, whatever it had before', () => {
  fc.assert(
    fc.property(fc.uniqueArray(key), fc.array(step, { maxLength: 100 }), (known, steps) => {
      const stored = new Map<LaneKey, LaneState>(
        known.map((key) => [key, { done: 1, attempt: 2, error: 'no' }]),
      )
      const lanes = new LaneSet()
      const open = new Map<LaneKey, Lane>()
      const add = (lane: Lane, isStored: boolean): void => {
        lanes.add(lane, isStored)
        open.set(lane.key, lane)
      }
      for (const [key, state] of stored) add(laneOf(key, state), true)
      for (const each of [...steps, { do: 'save' as const }]) {
        const lane = 'key' in each ? open.get(each.key) : undefined
        if (each.do === 'open' && !lane) add(laneOf(each.key, { done: each.done }), false)
        else if (each.do === 'close' && lane) {
          lanes.delete(lane)
          open.delete(lane.key)
        } else if (each.do === 'advance') lane?.advance(lane.done + 1)
        else if (each.do === 'retry' && lane) {
          lane.attempt += 1
          lane.isDirty = true
        } else if (each.do === 'save') {
          for (const [key, state] of Object.entries(lanes.takeChanges()) as [LaneKey, LaneState | null][]) {
            if (state) stored.set(key, state)
            else stored.delete(key)
          }
          expect(new Map([...stored].sort())).toEqual(
            new Map([...open].map(([key, { state }]) => [key, state] as const).sort()),
          )
        }
      }
    }),
  )
})

test('the next time is that of the first lane, and now for a lane that may go', () => {
  const lanes = new LaneSet()
  expect(lanes.nextAt(now)).toBe(null)
  lanes.add(laneOf(target, { blockedUntil: after(60) }), true)
  lanes.add(laneOf(keys[1] ?? target, { blockedUntil: after(30) }), true)
  expect(lanes.nextAt(now)).toEqual(after(30))
  expect(lanes.readyAt).toEqual(after(30))
  lanes.add(laneOf(replayLane(3, target)), true)
  expect(lanes.nextAt(now)).toEqual(now)
  expect(lanes.readyAt).toEqual(after(30))
})

test('a lane is blocked by its schedule and by its target, whichever is longer', () => {
  const lane = laneOf(target, { blockedUntil: after(30) })
  expect(lane.readyAt).toEqual(after(30))
  lane.heldUntil = after(60)
  expect(lane.readyAt).toEqual(after(60))
  lane.heldUntil = after(10)
  expect(lane.readyAt).toEqual(after(30))
  lane.advance(1)
  expect(lane.readyAt).toEqual(after(10))
})
