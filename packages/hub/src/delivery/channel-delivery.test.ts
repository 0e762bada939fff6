import { type Failure, newId, type Part, silentLogger } from '@plugboard/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { Channels, type Runtime } from '../channels.js'
import { channelDelivery, type EndpointAddress, type EndpointItem } from './channel-delivery.js'
import type { DeliveryFailure } from './transport.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('delivers each part once, in order, each with an id of its own, and tells of those on the way', async () => {
  const { carry, calls } = setUp({ parts: 3 })
  expect(await carry()).toBe(undefined)
  expect(calls).toEqual([
    'part 0 delivery_0',
    'progress 1',
    'part 1 delivery_1',
    'progress 2',
    'part 2 delivery_2',
  ])
})

test('an entry of one part has the id of the delivery', async () => {
  const { carry, calls } = setUp({ parts: 1 })
  expect(await carry()).toBe(undefined)
  expect(calls).toEqual(['part 0 delivery'])
})

test('goes on after the parts that have arrived, and says how many have when it fails', async () => {
  const { carry, calls } = setUp({ parts: 3, failAt: 2 })
  expect(await carry({ part: 1 })).toEqual({ kind: 'recipient', message: 'blocked', parts: 2 })
  expect(calls).toEqual(['part 1 delivery_1', 'progress 2', 'part 2 delivery_2'])
})

test('content that comes to nothing is never sent', async () => {
  const { carry } = setUp({ parts: 0 })
  expect(await carry()).toMatchObject({ kind: 'invalid' })
})

test('a channel that heeds its signal ends in time, and says itself what that meant', async () => {
  const { carry } = setUp({
    parts: 1,
    deliver: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    classify: (error) => ({ kind: 'ambiguous', message: (error as Error).name }),
  })
  expect(await inTime(carry(), 1000)).toEqual({ kind: 'ambiguous', message: 'TimeoutError', parts: 0 })
})

test('a channel that does not heed its signal is given up, and so is one that does not load', async () => {
  const never = (): Promise<never> => new Promise(() => undefined)
  for (const stuck of [
    { parts: 1, deliver: never },
    { parts: 1, load: never },
  ]) {
    expect(await inTime(setUp(stuck).carry(), 2000)).toMatchObject({ kind: 'ambiguous' })
  }
})

test('a process that goes down ends what is under way', async () => {
  const controller = new AbortController()
  const { carry } = setUp({ parts: 1, deliver: () => new Promise(() => undefined) })
  const carried = carry({}, controller.signal)
  controller.abort()
  expect(await inTime(carried, 1000)).toMatchObject({ kind: 'ambiguous' })
})

test('a channel that cannot be loaded, or cannot say what went wrong, is tried again', async () => {
  const fail = (): never => {
    throw new Error('broken')
  }
  expect(await setUp({ parts: 1, load: async () => fail() }).carry()).toMatchObject({ kind: 'transient' })
  expect(await setUp({ parts: 1, failAt: 0, classify: fail }).carry()).toMatchObject({ kind: 'ambiguous' })
  expect(await setUp({ parts: 1, render: fail }).carry()).toMatchObject({ kind: 'recipient' })
})

test('leaves no timer behind', async () => {
  await setUp({ parts: 3 }).carry()
  expect(vi.getTimerCount()).toBe(0)
})

interface Script extends Partial<Runtime> {
  parts: number
  failAt?: number
  load?: () => Promise<never>
}

function setUp({ parts, failAt, load, ...more }: Script) {
  const calls: string[] = []
  const runtime: Partial<Runtime> = {
    render: () => Array.from({ length: parts }, (_, i): Part => ({ call: 'send', args: i })),
    deliver: async ({ args }, { deliveryId }) => {
      calls.push(`part ${args} ${deliveryId}`)
      if (args === failAt) throw new Error('blocked')
      return { providerMessageIds: [] }
    },
    classify: (error): Failure => ({ kind: 'recipient', message: (error as Error).message }),
    ...more,
  }
  const channel = acmeChannel(runtime, load)
  const channels = new Channels({ channels: [{ channel }], log: silentLogger, fetch, maxSessions: 10 })
  const integration = {
    id: newId(),
    channel: 'acme',
    version: '1.0.0',
    config: {},
    status: 'active' as const,
  }
  const address: EndpointAddress = {
    clientId: newId(),
    integration,
    endpoint: { identity: '*', sender: 'ada', thread: '*' },
    webhookUrl: 'https://hub.example/webhooks/v1/client/acme',
  }
  const deliver = channelDelivery({ channels, timeoutMs: 1000 })
  return {
    calls,
    carry: (item: Partial<EndpointItem> = {}, signal = new AbortController().signal) =>
      deliver(
        address,
        { seq: 1, id: 'delivery', payload: '{"type":"text","text":"hi"}', part: 0, ...item },
        signal,
        (n) => calls.push(`progress ${n}`),
      ),
  }
}

/** What comes of it when so much time has passed. */
async function inTime(
  carried: Promise<DeliveryFailure | undefined>,
  ms: number,
): Promise<DeliveryFailure | undefined> {
  await vi.advanceTimersByTimeAsync(ms)
  return carried
}
