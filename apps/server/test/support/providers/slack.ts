import { randomBytes } from 'node:crypto'
import type { Answer, ProviderCall } from '@plugboard/core/testing'
import {
  answer,
  faultAnswers,
  type Posted,
  signatureOf,
} from '../../../../../packages/channel-slack/test/fake-slack.js'
import { type Button, json, type Kind, type Person, type Told } from './provider.js'

const FILE = '/files-pri/T1-F1/picture.png'
const bytes = 'bytes of a picture at Slack'

interface Control {
  value?: string
  text?: { text: string }
  options?: { value: string; text: { text: string } }[]
}

const userOf = (person: Person): string => `U${5000 + person}`
const roomOf = (person: Person): string => `D${5000 + person}`
/** Unique in its channel, and later for a later key. */
const timeOf = (key: string): string =>
  `${Math.floor(Date.now() / 1000)}.${String(Number.parseInt(key.replaceAll('-', '').slice(0, 12), 16) % 1e9).padStart(9, '0')}`

const event = (person: Person, key: string, content: object): Told => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    token: 'verification',
    team_id: 'T1',
    type: 'event_callback',
    event_id: `Ev${key}`,
    event_time: Math.floor(Date.now() / 1000),
    authorizations: [{ user_id: 'U0BOT', is_bot: true }],
    event: {
      type: 'message',
      channel_type: 'im',
      channel: roomOf(person),
      user: userOf(person),
      ts: timeOf(key),
      ...content,
    },
  }),
})

const press = (person: Person, { label, token }: Button, key: string): Told => ({
  headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
  body: new URLSearchParams({
    payload: JSON.stringify({
      type: 'block_actions',
      user: { id: userOf(person), username: 'ada' },
      channel: { id: roomOf(person) },
      container: { channel_id: roomOf(person), message_ts: '1700000000.000001' },
      trigger_id: key,
      actions: [
        {
          type: 'button',
          block_id: 'b',
          action_id: `a-${key}`,
          action_ts: timeOf(key),
          value: token,
          text: { type: 'plain_text', text: label },
        },
      ],
    }),
  }).toString(),
})

const tokenOf = ({ headers }: ProviderCall): string =>
  /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''

function sentBy(call: ProviderCall) {
  if (call.path !== '/api/chat.postMessage') return undefined
  const form = new URLSearchParams(call.body)
  const blocks = JSON.parse(form.get('blocks') ?? '[]') as { elements?: Control[] }[]
  const controls = blocks.flatMap(({ elements = [] }) => elements)
  const choices = controls.flatMap(({ options, value, text }) => options ?? (value ? [{ value, text }] : []))
  return {
    by: tokenOf(call),
    to: form.get('channel') ?? '',
    // What a notification says and what the person sees, of which one holds what a test looks for.
    text: form.get('text') ?? '',
    buttons: choices.map(({ value, text }): Button => ({ label: text?.text ?? '', token: value })),
  }
}

/** Messages that an edit or a removal is about. */
const posted: Posted[] = []

export const slack: Kind = {
  channel: 'slack',
  options: (url) => ({ slackApiUrl: `${url}/api/` }),
  credentials: () => ({
    signingSecret: randomBytes(16).toString('hex'),
    botToken: `xoxb-${randomBytes(16).toString('hex')}`,
  }),
  fields: { account: 'botToken', token: 'botToken' },
  secrets: ({ signingSecret = '', botToken = '' }) => [signingSecret, botToken],
  answer(call): Answer {
    if (call.path === FILE && tokenOf(call)) return { headers: { 'content-type': 'image/png' }, body: bytes }
    return json(200, answer(call, posted))
  },
  sentBy,
  isDone: ({ body = '' }) => !body.includes('"ok":false'),
  refusals: {
    limited: (seconds) => json(429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(seconds) }),
    blocked: json(200, { ok: false, error: 'channel_not_found' }),
    unauthorized: json(200, { ok: false, error: 'invalid_auth' }),
    broken: faultAnswers['server-error'] as Answer,
  },
  limits: 'person',
  cards: 30,
  addressOf: roomOf,
  endpointOf: (person) => ({ identity: '*', sender: userOf(person), thread: roomOf(person) }),
  write: (person, text, key) => event(person, key, { text }),
  send: (person, key, url) => ({
    told: event(person, key, {
      subtype: 'file_share',
      text: '',
      files: [
        {
          ...{ id: 'F1', name: 'picture.png', title: 'Look', mimetype: 'image/png', size: bytes.length },
          url_private: url + FILE,
        },
      ],
    }),
    bytes,
  }),
  press: (person, { buttons }, index, key) => press(person, buttons[index] as Button, key),
  forge: press,
  again: ({ headers, ...rest }) => ({
    ...rest,
    headers: { ...headers, 'x-slack-retry-num': '1', 'x-slack-retry-reason': 'http_timeout' },
  }),
  proof: 'signature of the time',
  sign: (request, { signingSecret = '' }, _publicUrl, at) => ({
    ...request,
    headers: { ...request.headers, ...signatureOf(request.body, signingSecret, at) },
  }),
  malformed: [
    { headers: { 'content-type': 'application/json' }, body: '{"type":' },
    {
      headers: { 'content-type': 'application/json' },
      body: '{"type":"event_callback","event_id":"E","event":{}}',
    },
    { headers: { 'content-type': 'text/plain' }, body: 'hello' },
    { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'payload=%7B' },
  ],
  thanks: { status: 200, text: '' },
}
