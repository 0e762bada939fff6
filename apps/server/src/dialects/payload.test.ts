import { randomInt } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type Channel, degrade, type Id, type JsonObject, newId, silentLogger } from '@plugboard/core'
import { hostilePayloads } from '@plugboard/core/testing'
import type {
  ClientView,
  ConversationView,
  Entry,
  Lookups,
  OpenWebhook,
  UserView,
  WebhookFormat,
} from '@plugboard/hub'
import { asMessage } from '@plugboard/hub'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { publishedAnswers } from '../../test/sunshine/published.js'
import { isSoak } from '../../test/support/server.js'
import { InternalPassword } from './internal-password.js'
import * as messaging from './messaging-v1/map.js'
import { messageListResponse, events as messagingEvents } from './messaging-v1/schemas.js'
import { messagingV1Format } from './messaging-v1/webhook-format.js'
import * as smartify from './smartify/map-message.js'
import { requestJson } from './smartify/map-request.js'
import { smartifyFormat } from './smartify/webhook-format.js'
import { messagesText } from './sunshine-v2/map.js'
import { sunshineV2Format } from './sunshine-v2/webhook-format.js'

/** A push takes every fourth of the hostile payloads, beginning with another one each time. */
const STRIDE = isSoak ? 1 : 4

const schedule = { delaysMs: [1] }
const at = new Date('2026-01-05T10:00:00.123Z')
const [clientId, userId] = [newId(), newId()]
const client: ClientView = {
  id: clientId,
  record: { id: clientId, version: 1, createdAt: at, tokens: [], integrations: [], webhooks: [] },
  webhooks: [],
  integrations: new Map(),
}
const user: UserView = { id: userId, clientId, createdAt: at, facts: {} }

/** A message with this payload, of the person or of the business, with these details. */
const entryOf = (payload: object, fields: Partial<Entry> = {}): Entry => ({
  ...{
    id: newId(),
    clientId,
    streamId: newId(),
    seq: 2,
    type: 'message',
    at,
    owes: [],
    channel: 'messaging',
  },
  ...{ payload: JSON.stringify(payload), author: { userId }, ...fields },
})

const conversationOf = (id: Id, facts: ConversationView['facts'] = {}): ConversationView => ({
  ...{ id, userId, clientId, createdAt: at, seq: 2, endpoints: [], facts },
})

function lookAt(entry: Entry): Lookups {
  return {
    conversation: async (id) => conversationOf(id),
    user: async () => user,
    message: async () => entry,
    messages: async () => [entry],
    person: async () => undefined,
  }
}

const hookOf = (format: WebhookFormat, ...events: string[]): OpenWebhook => ({
  ...{ id: newId(), url: 'https://bot.example', format: format.name, token: 'secret', events },
})

const origin = () => 'https://hub.example'
const internal = new InternalPassword({})
const formats: [WebhookFormat, Partial<Record<Entry['type'], readonly string[]>>][] = [
  [messagingV1Format({ schedule, internal }), {}],
  [
    sunshineV2Format({ schedule, internal }),
    {
      message: ['conversation:message', 'conversation:postback'],
      'conversation.new': ['conversation:create'],
      'conversation.deleted': ['conversation:remove'],
      'user.deleted': ['user:delete'],
      'user.merged': ['user:merge'],
    },
  ],
  [
    smartifyFormat({ schedule, internal, origin }),
    {
      message: ['message.create', 'request.close'],
      'conversation.new': ['request.create', 'lead.create'],
      'user.new': ['lead.create'],
    },
  ],
]

/** What nobody can read as a text: it says that a value was taken for one that it is not. */
const GARBAGE = /\[object|\bNaN\b|\bundefined\b|^null$/

/** Whether there is a text in what is shown that nobody gave. */
function isGarbage(shown: unknown, { payload, details = '' }: Pick<Entry, 'payload' | 'details'>): boolean {
  if (typeof shown === 'string') {
    const [found] = GARBAGE.exec(shown) ?? []
    return found !== undefined && !`${payload}${details}`.includes(found)
  }
  if (typeof shown !== 'object' || shown === null) return false
  return Object.values(shown).some((each) => isGarbage(each, { payload, details }))
}

/** Longer texts and lists than a document has are no fault: the words of other APIs are shown whole. */
function isOf(schema: z.ZodType, shown: unknown): void {
  const issues = schema.safeParse(shown).error?.issues.filter(({ code }) => code !== 'too_big') ?? []
  if (issues.length > 0) expect.fail(`${JSON.stringify(issues)} in ${JSON.stringify(shown).slice(0, 2000)}`)
}

async function isRendered(entry: Entry): Promise<void> {
  const lookups = lookAt(entry)
  for (const [format, events] of formats) {
    for (const event of events[entry.type] ?? ['']) {
      const webhook = hookOf(format, event)
      const about = { entry, client, userId, endpoints: [], isCollecting: false, webhook, lookups }
      const body = await format.render(about)
      if (body === undefined) continue
      const told: unknown = JSON.parse(body)
      if (format.name === 'messaging-v1') isOf(messagingEvent, told)
      else if (isGarbage(told, entry)) expect.fail(`${format.name} sends ${body.slice(0, 2000)}`)
    }
  }
}

const messagingEvent = z.union(
  Object.entries(messagingEvents).map(([type, data]) => z.object({ type: z.literal(type), data })),
)

async function isListed(entry: Entry): Promise<void> {
  const message = asMessage(entry)
  isOf(messageListResponse, JSON.parse(`[${messaging.messageJson(message, true)}]`))
  const inSunshine = JSON.parse(messagesText(client, [message], new Map([[userId, user]])))
  isOf(publishedAnswers.postMessage, { messages: inSunshine })
  const inSmartify = await smartify.messageJson(
    client,
    'support-group-1',
    smartify.toldOf(message),
    lookAt(entry),
  )
  isOf(smartifyMessage, inSmartify)
  for (const shown of [inSunshine, inSmartify])
    if (isGarbage(shown, entry)) expect.fail(`a list shows ${JSON.stringify(shown).slice(0, 2000)}`)
}

const smartifyMessage = z.looseObject({
  ...{ _id: z.string(), sender: z.string(), senderFullname: z.string(), recipient: z.string() },
  ...{ type: z.string().min(1), text: z.string(), status: z.number(), createdAt: z.iso.datetime() },
  metadata: z.looseObject({}).optional(),
  attributes: z.looseObject({}).optional(),
})

const anyObject = fc
  .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 })
  .map((object): JsonObject => JSON.parse(JSON.stringify(object)))
const anyPayload = fc.oneof(
  anyObject,
  fc
    .tuple(fc.constantFrom(...hostilePayloads()), anyObject)
    .map(([payload, more]): JsonObject => ({ ...more, ...payload })),
)

describe('any payload', () => {
  test('of a known type with a strange field goes to every webhook, and is in every list', async () => {
    const first = randomInt(STRIDE)
    for (const [index, payload] of [...hostilePayloads()].entries()) {
      if (index % STRIDE !== first) continue
      await isListed(entryOf(payload, { author: 'business' }))
      await isRendered(entryOf(payload))
    }
  }, 300_000)

  test('at all goes to every webhook, and is in every list', async () => {
    const property = fc.asyncProperty(
      anyPayload,
      fc.constantFrom({ userId }, 'business' as const),
      async (payload, author) => {
        const entry = entryOf(payload, { author })
        await isListed(entry)
        await isRendered(entry)
      },
    )
    await fc.assert(property)
  }, 300_000)

  test('may have any details beside it', async () => {
    const property = fc.asyncProperty(anyPayload, anyPayload, async (payload, own) => {
      const json = {
        author: own,
        metadata: own,
        dialect: { smartify: own, 'sunshine-v2': { references: own } },
      }
      const entry = entryOf(payload, { details: JSON.stringify(json) })
      await isRendered(entry)
      smartify.channelOfMessage(smartify.toldIn(entry))
      JSON.parse(messagesText(client, [asMessage(entry)], new Map()))
    })
    await fc.assert(property)
  }, 300_000)

  test('is no reason that a conversation cannot be shown, where it is what a dialect keeps of it', async () => {
    const property = fc.asyncProperty(anyPayload, async (own) => {
      const view = conversationOf(newId(), { dialect: { smartify: own } })
      const json = await requestJson(client, view, lookAt(entryOf({})), 'business')
      if (!isDeepStrictEqual(JSON.parse(JSON.stringify(json)), json)) expect.fail(JSON.stringify(json))
    })
    await fc.assert(property)
  })

  test('of an event of a conversation is rendered, or says that it is not known', async () => {
    const types = [
      'user.new',
      'user.updated',
      'user.deleted',
      'user.merged',
      'conversation.new',
      'conversation.started',
    ] as const
    const property = fc.asyncProperty(
      anyPayload,
      fc.constantFrom(...types, 'conversation.deleted' as const),
      // Only this server writes the entry of a merge.
      async (payload, type) =>
        isRendered(entryOf(type === 'user.merged' ? { ...payload, into: userId } : payload, { type })),
    )
    await fc.assert(property)
  }, 300_000)

  test.each([
    [{ type: 'carousel' }, '[carousel]'],
    [{ type: 'carousel', items: null }, '[carousel]'],
    [{ type: 'carousel', items: [null, { title: { a: 1 } }] }, '[carousel]'],
    [{ type: 'image', title: 'The cat', image: null }, 'The cat'],
    [{ type: 'image', image: 'cat.png' }, 'cat.png'],
    [{ type: 'location', latitude: 'north', longitude: null, address: 'Bern' }, 'Bern'],
    [{ type: 'location', latitude: 91, longitude: 0 }, '[location]'],
    [{ type: 'postback', payload: { toString: 1 } }, '[postback]'],
    [{ type: { toString: 1 } }, '[message]'],
    [{ type: 'dropdown', message: {}, options: [null] }, '[dropdown]'],
    [{}, '[message]'],
    [{ type: 'text', text: 7 }, '7'],
  ])('that this API has no words for is a text in Sunshine: %j', (payload, text) => {
    const [message] = JSON.parse(messagesText(client, [asMessage(entryOf(payload))], new Map()))
    expect(message.content).toEqual({ type: 'text', text })
  })

  test('of good and bad choices shows the good ones', () => {
    const choices = [null, { title: 'Yes', value: 1 }, 'No', { value: 'maybe' }, { title: [] }]
    const [message] = JSON.parse(
      messagesText(client, [asMessage(entryOf({ type: 'text', text: 'Well?', choices }))], new Map()),
    )
    expect(message.content.actions).toEqual([
      { type: 'reply', text: 'Yes', payload: '1' },
      { type: 'reply', text: 'maybe', payload: 'maybe' },
    ])
  })

  test.each(['telegram', 'slack', 'smooch', 'teams', 'twilio', 'vonage', 'webhook', 'whatsapp'])(
    'is shown by %s, or not sent',
    async (name) => {
      const { default: channel }: { default: Channel } = await import(`@plugboard/channel-${name}`)
      const runtime = await channel.load({ options: {}, logger: silentLogger, fetch })
      const endpoint = { identity: '*', sender: '+41791234567', thread: '*' }
      const isShown = (payload: JsonObject) => {
        for (const content of degrade(payload, channel.capabilities)?.contents ?? []) {
          const parts = runtime.render(content, endpoint)
          if (!isDeepStrictEqual(JSON.parse(JSON.stringify(parts)), parts)) expect.fail(JSON.stringify(parts))
        }
      }
      // Each of the hostile ones alone: see `channelSuite`.
      fc.assert(fc.property(anyPayload, isShown))
    },
    120_000,
  )
})
