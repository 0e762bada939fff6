import { randomBytes, randomInt } from 'node:crypto'
import type { ProviderCall } from '@plugboard/core/testing'
import { answerTo, callOf, refusal } from '../../../../../packages/channel-telegram/test/fake-telegram.js'
import type { Button, Kind, Person, Told } from './provider.js'

const files = { 'file-of-ada': { path: 'photos/file_7.jpg', body: 'bytes of a photo at Telegram' } }

interface Markup {
  inline_keyboard: { text: string; callback_data?: string }[][]
}

const chatOf = (person: Person): number => 5000 + person
const numberOf = (key: string): number => Number.parseInt(key.replaceAll('-', '').slice(0, 12), 16)
const now = (): number => Math.floor(Date.now() / 1000)

const told = (update: object): Told => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(update),
})

const from = (person: Person) => ({ id: chatOf(person), is_bot: false, first_name: `Ada ${person}` })

const message = (person: Person, key: string, content: object): Told =>
  told({
    update_id: numberOf(key),
    message: {
      message_id: numberOf(key),
      date: now(),
      chat: { id: chatOf(person), type: 'private' },
      from: from(person),
      ...content,
    },
  })

function sentBy(call: ProviderCall) {
  const { token = '', method = '', args = {} } = callOf(call) ?? {}
  if (!/^send(?!ChatAction)/.test(method)) return undefined
  const markup = args.reply_markup as Markup | undefined
  const buttons = (markup?.inline_keyboard ?? []).flat()
  return {
    by: token,
    to: String(args.chat_id),
    text: String(args.text ?? args.caption ?? ''),
    buttons: buttons.flatMap(({ text, callback_data }): Button[] =>
      callback_data === undefined ? [] : [{ label: text, token: callback_data }],
    ),
  }
}

const press = (person: Person, { label, token }: Button, key: string): Told =>
  told({
    update_id: numberOf(key),
    callback_query: {
      id: key,
      from: from(person),
      data: token,
      message: {
        message_id: 77,
        date: now(),
        chat: { id: chatOf(person), type: 'private' },
        reply_markup: { inline_keyboard: [[{ text: label, callback_data: token }]] },
      },
    },
  })

/** The secrets that it was told with each webhook, by the bot's token. */
const secrets = new Map<string, string>()

export const telegram: Kind = {
  channel: 'telegram',
  options: (apiRoot) => ({ apiRoot }),
  credentials: () => ({
    botToken: `${randomInt(1e9, 9e9)}:AAH${randomBytes(24).toString('base64url').replaceAll('-', '_')}`,
  }),
  fields: { account: 'botToken', token: 'botToken' },
  secrets: ({ botToken = '' }) => [botToken, botToken.split(':')[1] ?? '', secrets.get(botToken) ?? botToken],
  answer(call) {
    const answer = answerTo(call, { files })
    const { token, method, args } = callOf(call) ?? {}
    if (token && method === 'setWebhook' && args) secrets.set(token, String(args.secret_token))
    return answer
  },
  sentBy,
  isDone: ({ status = 200 }) => status < 300,
  refusals: {
    limited: (seconds) => refusal(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds }),
    blocked: refusal(403, 'Forbidden: bot was blocked by the user'),
    unauthorized: refusal(401, 'Unauthorized'),
    broken: refusal(502, 'Bad Gateway'),
  },
  limits: 'account',
  cards: 3,
  addressOf: (person) => String(chatOf(person)),
  endpointOf: (person) => ({
    identity: '*',
    sender: String(chatOf(person)),
    thread: String(chatOf(person)),
  }),
  write: (person, text, key) => message(person, key, { text }),
  send: (person, key) => ({
    told: message(person, key, {
      photo: [{ file_id: 'file-of-ada', file_unique_id: 'u', width: 90, height: 90, file_size: 28 }],
      caption: 'Look',
    }),
    bytes: files['file-of-ada'].body,
  }),
  press: (person, { buttons }, index, key) => press(person, buttons[index] as Button, key),
  forge: press,
  again: (request) => request,
  proof: 'secret',
  sign: (request, { botToken = '' }) => ({
    ...request,
    headers: { ...request.headers, 'x-telegram-bot-api-secret-token': secrets.get(botToken) ?? 'none' },
  }),
  malformed: [
    told({}),
    told({ update_id: 1, message: { text: 'from nobody' } }),
    { headers: { 'content-type': 'application/json' }, body: '{"update_id":' },
    { headers: { 'content-type': 'application/json' }, body: '' },
  ],
  thanks: { status: 200, text: '' },
}
