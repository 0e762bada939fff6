import { randomBytes, randomInt } from 'node:crypto'
import type { ProviderCall } from '@plugboard/core/testing'
import {
  answerOf,
  emptyState,
  type SentMessage,
} from '../../../../../packages/channel-whatsapp/test/fake-whatsapp.js'
import {
  graphFaultAnswers,
  graphRefusal,
  notificationOf,
  signedHeaders,
} from '../../../../../packages/channel-whatsapp/test/whatsapp-requests.js'
import type { Button, Kind, Person, Told } from './provider.js'

/** All numbers of this file belong to this one, whose id is filled in where a request is signed. */
const NUMBER = '{phoneNumberId}'
const FILE = '1003383421387256'

export const numberOf = (person: Person): string => `1415555${String(person).padStart(4, '0')}`
export const userIdOf = (person: Person): string => `US.1349120865530${String(person).padStart(4, '0')}`

export const state = emptyState()
state.files.set(FILE, { mime: 'image/jpeg', body: 'bytes of a picture at WhatsApp' })

/** A message of a person, with the fields of its type. */
export function messageOf(person: Person, key: string, type: string, fields: object): Told {
  const message = {
    ...{ from: numberOf(person), from_user_id: userIdOf(person), id: `wamid.${key}` },
    ...{ timestamp: String(Math.floor(Date.now() / 1000)), type, ...fields },
  }
  const contacts = [{ wa_id: numberOf(person), profile: { name: `Person ${person}` } }]
  return toldOf({ contacts, messages: [message] })
}

export const toldOf = (value: object): Told => ({
  headers: { 'content-type': 'application/json' },
  body: notificationOf(NUMBER, value),
})

/** The body for the number of these credentials. */
export const bodyFor = (told: Told, phoneNumberId: string): string =>
  told.body.replaceAll(NUMBER, phoneNumberId)

function sentBy({ method, path, body }: ProviderCall) {
  const [, by = ''] = /^\/v[\d.]+\/(\d+)\/messages(\?|$)/.exec(path) ?? []
  const message: Partial<SentMessage> = method === 'POST' && by ? JSON.parse(body) : {}
  if (message.type === undefined) return undefined
  const to = message.to ?? message.recipient ?? ''
  return { by, to, ...shownIn(message), callback: String(message.biz_opaque_callback_data) }
}

interface Shown {
  text?: { body: string }
  interactive?: {
    body: { text: string }
    action: { buttons?: { reply: Row }[]; sections?: { rows: Row[] }[] }
  }
}
interface Row {
  id: string
  title: string
}

function shownIn(message: object): { text: string; buttons: Button[] } {
  const { text, interactive } = message as Shown
  const { buttons = [], sections = [] } = interactive?.action ?? {}
  const rows = [...buttons.map(({ reply }) => reply), ...sections.flatMap(({ rows: inner }) => inner)]
  const [file] = Object.values(message).filter((value) => typeof value === 'object' && 'caption' in value)
  return {
    text: text?.body ?? interactive?.body.text ?? file?.caption ?? '',
    buttons: rows.map(({ id: token, title: label }) => ({ token, label })),
  }
}

const pressOf = (person: Person, { token, label }: Button, key: string): Told =>
  messageOf(person, key, 'interactive', {
    interactive: { type: 'button_reply', button_reply: { id: token, title: label } },
  })

const retryAfter = (seconds: number) => ({
  'content-type': 'application/json; charset=UTF-8',
  'retry-after': String(seconds),
})

export const whatsapp: Kind = {
  channel: 'whatsapp',
  options: (graphUrl) => ({ graphUrl }),
  credentials: () => ({
    phoneNumberId: String(randomInt(1e14, 2e14)),
    accessToken: `EAAG${randomBytes(32).toString('hex')}`,
    appSecret: randomBytes(16).toString('hex'),
    verifyToken: randomBytes(16).toString('hex'),
  }),
  fields: { account: 'phoneNumberId', token: 'accessToken' },
  secrets: ({ accessToken = '', appSecret = '', verifyToken = '' }) => [accessToken, appSecret, verifyToken],
  answer: (call) => answerOf(call, state),
  sentBy,
  isDone: ({ status = 200 }) => status < 400,
  refusals: {
    limited: (seconds) => ({
      ...graphRefusal(429, 130429, 'Rate limit hit'),
      headers: retryAfter(seconds),
    }),
    blocked: graphRefusal(400, 131026, 'Message undeliverable'),
    unauthorized: graphFaultAnswers.unauthorized,
    broken: graphFaultAnswers['server-error'],
  },
  limits: 'account',
  cards: 3,
  addressOf: numberOf,
  endpointOf: (person, { phoneNumberId = '*' } = {}) => ({
    ...{ identity: phoneNumberId, sender: numberOf(person), thread: '*' },
  }),
  write: (person, text, key) => messageOf(person, key, 'text', { text: { body: text } }),
  send: (person, key) => ({
    told: messageOf(person, key, 'image', { image: { id: FILE, mime_type: 'image/jpeg', caption: 'Look' } }),
    bytes: state.files.get(FILE)?.body ?? '',
  }),
  press: (person, { buttons }, index, key) =>
    pressOf(person, buttons[index] ?? { token: '', label: '' }, key),
  forge: pressOf,
  again: (told) => told,
  proof: 'signature',
  sign(told, { appSecret = '', phoneNumberId = '' }) {
    const body = bodyFor(told, phoneNumberId)
    return { ...told, body, headers: { ...told.headers, ...signedHeaders(body, appSecret) } }
  },
  malformed: [
    { headers: { 'content-type': 'application/json' }, body: '{"object":"page","entry":[]}' },
    { headers: { 'content-type': 'application/json' }, body: '{}' },
    { headers: { 'content-type': 'text/plain' }, body: 'hello' },
  ],
  thanks: { status: 200, text: '' },
}
