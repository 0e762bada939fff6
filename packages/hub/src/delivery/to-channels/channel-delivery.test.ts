import {
  type Capabilities,
  type Failure,
  type JsonObject,
  newId,
  type Part,
  type Sent,
  silentLogger,
} from '@plugboard/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { acmeChannel } from '../../../test/support/acme-channel.js'
import { keyring } from '../../../test/support/clients.js'
import { Channels, type Runtime } from '../../channels/channels.js'
import { NO_STATE } from '../../channels/integration-states.js'
import { ButtonTokens } from './button-tokens.js'
import { channelDelivery, type EndpointItem } from './channel-delivery.js'
import type { EndpointAddress } from './endpoint-address.js'
import type { EndpointState } from './endpoint-states.js'
import { RateLimiter } from './rate-limiter.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('delivers each part once, in order, each with its own id, and reports each one', async () => {
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

test('continues after the delivered parts, and reports their number if it fails', async () => {
  const { carry, calls } = setUp({ parts: 3, failAt: 2 })
  expect(await carry({ part: 1 })).toEqual({ kind: 'recipient', message: 'blocked', parts: 2 })
  expect(calls).toEqual(['part 1 delivery_1', 'progress 2', 'part 2 delivery_2'])
})

test('content that comes to nothing is never sent', async () => {
  const { carry } = setUp({ parts: 0 })
  expect(await carry()).toMatchObject({ kind: 'invalid' })
})

test('a channel that reacts to its signal ends in time, and reports the outcome itself', async () => {
  const { carry } = setUp({
    parts: 1,
    deliver: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    classify: (error) => ({ kind: 'ambiguous', message: (error as Error).name }),
  })
  expect(await withTimeout(carry(), 1000)).toEqual({ kind: 'ambiguous', message: 'TimeoutError', parts: 0 })
})

test('a channel that ignores its signal is abandoned, and so is one that does not load', async () => {
  const never = (): Promise<never> => new Promise(() => undefined)
  for (const stuck of [
    { parts: 1, deliver: never },
    { parts: 1, load: never },
  ]) {
    expect(await withTimeout(setUp(stuck).carry(), 2000)).toMatchObject({ kind: 'ambiguous' })
  }
})

test('a process that stops ends what is under way', async () => {
  const controller = new AbortController()
  const { carry } = setUp({ parts: 1, deliver: () => new Promise(() => undefined) })
  const carried = carry({}, controller.signal)
  controller.abort()
  expect(await withTimeout(carried, 1000)).toMatchObject({ kind: 'ambiguous' })
})

test('a channel that cannot be loaded, or whose classify throws, is tried again', async () => {
  expect(await setUp({ parts: 1, load: async () => fail() }).carry()).toMatchObject({ kind: 'transient' })
  expect(await setUp({ parts: 1, failAt: 0, classify: () => fail() }).carry()).toMatchObject({
    kind: 'ambiguous',
  })
})

test.each<[string, () => unknown, string]>([
  ['throws', () => fail(), 'could not render this message (Error)'],
  ['throws nothing', () => fail(null), 'could not render this message (object)'],
  ['takes its time', () => Promise.reject(new Error('late')), 'did not render a list of parts'],
  ['makes no list', () => ({ call: 'send' }), 'did not render a list of parts'],
  ['makes something that is no part', () => [null], 'did not render a list of parts'],
  ['makes what is no JSON', () => [{ call: 'send', args: 1n }], 'could not render this message (TypeError)'],
  ['makes too many parts', () => Array(1001).fill({ call: 'send', args: 0 }), 'made more than 1000 parts'],
  [
    'makes too much',
    () => [{ call: 'send', args: 'x'.repeat(5_000_000) }],
    'made more than 4194304 characters of this message',
  ],
])(
  'a message of which the channel %s is never sent, nor tried again, and says why',
  async (_, render, why) => {
    const classify = (): Failure => ({ kind: 'transient', message: 'try again' })
    const { carry, calls } = setUp({ parts: 1, render: render as Runtime['render'], classify })
    expect(await carry()).toEqual({ kind: 'invalid', message: `the channel acme ${why}` })
    expect(calls).toEqual([])
  },
)

test('a channel may give its own reason why a message cannot be shown', async () => {
  const classify = (): Failure => ({ kind: 'invalid', message: 'the picture is too wide' })
  const { carry } = setUp({ parts: 1, render: () => fail(), classify })
  expect(await carry()).toEqual({ kind: 'invalid', message: 'the picture is too wide' })
})

test.each([
  ['nothing', undefined],
  ['an unknown kind', { kind: 'gone', message: 'x' }],
  ['no words', { kind: 'transient' }],
])('a channel that classifies as %s has failed in a way that passes', async (_, failure) => {
  const { carry } = setUp({ parts: 1, failAt: 0, classify: () => failure as Failure })
  expect(await carry()).toMatchObject({ kind: 'ambiguous' })
})

describe('a message that is tried again', () => {
  /** A channel that fails so often, and counts how often it renders. */
  function counting(failures: Failure[]) {
    let renders = 0
    const stage = setUp({
      parts: 1,
      render: () => {
        renders += 1
        return [{ call: 'send', args: renders }]
      },
      deliver: async () => {
        if (failures.length > 0) throw new Error('no')
        return { providerMessageIds: [] }
      },
      classify: () => failures.shift() ?? { kind: 'ambiguous', message: 'unknown' },
    })
    return { ...stage, renders: () => renders }
  }
  const no: Failure = { kind: 'transient', message: 'no' }

  test('is rendered once, however many attempts it takes', async () => {
    const { carry, renders } = counting([no, { kind: 'auth', message: 'no' }, no])
    for (const attempt of [0, 1, 2, 3]) await carry({ attempt })
    expect(renders()).toBe(1)
  })

  test('is rendered again if the content or the endpoint changed', async () => {
    const { carry, renders, address } = counting([no, no, no, no])
    await carry({ payload: '{"type":"text","text":"a"}' })
    await carry({ payload: '{"type":"text","text":"b"}' })
    expect(renders()).toBe(2)
    address.endpoint.thread = 'another'
    await carry({ payload: '{"type":"text","text":"b"}' })
    expect(renders()).toBe(3)
  })

  test('leaves nothing behind once it has arrived, or never will', async () => {
    const { carry, renders } = counting([no])
    await carry()
    await carry()
    await carry()
    expect(renders()).toBe(2)
    const dead = counting([no, { kind: 'recipient', message: 'gone' }])
    for (const _ of [1, 2, 3]) await dead.carry()
    expect(dead.renders()).toBe(2)
  })

  test('is rendered once even if it was withdrawn while it waited for its turn', async () => {
    let renders = 0
    const { carry, waiting } = setUp({
      parts: 2,
      capabilities: {
        content: 'any',
        maxTextLength: 9,
        rate: { perEndpoint: { perSecond: 0.001, burst: 1 } },
      },
      render: () => {
        renders += 1
        return [{ call: 'send', args: 0 }]
      },
    })
    await carry()
    const second = carry({ id: 'second' })
    await vi.advanceTimersByTimeAsync(0)
    waiting.abort()
    expect(await second).toBe('withdrawn')
    expect(await carry({ id: 'second' })).toBe('withdrawn')
    expect(renders).toBe(2)
  })
})

test('the value of a button is a token that works in this conversation only', async () => {
  const shown: JsonObject[] = []
  const choices = [{ title: 'M', value: 'secret-1' }]
  const { carry, tokens, address, messageId } = setUp({
    parts: 1,
    capabilities: {
      content: ['text', 'single-choice'],
      maxTextLength: 100,
      buttons: { max: 3, maxLabel: 20 },
    },
    render: (content) => {
      shown.push(content as JsonObject)
      return [{ call: 'send', args: content as JsonObject }]
    },
  })
  await carry({ payload: JSON.stringify({ type: 'single-choice', text: 'Size?', choices }) })
  const [choice] = (shown[0] as unknown as { choices: { value: string }[] }).choices
  expect(choice?.value).toMatch(/^[\w-]{40}$/)
  const { clientId } = address
  expect(tokens.open(choice?.value ?? '', clientId)).toEqual({ clientId, messageId, index: 0 })
  expect(tokens.open(choice?.value ?? '', newId())).toBe(undefined)
})

test('keeps to the rate of the provider, and a wait for it can be withdrawn', async () => {
  const rate = { perEndpoint: { perSecond: 1, burst: 1 } }
  const { carry, calls, waiting } = setUp({
    parts: 3,
    capabilities: { content: 'any', maxTextLength: 9, rate },
  })
  const carried = carry()
  await vi.advanceTimersByTimeAsync(0)
  expect(calls).toEqual(['part 0 delivery_0', 'progress 1'])
  await vi.advanceTimersByTimeAsync(1000)
  expect(calls.slice(2)).toEqual(['part 1 delivery_1', 'progress 2'])
  waiting.abort()
  expect(await carried).toBe('withdrawn')
  expect(vi.getTimerCount()).toBe(0)
})

test('keeps to the rate that an endpoint has', async () => {
  const { carry, calls } = setUp({
    parts: 3,
    capabilities: {
      ...{ content: 'any', maxTextLength: 9, rate: { perEndpoint: { perSecond: 0.1, burst: 1 } } },
      at: ({ sender }) => (sender === 'ada' ? { rate: {} } : {}),
    },
  })
  const carried = carry()
  await vi.advanceTimersByTimeAsync(0)
  expect(await carried).toBe(undefined)
  expect(calls.filter((call) => call.startsWith('part'))).toHaveLength(3)
})

test('sends a few parts at once after a silence, then keeps to the pace', async () => {
  const rate = { perEndpoint: { perSecond: 1, burst: 3 } }
  const { carry, calls } = setUp({ parts: 1, capabilities: { content: 'any', maxTextLength: 9, rate } })
  const carried = [1, 2, 3, 4].map((n) => carry({ id: `${n}` }))
  // On a slow machine a delivery yields to others between its steps.
  for (let turn = 0; turn < 10; turn += 1) await vi.advanceTimersByTimeAsync(0)
  expect(calls).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(999)
  expect(calls).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(1)
  expect(calls).toHaveLength(4)
  await Promise.all(carried)
})

test.each([
  ['endpoint', 'perEndpoint'],
  ['integration', 'perIntegration'],
] as const)(
  'sends nothing to an %s that asked to wait, in any lane, and then no burst',
  async (scope, limit) => {
    let isLimited = true
    const sent: number[] = []
    const { carry } = setUp({
      parts: 1,
      capabilities: { content: 'any', maxTextLength: 9, rate: { [limit]: { perSecond: 1, burst: 3 } } },
      deliver: async () => {
        if (isLimited) throw new Error('429')
        sent.push(Date.now() - start)
        return { providerMessageIds: [] }
      },
      classify: () => ({ kind: 'rate-limited', scope, message: 'slow down', retryAfterMs: 5000 }),
    })
    const start = Date.now()
    expect(await carry()).toMatchObject({ kind: 'rate-limited' })
    isLimited = false
    const carried = [1, 2].map((n) => carry({ id: `${n}` }))
    await vi.advanceTimersByTimeAsync(10_000)
    await Promise.all(carried)
    expect(sent).toEqual([5000, 6000])
  },
)

test('starts no part if the lease leaves too little time, and takes no turn of the provider', async () => {
  const pace = { perSecond: 1, burst: 1 }
  const rate = { perEndpoint: pace, perIntegration: pace }
  const { carry, calls } = setUp({ parts: 3, capabilities: { content: 'any', maxTextLength: 9, rate } })
  let leftMs = 1500
  const carried = carry({}, undefined, () => leftMs > 0)
  await vi.advanceTimersByTimeAsync(1000)
  leftMs = 0
  await vi.advanceTimersByTimeAsync(1000)
  expect(await carried).toBe('withdrawn')
  expect(calls).toEqual(['part 0 delivery_0', 'progress 1', 'part 1 delivery_1', 'progress 2'])
  const again = carry({ part: 2 })
  await vi.advanceTimersByTimeAsync(0)
  expect(await again).toBe(undefined)
})

test('a wait for the rate does not count towards the timeout of an attempt', async () => {
  const rate = { perIntegration: { perSecond: 0.1, burst: 1 } }
  const { carry, calls } = setUp({ parts: 2, capabilities: { content: 'any', maxTextLength: 9, rate } })
  expect(await withTimeout(carry(), 10_000)).toBe(undefined)
  expect(calls).toHaveLength(3)
})

test('shows typing before the first part of the first attempt, as long as the message wants', async () => {
  const typing = async (payload: object, item: Partial<EndpointItem> = {}, more: Partial<Script> = {}) => {
    const { carry, calls } = setUp({
      parts: 1,
      indicateTyping: async (_: unknown) => void calls.push('typing'),
      ...more,
    })
    const start = Date.now()
    const carried = carry({ payload: JSON.stringify({ type: 'text', text: 'hi', ...payload }), ...item })
    await vi.runAllTimersAsync()
    expect(await carried).toBe(undefined)
    return [calls.filter((call) => call === 'typing').length, Date.now() - start]
  }
  expect(await typing({ typing: true })).toEqual([1, 1000])
  expect(await typing({ typing: true, delay: 9000 })).toEqual([3, 9000])
  expect(await typing({ typing: true, delay: 60_000 })).toEqual([3, 10_000])
  expect(await typing({ typing: true, delay: 0 })).toEqual([1, 0])
  expect(await typing({ delay: 5000 })).toEqual([0, 0])
  expect(await typing({ typing: true }, { attempt: 1 })).toEqual([0, 0])
  const fails = { indicateTyping: () => Promise.reject(new Error('no')) }
  expect(await typing({ typing: true }, {}, fails)).toEqual([0, 1000])
})

describe('a channel that takes several parts in one call', () => {
  const capabilities: Capabilities = { content: 'any', maxTextLength: 100, batch: { max: 3 } }

  function batching(sizes: (number | Error)[], parts = 7, more: Partial<Script> = {}) {
    const groups: string[] = []
    const stage = setUp({
      ...{ parts, capabilities, ...more },
      deliverBatch: async (group, { deliveryId }) => {
        groups.push(`${group.map(({ args }) => args).join('')} ${deliveryId}`)
        const size = sizes.shift() ?? group.length
        if (size instanceof Error) throw size
        return group.slice(0, size).map(() => ({ providerMessageIds: [] }))
      },
    })
    return { ...stage, groups }
  }

  test('gets groups, and the last part alone, and each group is one step of the progress', async () => {
    const { carry, calls, groups } = batching([])
    expect(await carry()).toBe(undefined)
    expect(groups).toEqual(['012 delivery_0', '345 delivery_3'])
    expect(calls).toEqual(['progress 3', 'progress 6', 'part 6 delivery_6'])
  })

  test('gets the same group with the same id again after a failure', async () => {
    const { carry, groups } = batching([3, new Error('blocked')], 6)
    expect(await carry()).toMatchObject({ kind: 'recipient', parts: 3 })
    expect(await carry({ part: 3, attempt: 1 })).toBe(undefined)
    expect(groups).toEqual(['012 delivery_0', '345 delivery_3', '345 delivery_3'])
  })

  test('gets what it has not accepted in the next call', async () => {
    const { carry, calls, groups } = batching([1, 2, new Error('blocked')], 4)
    expect(await carry()).toBe(undefined)
    expect(groups).toEqual(['012 delivery_0', '123 delivery_1'])
    expect(calls).toEqual(['progress 1', 'progress 3', 'part 3 delivery_3'])
    const refused = batching([1, new Error('blocked')], 3)
    expect(await refused.carry()).toEqual({ kind: 'recipient', message: 'blocked', parts: 1 })
  })

  test.each([
    ['accepts nothing and throws nothing', []],
    ['reports no list', 'sent'],
  ])('and %s has failed in a way that passes', async (_, sent) => {
    const { carry } = setUp({ parts: 3, capabilities, deliverBatch: async () => sent as Sent[] })
    expect(await carry()).toEqual({
      kind: 'ambiguous',
      message: 'the channel acme did not report which parts were sent',
      parts: 0,
    })
  })

  test('that says it sent more than it got has sent the group', async () => {
    const { carry, calls } = setUp({
      ...{ parts: 4, capabilities },
      deliverBatch: async () => Array<Sent>(9).fill({ providerMessageIds: [] }),
    })
    expect(await carry()).toBe(undefined)
    expect(calls).toEqual(['progress 3', 'part 3 delivery_3'])
  })

  test('spends one turn of its pace on a group', async () => {
    const rate = { perEndpoint: { perSecond: 1, burst: 2 } }
    const { carry, groups } = batching([], 6, { capabilities: { ...capabilities, rate } })
    const start = Date.now()
    expect(await carry()).toBe(undefined)
    expect([groups.length, Date.now() - start]).toEqual([2, 0])
  })

  test('without `deliverBatch` gets one part after the other', async () => {
    const { carry, calls } = setUp({ parts: 2, capabilities })
    expect(await carry()).toBe(undefined)
    expect(calls).toEqual(['part 0 delivery_0', 'progress 1', 'part 1 delivery_1'])
  })
})

test('content is shown as the endpoint can show it', async () => {
  const capabilities: Capabilities = {
    ...{ content: ['text', 'single-choice'], maxTextLength: 100, buttons: { max: 3, maxLabel: 20 } },
    at: ({ sender }) => (sender === 'ada' ? { content: ['text'], maxTextLength: 10 } : {}),
  }
  const said: unknown[] = []
  const render: Runtime['render'] = (content) => {
    said.push(content)
    return [{ call: 'send', args: null }]
  }
  const payload = JSON.stringify({ type: 'text', text: 'Well?', choices: [{ title: 'Yes', value: 'y' }] })
  expect(await setUp({ parts: 1, capabilities, render }).carry({ payload })).toBe(undefined)
  expect(said).toEqual([
    { type: 'text', text: 'Well?' },
    { type: 'text', text: '1. Yes' },
  ])
})

describe('a channel with a reply window', () => {
  const window = { hours: 24, allows: 'approved templates' }
  const capabilities: Capabilities = { content: ['text', 'template'], maxTextLength: 100, window }
  const at = (hoursAgo: number) => new Date(Date.now() - hoursAgo * 3_600_000)
  const template = JSON.stringify({ type: 'template', name: 'hello', language: 'en' })

  test('sends anything within it, and where nobody knows when the person wrote', async () => {
    for (const lastInboundAt of [at(0), at(23.9), undefined]) {
      const state = lastInboundAt ? { lastInboundAt } : {}
      expect(await setUp({ parts: 1, capabilities, state }).carry()).toBe(undefined)
    }
  })

  test('sends nothing but templates after it, at any attempt, and says why', async () => {
    vi.setSystemTime('2026-11-22T10:00:00Z')
    const { carry, calls } = setUp({ parts: 2, capabilities, state: { lastInboundAt: at(26) } })
    const message =
      'the reply window closed at 2026-11-22T08:00:00.000Z, 24 hours after the last message of the person; only approved templates may be sent until the person writes again'
    expect(await carry()).toEqual({ kind: 'window', message, parts: 0 })
    expect(await carry({ part: 1, attempt: 3 })).toEqual({ kind: 'window', message, parts: 1 })
    expect(calls).toEqual([])
    expect(await carry({ payload: template })).toBe(undefined)
    expect(calls).toEqual(['part 0 delivery_0', 'progress 1', 'part 1 delivery_1'])
  })

  test('has sent what was sent before it closed', async () => {
    const { carry, calls } = setUp({ parts: 2, capabilities, state: { lastInboundAt: at(26) } })
    expect(await carry({ part: 2, attempt: 1 })).toBe(undefined)
    expect(calls).toEqual([])
  })

  test('counts a template with quick replies below it as more than a template', async () => {
    const choices = [{ title: 'Yes', value: 'yes' }]
    const payload = JSON.stringify({ ...JSON.parse(template), choices })
    const { carry } = setUp({ parts: 1, capabilities, state: { lastInboundAt: at(26) } })
    expect(await carry({ payload })).toMatchObject({ kind: 'window' })
  })

  test('shows the text of a template, where it has none, within the window only', async () => {
    const payload = JSON.stringify({ ...JSON.parse(template), text: 'Hello' })
    const plain: Capabilities = { ...capabilities, content: ['text'] }
    const stale = { lastInboundAt: at(26) }
    expect(await setUp({ parts: 1, capabilities: plain }).carry({ payload })).toBe(undefined)
    expect(await setUp({ parts: 1, capabilities: plain, state: stale }).carry({ payload })).toMatchObject({
      kind: 'window',
    })
    expect(await setUp({ parts: 1, capabilities: plain }).carry({ payload: template })).toEqual({
      kind: 'invalid',
      message:
        'the channel cannot show this content: "text" is required, because the channel shows no templates',
    })
  })

  test('of some endpoints has none at the others, and asks for no state there', async () => {
    const some = { ...capabilities, window: { ...window, appliesTo: () => false } }
    const { carry, reads } = setUp({ parts: 1, capabilities: some, state: { lastInboundAt: at(26) } })
    expect(await carry()).toBe(undefined)
    expect(reads()).toBe(0)
  })

  test('is tried again if nobody can say whether it is open', async () => {
    const { carry } = setUp({ parts: 1, capabilities, state: new Error('no store') })
    expect(await carry()).toEqual({ kind: 'transient', message: 'the database could not be read', parts: 0 })
  })
})

describe('a channel whose events carry a context', () => {
  const capabilities: Capabilities = { content: 'any', maxTextLength: 100, context: true }
  const context = (token: string) => ({ context: { value: { token }, at: new Date(0) } })

  test('gets the newest one at each call', async () => {
    const states = [context('a'), context('a'), context('b')]
    const seen: unknown[] = []
    const { carry } = setUp({
      ...{ parts: 2, capabilities, state: () => states.shift() ?? {} },
      deliver: async (_, { context }) => {
        seen.push(context)
        return { providerMessageIds: [] }
      },
    })
    expect(await carry()).toBe(undefined)
    expect(seen).toEqual([context('a').context, context('b').context])
  })

  test('gets none where there is none', async () => {
    const seen: unknown[] = []
    const { carry } = setUp({
      ...{ parts: 1, capabilities },
      deliver: async (_, context) => {
        seen.push('context' in context)
        return { providerMessageIds: [] }
      },
    })
    expect(await carry()).toBe(undefined)
    expect(seen).toEqual([false])
  })
})

test('leaves no timer behind, also where a channel throws at once', async () => {
  await setUp({ parts: 3 }).carry()
  await setUp({ parts: 1, deliver: () => fail() }).carry()
  expect(vi.getTimerCount()).toBe(0)
})

function fail(error: unknown = new Error('broken')): never {
  throw error
}

interface Script extends Partial<Runtime> {
  parts: number
  failAt?: number
  load?: () => Promise<never>
  capabilities?: Capabilities
  /** Of the endpoint. */
  state?: EndpointState | Error | (() => EndpointState)
}

function setUp({ parts, failAt, load, capabilities, state = {}, ...more }: Script) {
  let reads = 0
  const states = {
    read: async () => {
      reads += 1
      if (state instanceof Error) throw state
      return typeof state === 'function' ? state() : state
    },
  }
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
  const channel = acmeChannel(runtime, load, capabilities)
  const channels = new Channels({
    channels: [{ channel }],
    log: silentLogger,
    fetch,
    maxSessions: 10,
    states: { of: () => NO_STATE },
  })
  const integration = {
    id: newId(),
    ...{ name: 'acme', key: 'acme', channel: 'acme' },
    version: '1.0.0',
    config: {},
    status: 'active' as const,
  }
  const address: EndpointAddress = {
    clientId: newId(),
    conversationId: newId(),
    integration,
    endpoint: { id: newId(), identity: '*', sender: 'ada', thread: '*' },
    webhookUrl: 'https://hub.example/webhooks/v1/client/acme',
  }
  const tokens = new ButtonTokens(keyring)
  const deliver = channelDelivery({
    ...{ channels, timeoutMs: 1000, log: silentLogger },
    store: { findEntry: async () => undefined, recordSent: async () => undefined },
    ...{ tokens, limiter: new RateLimiter(), states, moved: async () => undefined },
  })
  const messageId = newId()
  const waiting = new AbortController()
  return {
    ...{ calls, waiting, tokens, address, messageId },
    reads: () => reads,
    carry: (item: Partial<EndpointItem> = {}, signal = new AbortController().signal, mayStart = () => true) =>
      deliver(
        address,
        {
          ...{
            seq: 1,
            id: 'delivery',
            messageId,
            payload: '{"type":"text","text":"hi"}',
            part: 0,
            attempt: 0,
          },
          ...item,
        },
        { signal, waiting: waiting.signal, mayStart, calls: () => undefined },
        (n) => calls.push(`progress ${n}`),
      ),
  }
}

/** What comes of it when so much time has passed. */
async function withTimeout(
  carried: ReturnType<ReturnType<typeof channelDelivery>>,
  ms: number,
): ReturnType<ReturnType<typeof channelDelivery>> {
  await vi.advanceTimersByTimeAsync(ms)
  return carried
}
