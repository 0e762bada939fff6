import { randomBytes } from 'node:crypto'
import type { InboundRequest } from '@plugboard/core'
import type { ProviderCall } from '@plugboard/core/testing'
import {
  answerOf,
  faultAnswers,
  problem,
  type Taken,
  uuid,
} from '../../../../../packages/channel-vonage/test/fake-vonage.js'
import { inboundMessage, sign } from '../../../../../packages/channel-vonage/test/vonage-requests.js'
import type { Kind, Person, Sent, Told } from './provider.js'

/** The number of the business on WhatsApp. */
const OURS = '447700900000'
const numberOf = (person: Person): string => `4477019${String(person).padStart(5, '0')}`

const FILE = '/v3/media/1b456509-974c-458b-aafa-45fc48a4d976'
const files = new Map([[FILE, { mime: 'image/jpeg', body: 'bytes of a picture at Vonage' }]])
const messages: Taken[] = []

const toldBy = ({ headers, body }: InboundRequest): Told => ({
  headers: headers as Record<string, string>,
  body: Buffer.from(body).toString(),
})

/** Of now, because WhatsApp takes replies for a day. */
const told = (person: Person, key: string, fields: object): Told =>
  toldBy(
    inboundMessage({
      ...{ message_uuid: uuid(key), from: numberOf(person), to: OURS, timestamp: new Date().toISOString() },
      ...fields,
    }),
  )

/** The texts and the buttons of a message, of whichever kind. */
interface Body {
  to: string
  text?: string
  image?: { caption?: string }
  custom?: {
    interactive?: {
      body: { text: string }
      action: {
        buttons?: { reply: { id: string; title: string } }[]
        sections?: { rows: { id: string; title: string }[] }[]
      }
    }
  }
}

function sentBy(call: ProviderCall): Omit<Sent, 'at'> | undefined {
  if (call.method !== 'POST' || call.path !== '/v1/messages') return undefined
  const [by = ''] = Buffer.from(call.headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':')
  const { to, text, image, custom } = JSON.parse(call.body) as Body
  const { body, action } = custom?.interactive ?? {}
  const replies = [
    ...(action?.buttons ?? []).map(({ reply }) => reply),
    ...(action?.sections?.[0]?.rows ?? []),
  ]
  const buttons = replies.map(({ id, title }) => ({ label: title, token: id }))
  return { by, to, text: text ?? image?.caption ?? body?.text ?? '', buttons }
}

const press = (person: Person, { label, token }: { label: string; token: string }, key: string): Told =>
  told(person, key, { message_type: 'reply', reply: { id: token, title: label } })

export const vonage: Kind = {
  channel: 'vonage',
  options: (url) => ({ apiBaseUrl: url, sandboxBaseUrl: url }),
  credentials: () => ({
    apiKey: randomBytes(4).toString('hex'),
    apiSecret: randomBytes(8).toString('hex'),
    signatureSecret: randomBytes(16).toString('hex'),
  }),
  fields: { account: 'apiKey', token: 'apiSecret' },
  secrets: ({ apiKey = '', apiSecret = '', signatureSecret = '' }) => [
    ...[apiSecret, signatureSecret],
    Buffer.from(`${apiKey}:${apiSecret}`).toString('base64'),
  ],
  answer: (call) => answerOf(call, { messages, files }),
  sentBy,
  isDone: ({ status = 200 }) => status < 400,
  refusals: {
    limited(seconds) {
      const { headers, ...limited } = faultAnswers['rate-limited']
      return { ...limited, headers: { ...headers, 'retry-after': String(seconds) } }
    },
    blocked: problem(422, '1430', 'Invalid recipient'),
    unauthorized: faultAnswers.unauthorized,
    broken: faultAnswers['server-error'],
  },
  limits: 'account',
  cards: 3,
  addressOf: numberOf,
  endpointOf: (person) => ({ identity: OURS, sender: numberOf(person), thread: '*' }),
  write: (person, text, key) => told(person, key, { text }),
  send: (person, key) => ({
    told: told(person, key, {
      message_type: 'image',
      image: { url: `https://api-us.nexmo.com${FILE}`, caption: 'Look' },
    }),
    bytes: files.get(FILE)?.body ?? '',
  }),
  press(person, question, index, key) {
    const button = question.buttons[index]
    if (!button) throw new Error(`the message has no button ${index}`)
    return press(person, button, key)
  },
  forge: (person, button, key) => press(person, button, key),
  again: (request) => request,
  proof: 'signature of the time',
  sign(request, { apiKey = '', signatureSecret = '' }, publicUrl, at = new Date()) {
    const { headers, body } = request
    const unsigned: InboundRequest = { method: 'POST', publicUrl, headers, body: Buffer.from(body) }
    return toldBy(sign(unsigned, { apiKey, signatureSecret }, at))
  },
  malformed: [
    { headers: { 'content-type': 'application/json' }, body: '{}' },
    { headers: { 'content-type': 'application/json' }, body: '{"channel":"sms","to":"1"' },
    { headers: { 'content-type': 'application/json' }, body: '[]' },
  ],
  thanks: { status: 200, text: '' },
}
