import { newId, type Part, silentLogger } from '@plugboard/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { acmeChannel } from '../../../test/support/acme-channel.js'
import { keyring } from '../../../test/support/clients.js'
import { Channels } from '../../channels/channels.js'
import { NO_STATE } from '../../channels/integration-states.js'
import type { Entry } from '../../log/entry.js'
import { endpointTarget } from '../../log/target.js'
import { ButtonTokens } from './button-tokens.js'
import { channelDelivery, type EndpointItem } from './channel-delivery.js'
import { RateLimiter } from './rate-limiter.js'

/** A letter is a part. */
const content = fc.string({ unit: fc.constantFrom(...'abc'), minLength: 1, maxLength: 4 })
/** A process that dies at this call of the provider or of the store: before it has an effect, or after. */
const death = fc.option(fc.record({ call: fc.nat(6), isAfter: fc.boolean() }))
const step = fc.oneof(fc.record({ edit: content, death }), fc.record({ remove: fc.constant(true), death }))

test('whatever is edited or removed, and wherever a process dies, people see the message as it is', async () => {
  await fc.assert(
    fc.asyncProperty(content, death, fc.array(step, { maxLength: 5 }), async (first, dies, steps) => {
      const { carry, shown, message, edit } = setUp(first)
      await carry({}, dies)
      for (const each of steps) {
        if (message.deletedAt) break
        if ('edit' in each) edit(each.edit)
        else message.deletedAt = new Date()
        await carry({ change: message.deletedAt ? 'removed' : 'edited', seq: 2 }, each.death)
        expect(shown()).toBe(message.deletedAt ? '' : JSON.parse(message.payload).text)
      }
    }),
  )
})

test('what is unchanged is not sent again, and what one attempt has done is not done by the next', async () => {
  const { carry, calls, edit } = setUp('abc')
  await carry({})
  expect(calls.splice(0)).toEqual(['send a', 'send b', 'send c'])
  edit('axc')
  await carry({ change: 'edited' })
  await carry({ change: 'edited' })
  expect(calls.splice(0)).toEqual(['edit b x'])
  edit('ay')
  await carry({ change: 'edited' }, { call: 3, isAfter: true })
  expect(calls).toEqual(['edit x y', 'remove c'])
})

test('a message that is not there, was deleted, or is not sent completely is not completed by a change', async () => {
  const { carry, calls, message, edit } = setUp('ab')
  edit('abc')
  await carry({ change: 'edited' })
  expect(calls).toEqual([])
  const sent = { parts: [{ ids: ['1'], digest: 'another' }] }
  message.sent = { [message.target]: sent }
  await carry({ change: 'edited' })
  expect(calls.splice(0)).toEqual(['edit undefined a'])
  message.deletedAt = new Date()
  await carry({ change: 'edited' })
  await carry({ part: 1 })
  expect(calls).toEqual([])
})

test('a message that was sent by a version without records is not changed, and continues', async () => {
  const { carry, calls, message } = setUp('ab')
  await carry({ part: 1 })
  expect(calls.splice(0)).toEqual(['send b'])
  expect(message.sent?.[message.target]?.parts.map(({ ids }) => ids.length)).toEqual([0, 1])
})

test('a replay and a change do not overlap', async () => {
  const { carry, shown, edit, calls } = setUp('ab')
  const sending = carry({})
  edit('xyz')
  await Promise.all([sending, carry({ change: 'edited' }), carry({ change: 'edited' })])
  expect(shown()).toBe('xyz')
  expect(calls.filter((call) => call.startsWith('send'))).toHaveLength(3)
})

class Died extends Error {}

/** A message at an endpoint of a provider that shows each letter as a message of its own. */
function setUp(first: string) {
  const endpoint = { id: newId(), identity: '*', sender: 'ada', thread: '*' }
  const target = endpointTarget(endpoint.id)
  const at = new Date()
  const payloadOf = (text: string) => JSON.stringify({ type: 'text', text })
  const message: Entry & { target: typeof target } = {
    ...{ id: newId(), clientId: newId(), streamId: newId(), seq: 1, type: 'message', at, owes: [target] },
    ...{ payload: payloadOf(first), target },
  }
  const provider = new Map<string, string>()
  const calls: string[] = []
  let left: { call: number; isAfter: boolean } | undefined
  /** Does something, or dies before or after it. */
  const doing = async <T>(what: () => T): Promise<T> => {
    await Promise.resolve()
    const isNow = left !== undefined && left.call-- === 0
    if (isNow && !left?.isAfter) throw new Died()
    const result = what()
    if (isNow) throw new Died()
    return result
  }
  let ids = 0
  /** As with an idempotency key: a part that was accepted is not shown twice. */
  const accepted = new Map<string, string>()
  const channel = acmeChannel({
    render: (shown): Part[] =>
      [...String((shown as { text: string }).text)].map((letter) => ({ call: 'send', args: letter })),
    deliver: ({ args }, { deliveryId }) =>
      doing(() => {
        const known = accepted.get(deliveryId)
        if (known !== undefined) return { providerMessageIds: [known] }
        ids += 1
        accepted.set(deliveryId, `${ids}`)
        calls.push(`send ${args}`)
        provider.set(`${ids}`, `${args}`)
        return { providerMessageIds: [`${ids}`] }
      }),
    edit: ({ providerMessageIds: [id = ''] }, { args }) =>
      doing(() => {
        calls.push(`edit ${provider.get(id)} ${args}`)
        provider.set(id, `${args}`)
        return { providerMessageIds: [] }
      }),
    remove: ({ providerMessageIds: [id = ''] }) =>
      doing(() => {
        calls.push(`remove ${provider.get(id)}`)
        provider.delete(id)
      }),
    classify: () => ({ kind: 'ambiguous', message: 'died' }),
  })
  const integration = { id: newId(), channel: 'acme', name: 'acme', key: 'acme', version: '1', config: {} }
  const address = {
    ...{ clientId: message.clientId, conversationId: message.streamId, endpoint, webhookUrl: '' },
    integration: { ...integration, status: 'active' as const },
  }
  const deliver = channelDelivery({
    channels: new Channels({
      ...{ channels: [{ channel }], log: silentLogger, fetch, maxSessions: 10 },
      states: { of: () => NO_STATE },
    }),
    tokens: new ButtonTokens(keyring),
    limiter: new RateLimiter(),
    states: { read: async () => ({}) },
    store: {
      findEntry: async () => structuredClone(message),
      recordSent: (_, __, to, sent) =>
        doing(() => {
          message.sent = { ...message.sent, [to]: structuredClone(sent) }
        }),
    },
    moved: async () => undefined,
    timeoutMs: 1000,
    log: silentLogger,
  })
  let changes = 1
  let part = 0
  return {
    ...{ message, calls },
    shown: () => [...provider.values()].join(''),
    edit: (text: string) => {
      message.payload = payloadOf(text)
      changes += 1
    },
    /** Attempts until one succeeds. The process dies in the first, if it does. */
    async carry(item: Partial<EndpointItem>, dies?: typeof left | null): Promise<void> {
      left = dies ?? undefined
      const id = item.change ? `change${changes}` : 'delivery'
      for (let attempt = 0; attempt < 20; attempt += 1) {
        const ending = new AbortController()
        // A dead process does not try to write its record again.
        const control = {
          signal: ending.signal,
          waiting: ending.signal,
          mayStart: () => true,
          calls: () => undefined,
        }
        const whole = { ...{ seq: 1, id, messageId: message.id, payload: message.payload, attempt }, ...item }
        const carried = deliver(address, { part: item.change ? 0 : part, ...whole }, control, (parts) => {
          part = parts
        })
        const died = setTimeout(() => ending.abort(), 50)
        const outcome = await carried
        clearTimeout(died)
        if (outcome === undefined || outcome === 'skipped') return
      }
      throw new Error('no attempt succeeded')
    },
  }
}
