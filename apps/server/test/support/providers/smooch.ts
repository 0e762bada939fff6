import { randomBytes } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import type { ProviderCall } from '@plugboard/core/testing'
import {
  answerOf,
  FILE,
  faultAnswers,
  objectId,
  refusal,
  type Taken,
} from '../../../../../packages/channel-smooch/test/fake-smooch.js'
import { sign, webhookRequest } from '../../../../../packages/channel-smooch/test/smooch-requests.js'
import type { Button, Kind, Person, Told } from './provider.js'

const idOf = (person: Person): string => objectId(`person ${person}`)
const conversationOf = (person: Person): string => objectId(`conversation ${person}`)

const files = new Map([[FILE, { mime: 'image/jpeg', body: 'bytes of a picture at Sunshine' }]])
const messages: Taken[] = []

const toldBy = ({ headers, body }: InboundRequest): Told => ({
  headers: headers as Record<string, string>,
  body: Buffer.from(body).toString(),
})

/** The app is that of the credentials, and is filled in when the request is signed. */
const APP = 'APP_OF_THE_CREDENTIALS'

/** A request with one event of a person. */
export const told = (person: Person, key: string, type: string, payload: object): Told => {
  const user = { id: idOf(person), authenticated: false }
  const conversation = { id: conversationOf(person), type: 'personal' }
  const event = { id: objectId(`event ${key}`), type, createdAt: new Date().toISOString() }
  return toldBy(webhookRequest([{ ...event, payload: { user, conversation, ...payload } }], APP))
}

const writes = (person: Person, key: string, content: object): Told =>
  told(person, key, 'conversation:message', {
    message: {
      ...{ id: objectId(`message ${key}`), received: new Date().toISOString(), content },
      author: { type: 'user', userId: idOf(person), displayName: 'Ada' },
    },
  })

interface Action {
  type: string
  text: string
  payload?: string
}
interface Content {
  text?: string
  actions?: Action[]
  items?: { title: string; description?: string; actions: Action[] }[]
}

/** The text and the buttons of a message, whichever kind of content it has. */
function shownBy({ text, actions = [], items = [] }: Content) {
  const lines = items.flatMap(({ title, description }) => [title, description])
  const buttons = [...actions, ...items.flatMap((item) => item.actions)].flatMap(
    ({ text, payload }): Button[] => (payload === undefined ? [] : [{ label: text, token: payload }]),
  )
  return { text: [text, ...lines].filter(Boolean).join('\n'), buttons }
}

function sentBy(call: ProviderCall) {
  const [, by = '', conversation = ''] =
    /^\/v2\/apps\/([^/]+)\/conversations\/([^/]+)\/messages$/.exec(call.path) ?? []
  if (call.method !== 'POST' || !by) return undefined
  const { content } = JSON.parse(call.body) as { content: Content }
  return { by, to: conversation, ...shownBy(content) }
}

export const smooch: Kind = {
  channel: 'smooch',
  options: (apiBaseUrl) => ({ apiBaseUrl }),
  credentials: () => ({
    appId: randomBytes(12).toString('hex'),
    keyId: `app_${randomBytes(12).toString('hex')}`,
    keySecret: randomBytes(16).toString('hex'),
    webhookSecret: randomBytes(16).toString('hex'),
  }),
  fields: { account: 'appId', token: 'keySecret' },
  secrets: ({ keyId = '', keySecret = '', webhookSecret = '' }) => [
    ...[keySecret, webhookSecret],
    Buffer.from(`${keyId}:${keySecret}`).toString('base64'),
  ],
  answer: (call) => answerOf(call, { messages, files }),
  sentBy,
  isDone: ({ status = 200 }) => status < 400,
  refusals: {
    limited(seconds) {
      const { headers, ...limited } = faultAnswers['rate-limited']
      return { ...limited, headers: { ...headers, 'retry-after': String(seconds) } }
    },
    blocked: refusal(404, 'user_not_found', 'User not found'),
    unauthorized: faultAnswers.unauthorized,
    broken: faultAnswers['server-error'],
  },
  limits: 'account',
  cards: 3,
  addressOf: conversationOf,
  endpointOf: (person) => ({ identity: '*', sender: idOf(person), thread: conversationOf(person) }),
  write: (person, text, key) => writes(person, key, { type: 'text', text }),
  send: (person, key, url) => ({
    told: writes(person, key, { type: 'image', mediaUrl: url + FILE, mediaType: 'image/jpeg', text: 'Look' }),
    bytes: files.get(FILE)?.body ?? '',
  }),
  press(person, question, index, key) {
    const button = question.buttons[index]
    if (!button) throw new Error(`the message has no button ${index}`)
    return writes(person, key, { type: 'text', text: button.label, payload: button.token })
  },
  forge: (person, { label, token }, key) =>
    writes(person, key, { type: 'text', text: label, payload: token }),
  again: (request) => request,
  proof: 'secret',
  sign({ headers, body }, { appId = '', webhookSecret = '' }, publicUrl) {
    const text = body.replace(APP, appId)
    const unsigned: InboundRequest = { method: 'POST', publicUrl, headers, body: Buffer.from(text) }
    return toldBy(sign(unsigned, { webhookSecret }))
  },
  malformed: [
    { headers: { 'content-type': 'application/json' }, body: '{}' },
    { headers: { 'content-type': 'application/json' }, body: '{"app":' },
    { headers: { 'content-type': 'application/json' }, body: `{"app":{"id":"another"},"events":[]}` },
  ],
  thanks: { status: 200, text: '' },
}
