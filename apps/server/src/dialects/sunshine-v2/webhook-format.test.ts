import { type Id, newId } from '@plugboard/core'
import type { Activity, ClientView, Entry, OpenWebhook, Topic, WebhookEvent } from '@plugboard/hub'
import { describe, expect, test } from 'vitest'
import { InternalPassword } from '../internal-password.js'
import { TRIGGERS } from './app-schemas.js'
import { sunshineV2Format } from './webhook-format.js'

const format = sunshineV2Format({ schedule: { delaysMs: [1] }, internal: new InternalPassword({}) })
const [clientId, conversationId, userId, messageId, integrationId] = Array.from({ length: 5 }, newId) as [
  Id,
  Id,
  Id,
  Id,
  Id,
]
const at = new Date('2026-01-05T10:00:00.123Z')

const hookOf = (...events: string[]): OpenWebhook => ({
  id: newId(),
  url: 'https://bot.example',
  format: format.name,
  token: 'secret',
  events,
})

const client = {
  id: clientId,
  integrations: new Map([['acme', { id: integrationId, name: 'acme', key: 'acme', channel: 'acme' }]]),
} as unknown as ClientView

/** The events for a webhook of an entry in a conversation of one user. */
async function told(webhook: OpenWebhook, entry: Partial<Entry>) {
  const lookups = {
    conversation: async (id: Id) => ({
      id,
      userId,
      clientId,
      createdAt: at,
      seq: 2,
      endpoints: [],
      facts: {},
    }),
    user: async (id: Id) => ({ id, clientId, createdAt: at, facts: {} }),
  } as unknown as WebhookEvent['lookups']
  const whole = { id: newId(), clientId, streamId: conversationId, seq: 2, at, owes: [], ...entry } as Entry
  const text = await format.render({
    entry: whole,
    client,
    userId,
    endpoints: [],
    isCollecting: false,
    webhook,
    lookups,
  })
  return text === undefined ? undefined : JSON.parse(text).events[0]
}

const toldOf = (webhook: OpenWebhook, activity: Activity) =>
  told(webhook, { type: 'activity', payload: JSON.stringify(activity), dedupe: 'acme:key' })

describe('a provider status of a message', () => {
  const all = hookOf(
    'conversation:message:delivery:channel',
    'conversation:message:delivery:user',
    'conversation:message:delivery:failure',
  )
  const payload = {
    user: { id: userId, authenticated: false },
    conversation: { id: conversationId, type: 'personal' },
    message: { id: messageId },
    destination: { type: 'acme', integrationId },
  }

  test.each([
    ['sent', 'channel', false],
    ['delivered', 'user', true],
  ] as const)('%s is reported as of the %s', async (status, name, isFinalEvent) => {
    const event = await toldOf(all, { type: 'delivery', messageId, status })
    expect(event).toEqual({
      ...{ id: expect.any(String), createdAt: at.toISOString() },
      type: `conversation:message:delivery:${name}`,
      payload: { ...payload, isFinalEvent },
    })
  })

  test('reports a failure with its reason', async () => {
    const failure = { kind: 'recipient', message: 'the person is gone' } as const
    const event = await toldOf(all, { type: 'delivery', messageId, status: 'failed', failure })
    expect(event).toMatchObject({
      type: 'conversation:message:delivery:failure',
      payload: { ...payload, isFinalEvent: true, error: { code: 'recipient', message: failure.message } },
    })
  })

  test('is not sent to webhooks with other triggers, nor for reads, nor for unknown messages', async () => {
    const failures = hookOf('conversation:message:delivery:failure')
    expect(await toldOf(failures, { type: 'delivery', messageId, status: 'sent' })).toBeUndefined()
    expect(await toldOf(all, { type: 'delivery', messageId, status: 'read' })).toBeUndefined()
    expect(await toldOf(all, { type: 'delivery', status: 'sent' })).toBeUndefined()
  })
})

describe('a webhook', () => {
  const topics: Readonly<Partial<Record<(typeof TRIGGERS)[number], Topic>>> = {
    'conversation:create': 'conversation.new',
    'conversation:join': 'activity.joined',
    'conversation:leave': 'activity.left',
    'conversation:message': 'message',
    'conversation:message:delivery:channel': 'activity.delivery',
    'conversation:message:delivery:failure': 'activity.delivery',
    'conversation:message:delivery:user': 'activity.delivery',
    'conversation:postback': 'message',
    'conversation:read': 'activity.read',
    'conversation:remove': 'conversation.deleted',
    'conversation:typing': 'activity.typing',
    'user:delete': 'user.deleted',
    'user:merge': 'user.merged',
    'user:remove': 'user.deleted',
  }
  const known: readonly Topic[] = [...new Set(Object.values(topics)), 'user.new', 'health.new', 'void']

  test.each(TRIGGERS)('of %s is owed what may be that, and nothing else', (trigger) => {
    const owed = known.filter((topic) => format.tells(topic, hookOf(trigger)))
    expect(owed).toEqual(topics[trigger] ? [topics[trigger]] : [])
  })

  test('that asked for nothing is owed nothing', () => {
    const { events: _, ...silent } = hookOf()
    expect(known.filter((topic) => format.tells(topic, silent))).toEqual([])
  })

  test('hears nothing of a message that is neither a button nor wanted', async () => {
    const payload = JSON.stringify({ type: 'text', text: 'hi' })
    const entry = { type: 'message', payload, author: { userId } } as const
    expect(await told(hookOf('conversation:postback'), entry)).toBeUndefined()
    expect(await told(hookOf('conversation:message'), entry)).toMatchObject({ type: 'conversation:message' })
  })

  test('hears of what the business sends as a button as of a message', async () => {
    const payload = JSON.stringify({ type: 'postback', payload: 'x' })
    const event = await told(hookOf('conversation:message'), { type: 'message', payload })
    expect(event).toMatchObject({ type: 'conversation:message' })
  })
})
