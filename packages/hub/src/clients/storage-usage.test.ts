import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClientView } from './directory.js'
import { Usage } from './storage-usage.js'

const log = { debug() {}, info() {}, warn() {}, error() {} }

/** The numbers of a store, which may be out of reach. */
class Numbers {
  isBroken = false
  readonly sums = new Map<Id, number>()

  async increment(clientId: Id, _: string, by = 1): Promise<number> {
    if (this.isBroken) throw new Error('out of reach')
    const sum = (this.sums.get(clientId) ?? 0) + by
    this.sums.set(clientId, sum)
    return sum
  }
}

const clientOf = (maxStoredBytes?: number): ClientView => {
  const id = newId()
  const record = {
    ...{ id, version: 1, createdAt: new Date(), tokens: [], integrations: [], webhooks: [] },
    ...(maxStoredBytes !== undefined && { maxStoredBytes }),
  }
  return { id, record, webhooks: [], integrations: new Map() }
}

const usageOf = (store: Numbers, maxBytes = 100) => new Usage({ store, maxBytes, maxCached: 10, log })

const full = expect.objectContaining({ code: 'NO_SPACE' })

describe('what a client keeps', () => {
  test('is taken up to the limit, and no byte further', async () => {
    const [usage, client] = [usageOf(new Numbers()), clientOf()]
    await usage.take(client, 60)
    await usage.take(client, 40)
    await expect(async () => usage.take(client, 1)).rejects.toEqual(full)
    usage.add(client.id, -1)
    await usage.take(client, 1)
    await expect(async () => usage.take(client, 1)).rejects.toEqual(full)
  })

  test('has the limit of its record, and 0 is no limit', async () => {
    const usage = usageOf(new Numbers())
    const [own, free] = [clientOf(10), clientOf(0)]
    await expect(async () => usage.take(own, 11)).rejects.toEqual(full)
    for (let i = 0; i < 100; i += 1) await usage.take(free, 1_000_000)
  })

  test('needs no wait where there is no limit, or the sum is known', async () => {
    const [usage, client] = [usageOf(new Numbers(), 0), clientOf(100)]
    expect(usage.take(clientOf(), 5)).toBeUndefined()
    await usage.take(client, 1)
    expect(usage.take(client, 1)).toBeUndefined()
  })

  test('is the same for another process, once it was written', async () => {
    const store = new Numbers()
    const [here, there, client] = [usageOf(store), usageOf(store), clientOf()]
    await here.take(client, 90)
    await here.flush()
    await expect(async () => there.take(client, 20)).rejects.toEqual(full)
    here.add(client.id, -50)
    await here.flush()
    await there.flush()
    await there.take(client, 20)
  })

  test('is counted further while the store is out of reach, and written once', async () => {
    const store = new Numbers()
    const [usage, client] = [usageOf(store), clientOf()]
    await usage.take(client, 10)
    await usage.flush()
    store.isBroken = true
    await usage.take(client, 20)
    await usage.flush()
    await expect(async () => usage.take(client, 71)).rejects.toEqual(full)
    store.isBroken = false
    await usage.flush()
    expect(store.sums.get(client.id)).toBe(30)
  })

  test('adds up, whatever comes in between', async () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: -50, max: 50 }), fc.constant('flush' as const)))
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const store = new Numbers()
        const [usage, client] = [usageOf(store, 0), clientOf()]
        const flushes: Promise<void>[] = []
        let sum = 0
        for (const step of given) {
          if (step === 'flush') flushes.push(usage.flush())
          else {
            usage.add(client.id, step)
            sum += step
          }
        }
        await Promise.all(flushes)
        await usage.flush()
        expect(store.sums.get(client.id) ?? 0).toBe(sum)
      }),
    )
  })
})
