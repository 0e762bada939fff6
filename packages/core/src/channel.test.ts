import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  type Capabilities,
  type Channel,
  CONTRACT_VERSION,
  capabilitiesAt,
  channelNamePattern,
  defineChannel,
  isChannel,
} from './channel.js'

const definition = {
  contract: 1,
  name: 'acme',
  version: '1.0.0',
  config: z.object({ token: z.string() }),
  secrets: ['token'] as const,
  capabilities: { content: 'any' as const, maxTextLength: 100 },
  load: () => Promise.reject(new Error('not in this test')),
}

describe('defineChannel', () => {
  test('gives a frozen copy that isChannel knows', () => {
    const channel = defineChannel(definition)
    expect(channel).toEqual(definition)
    expect(Object.isFrozen(channel)).toBe(true)
    expect(isChannel(channel)).toBe(true)
    expect(isChannel(definition)).toBe(false)
  })

  test('gives what fits in a list of channels', () => {
    const list: Channel[] = [defineChannel(definition)]
    expect(list).toHaveLength(1)
  })

  test('does not compile with a secret that is no field', () => {
    // @ts-expect-error `password` is no field of the configuration.
    defineChannel({ ...definition, secrets: ['password'] })
  })
})

test('a channel of another copy of core is a channel', async () => {
  vi.resetModules()
  const other = await import('./channel.js')
  expect(other.defineChannel).not.toBe(defineChannel)
  expect(isChannel(other.defineChannel(definition))).toBe(true)
})

test.each([[undefined], [null], ['acme'], [{}], [() => definition]])('%s is no channel', (value) => {
  expect(isChannel(value)).toBe(false)
})

test.each([
  ['ab', true],
  ['my-channel2', true],
  ['a', false],
  ['2a', false],
  ['Acme', false],
  ['a_b', false],
  ['a'.repeat(31), true],
  ['a'.repeat(32), false],
  ['ab\n', false],
])('the name %j is allowed: %s', (name, expected) => {
  expect(channelNamePattern.test(name)).toBe(expected)
})

test('the contract has a semantic version', () => {
  expect(CONTRACT_VERSION).toMatch(/^\d+\.\d+\.\d+$/)
})

test('the capabilities at an endpoint are those of the channel, but for what differs there', () => {
  const everywhere: Capabilities = {
    content: ['text', 'single-choice'],
    maxTextLength: 100,
    buttons: { max: 3, maxLabel: 20 },
  }
  const endpoint = { identity: '*', sender: 'sms:1', thread: '*' }
  const at: Capabilities['at'] = ({ sender }) => (sender === 'sms:1' ? { content: ['text'] } : {})
  expect(capabilitiesAt(everywhere, endpoint)).toEqual(everywhere)
  expect(capabilitiesAt({ ...everywhere, at }, endpoint)).toMatchObject({
    ...everywhere,
    content: ['text'],
  })
  expect(capabilitiesAt({ ...everywhere, at }, { ...endpoint, sender: 'ada' })).toMatchObject(everywhere)
})
