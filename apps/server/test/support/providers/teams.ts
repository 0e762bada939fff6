import { randomBytes, randomUUID } from 'node:crypto'
import type { ProviderCall } from '@plugboard/core/testing'
import { readMarkup } from '../../../../../packages/channel-teams/test/adaptive-card-rules.js'
import {
  answerOf,
  appOf,
  faultAnswers,
  newState,
  optionsFor,
  refusal,
  requestToken,
  SERVICE_URL,
} from '../../../../../packages/channel-teams/test/fake-teams.js'
import { type Button, json, type Kind, type Person, type Told } from './provider.js'

const PICTURE = '/v3/attachments/0-weu-d1/views/original'
const bytes = 'bytes of a picture at Teams'

const state = newState()
state.files.set(PICTURE, { mime: 'image/png', body: bytes })

const chatOf = (person: Person): string => `a:chat-with-${5000 + person}`
const userOf = (person: Person): string => `29:user-${5000 + person}`

/** An activity as Teams posts it, in a chat with the bot. */
export const activity = (person: Person, key: string, fields: object): Told => ({
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: JSON.stringify({
    ...{ type: 'message', id: `f:${key}`, timestamp: new Date().toISOString() },
    ...{ channelId: 'msteams', serviceUrl: SERVICE_URL },
    from: { id: userOf(person), name: 'Ada' },
    recipient: { id: '28:bot', name: 'Acme' },
    conversation: { id: chatOf(person), conversationType: 'personal', tenantId: 'tenant' },
    channelData: { tenant: { id: 'tenant' } },
    ...fields,
  }),
})

const press = (person: Person, { label, token }: Button, key: string): Told =>
  activity(person, key, { text: label, value: { plugboard: token } })

interface Element {
  inlines?: { text: string }[]
  actions?: { title: string; data?: { plugboard?: string; msteams?: { value: { plugboard: string } } } }[]
  choices?: { title: string; value: string }[]
}

interface Message {
  type?: string
  text?: string
  textFormat?: string
  attachments?: { content: { body: Element[] } }[]
}

function sentBy(call: ProviderCall) {
  const [, chat] = /^\/v3\/conversations\/([^/]+)\/activities$/.exec(call.path) ?? []
  const message: Message = chat && call.method === 'POST' ? JSON.parse(call.body) : {}
  if (chat === undefined || message.type !== 'message') return undefined
  const { text, textFormat, attachments = [] } = message
  const elements = attachments.flatMap(({ content }) => content.body)
  const lines = elements.map(({ inlines = [] }) => inlines.map((run) => run.text).join(''))
  return {
    by: appOf(call) ?? '',
    to: decodeURIComponent(chat),
    text: text === undefined ? lines.join('\n') : textFormat === 'xml' ? readMarkup(text) : text,
    buttons: elements.flatMap(({ actions = [], choices = [] }): Button[] => [
      ...choices.map(({ title, value }) => ({ label: title, token: value })),
      ...actions.flatMap(({ title, data }) => {
        const token = data?.plugboard ?? data?.msteams?.value.plugboard
        return token === undefined ? [] : [{ label: title, token }]
      }),
    ]),
  }
}

export const teams: Kind = {
  channel: 'teams',
  options: optionsFor,
  credentials: () => ({ appId: randomUUID(), appPassword: randomBytes(20).toString('base64url') }),
  fields: { account: 'appId', token: 'appPassword' },
  secrets: ({ appId = '', appPassword = '' }) => [
    appPassword,
    // All access tokens of the bot.
    `access.${Buffer.from(appId).toString('base64url')}`,
  ],
  answer: (call) => answerOf(call, state),
  sentBy,
  isDone: ({ status = 200 }) => status < 400,
  refusals: {
    limited: (seconds) => refusal(429, 'Throttled', { 'retry-after': String(seconds) }),
    blocked: refusal(403, 'ConversationBlockedByUser'),
    unauthorized: faultAnswers.unauthorized,
    credentials: json(401, { error: 'invalid_client', error_codes: [7_000_215] }),
    broken: faultAnswers['server-error'],
  },
  limits: 'person',
  cards: 12,
  addressOf: chatOf,
  endpointOf: (person) => ({ identity: '*', sender: userOf(person), thread: chatOf(person) }),
  write: (person, text, key) => activity(person, key, { text, textFormat: 'plain' }),
  send: (person, key) => ({
    told: activity(person, key, {
      text: 'Look',
      attachments: [{ contentType: 'image/*', contentUrl: new URL(`.${PICTURE}`, SERVICE_URL).href }],
    }),
    bytes,
  }),
  press: (person, { buttons }, index, key) => press(person, buttons[index] as Button, key),
  forge: press,
  again: (told) => told,
  // The token says nothing of the body.
  proof: 'secret',
  sign: ({ headers, ...told }, { appId = '' }, _publicUrl, at = new Date()) => ({
    ...told,
    headers: { ...headers, authorization: `Bearer ${requestToken(appId, SERVICE_URL, at)}` },
  }),
  malformed: [
    activity(9, 'a', { type: undefined }),
    activity(9, 'a', { conversation: {} }),
    activity(9, 'a', { id: undefined }),
  ],
  thanks: { status: 200, text: '' },
}
