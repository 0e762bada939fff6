import { type Logger, newId, silentLogger } from '@plugboard/core'
import { beforeEach, expect, test } from 'vitest'
import { recordOf } from '../../../test/support/clients.js'
import { lateWebhookBody, webhookBody } from './webhook-body.js'
import type { Lookups, WebhookEvent, WebhookFormat } from './webhook-format.js'

const SECRET = 'what the person wrote'

let logged: string
let log: Logger
beforeEach(() => {
  logged = ''
  const write = (...what: unknown[]) => {
    logged += JSON.stringify(what)
  }
  log = { ...silentLogger, error: write, warn: write }
})

const lookups: Lookups = {
  conversation: async () => undefined,
  user: async () => undefined,
  message: async () => undefined,
  messages: async () => [],
  person: async () => undefined,
}

function eventOf(looking: Partial<Lookups> = {}): WebhookEvent {
  const record = recordOf()
  return {
    entry: {
      ...{ id: newId(), clientId: record.id, streamId: newId(), seq: 1, type: 'message' },
      ...{ payload: '{}', at: new Date(), owes: [] },
    },
    client: { id: record.id, record, webhooks: [], integrations: new Map() },
    ...{ userId: undefined, endpoints: [], isCollecting: false, lookups: { ...lookups, ...looking } },
    webhook: { id: newId(), url: 'https://a.example', token: 't', format: 'acme' },
  }
}

const formatOf = (render: (event: WebhookEvent) => unknown): WebhookFormat => ({
  ...{ name: 'acme', schedule: { delaysMs: [] }, tells: () => true, headers: () => ({}) },
  render: render as WebhookFormat['render'],
})

const fail = (error: unknown) => () => {
  throw error
}

test.each<[string, () => unknown, string]>([
  ['an error', fail(new TypeError(SECRET)), 'could not render this event (TypeError)'],
  [
    'an error with a name of its own',
    fail(Object.assign(new Error(), { name: SECRET })),
    'could not render this event (Error)',
  ],
  ['something that is no error', fail(SECRET), 'could not render this event (string)'],
  ['nothing at all', fail(undefined), 'could not render this event (undefined)'],
  ['a number', () => 7, 'rendered no text'],
  ['null', () => null, 'rendered no text'],
  ['too much', () => 'x'.repeat(4 * 1024 * 1024 + 1), 'made more than 4194304 characters of this event'],
])('an event of which a format makes %s has no body, and says why', async (_, render, why) => {
  const failure = { kind: 'invalid', message: `the webhook format acme ${why}` }
  expect(webhookBody(formatOf(render), eventOf(), log)).toEqual(failure)
  expect(
    await lateWebhookBody(
      formatOf(async () => render()),
      eventOf(),
      log,
    ),
  ).toEqual(failure)
  expect(JSON.stringify(failure) + logged).not.toContain(SECRET)
})

test('a failure is logged with its location in the source, the client and the entry', () => {
  const event = eventOf()
  webhookBody(formatOf(fail(new TypeError(SECRET))), event, log)
  expect(logged).toContain(event.client.id)
  expect(logged).toContain(event.entry.id)
  expect(logged).toContain('webhook-body.test.ts')
})

test('a text is the body, and where there is none there is nothing to send', async () => {
  expect(
    webhookBody(
      formatOf(() => 'text'),
      eventOf(),
      log,
    ),
  ).toBe('text')
  expect(
    webhookBody(
      formatOf(() => undefined),
      eventOf(),
      log,
    ),
  ).toBe('')
  expect(
    await lateWebhookBody(
      formatOf(async () => 'text'),
      eventOf(),
      log,
    ),
  ).toBe('text')
  expect(
    await lateWebhookBody(
      formatOf(async () => undefined),
      eventOf(),
      log,
    ),
  ).toBe('')
})

test('an asynchronous result of a synchronous format does not crash the process', async () => {
  const late = formatOf(() => Promise.reject(new Error('late')))
  expect(webhookBody(late, eventOf(), log)).toMatchObject({ kind: 'invalid' })
})

test('only a look-up that failed in the store is tried again', async () => {
  const asking = formatOf(async (event) => `${(await event.lookups.user(newId()))?.id}`)
  const down = new Error('the store is down')
  const asked = (error: unknown) => lateWebhookBody(asking, eventOf({ user: async () => fail(error)() }), log)
  await expect(asked(down)).rejects.toBe(down)
  // What is stored cannot be read, now or later.
  expect(await asked(new SyntaxError(SECRET))).toMatchObject({ kind: 'invalid' })
  // It had an answer for that.
  const content = formatOf((event) => event.lookups.user(newId()).then(String, () => 'unknown'))
  expect(await lateWebhookBody(content, eventOf({ user: async () => fail(down)() }), log)).toBe('unknown')
})
