import { randomBytes } from 'node:crypto'
import type { ProviderCall } from '@plugboard/core/testing'
import {
  answerOf,
  faultAnswers,
  type SentMessage,
  sid,
} from '../../../../../packages/channel-twilio/test/fake-twilio.js'
import { inboundMessage, sign } from '../../../../../packages/channel-twilio/test/twilio-requests.js'
import { json, type Kind, type Person, type Told } from './provider.js'

/** The number of the business. */
const OURS = '+15557122661'
const numberOf = (person: Person): string => `+1415555${String(person).padStart(4, '0')}`

const FILE = `/2010-04-01/Accounts/${sid('AC', 0)}/Messages/${sid('MM', 0)}/Media/${sid('ME', 0)}`
const files = new Map([[FILE, { mime: 'image/jpeg', body: 'bytes of a picture at Twilio' }]])
const messages: SentMessage[] = []

const sidOf = (key: string): string => `SM${key.replaceAll('-', '').padEnd(32, '0').slice(0, 32)}`

/** The address is part of the signature, and is filled in there. */
function told(person: Person, key: string, fields: Record<string, string>): Told {
  const { headers, body } = inboundMessage('https://hub.example/', {
    ...{ MessageSid: sidOf(key), From: numberOf(person), To: OURS, ...fields },
  })
  return { headers: headers as Record<string, string>, body: Buffer.from(body).toString() }
}

function sentBy(call: ProviderCall) {
  const [, by = ''] = /^\/2010-04-01\/Accounts\/(\w+)\/Messages\.json$/.exec(call.path) ?? []
  if (call.method !== 'POST' || !by) return undefined
  const form = new URLSearchParams(call.body)
  const callback = form.get('StatusCallback')
  return {
    ...{ by, to: form.get('To') ?? '', text: form.get('Body') ?? '', buttons: [] },
    ...(callback && { callback }),
  }
}

const refused = (status: number, code: number, headers: Record<string, string> = {}) =>
  json(status, { code, message: 'refused', status }, headers)

export const twilio: Kind = {
  channel: 'twilio',
  options: (apiBaseUrl) => ({ apiBaseUrl }),
  credentials: () => ({
    accountSID: `AC${randomBytes(16).toString('hex')}`,
    authToken: randomBytes(16).toString('hex'),
  }),
  fields: { account: 'accountSID', token: 'authToken' },
  secrets: ({ accountSID = '', authToken = '' }) => [
    authToken,
    Buffer.from(`${accountSID}:${authToken}`).toString('base64'),
  ],
  answer: (call) => answerOf(call, { messages, files }),
  sentBy,
  isDone: ({ status = 200 }) => status < 400,
  refusals: {
    limited: (seconds) => refused(429, 20429, { 'retry-after': String(seconds) }),
    blocked: refused(400, 21610),
    unauthorized: faultAnswers.unauthorized,
    broken: faultAnswers['server-error'],
  },
  limits: 'account',
  cards: 3,
  addressOf: numberOf,
  endpointOf: (person) => ({ identity: OURS, sender: numberOf(person), thread: '*' }),
  write: (person, text, key) => told(person, key, { Body: text }),
  send: (person, key) => ({
    told: told(person, key, {
      ...{ Body: 'Look', NumMedia: '1', MediaContentType0: 'image/jpeg' },
      MediaUrl0: `https://api.twilio.com${FILE}`,
    }),
    bytes: files.get(FILE)?.body ?? '',
  }),
  press: (person, _question, index, key) => told(person, key, { Body: String(index + 1) }),
  again: (request) => request,
  proof: 'signature',
  sign(request, { authToken = '' }, publicUrl) {
    const { headers, body } = request
    const signed = sign({ method: 'POST', publicUrl, headers, body: Buffer.from(body) }, { authToken })
    return { ...request, headers: signed.headers as Record<string, string> }
  },
  malformed: [
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'Body=from+nobody' },
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' },
    { headers: { 'content-type': 'text/plain' }, body: 'hello' },
  ],
  thanks: { status: 200, text: '<Response></Response>' },
}
