import type { Answer, ProviderCall } from '@plugboard/core/testing'
import {
  answerTo,
  contentOf,
  faultAnswers,
  limited,
  newWorld,
  refusal,
} from '../../../../../packages/channel-discord/test/fake-discord.js'
import { type MessageBody, unformatted } from '../../../../../packages/channel-discord/test/message-rules.js'
import { addKey, newApp, signatureOf } from '../../../../../packages/channel-discord/test/stage.js'
import type { Button, Kind, Person, Told } from './provider.js'

const FILE = '/attachments/1/2/picture.png'
const bytes = 'bytes of a picture at Discord'

const world = newWorld()
world.files.set(FILE, { headers: { 'content-type': 'image/png' }, body: bytes })

let lastApp = 0
const userOf = (person: Person): string => String(1_290_000_000_000_500_000n + BigInt(person))
const roomOf = (person: Person): string => String(1_290_000_000_000_600_000n + BigInt(person))
/** Of an event of now. https://docs.discord.com/developers/reference#snowflakes */
const idOf = (key: string): string => {
  const unique = BigInt(`0x${key.replaceAll('-', '').slice(0, 5)}`)
  return String((BigInt(Date.now() - 1_420_070_400_000) << 22n) + unique)
}

/** Where the commands were written, by the token with which they are answered. */
const rooms = new Map<string, string>()

/** The bot and the room of a message: in the room, or in the place of the reply that a command waits for. */
function placeOf({ method, path, headers }: ProviderCall): { by: string; to: string } | undefined {
  const [, room] = /^\/api\/v10\/channels\/(\d+)\/messages$/.exec(path) ?? []
  if (room !== undefined && method === 'POST')
    return { by: /^Bot (\S+)$/.exec(headers.authorization ?? '')?.[1] ?? '', to: room }
  const [, app, token = ''] = /^\/api\/v10\/webhooks\/(\d+)\/([^/]+)\/messages\/@original$/.exec(path) ?? []
  const to = rooms.get(token)
  if (to === undefined || method !== 'PATCH') return undefined
  const [by = ''] = [...world.apps].find(([, { applicationId }]) => applicationId === app) ?? []
  return { by, to }
}

/** Requests name their application, which the test sets when it signs them. */
const APPLICATION = 'APPLICATION_ID'

function interaction(person: Person, key: string, type: number, data: object): Told {
  const user = { id: userOf(person), username: 'ada', global_name: 'Ada' }
  const where = { channel_id: roomOf(person), channel: { id: roomOf(person), type: 1 }, context: 1 }
  const owners = { authorizing_integration_owners: { 0: '0' } }
  const body = {
    id: idOf(key),
    application_id: APPLICATION,
    type,
    token: `token-${key}`,
    version: 1,
    user,
    ...where,
    ...owners,
    data,
  }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

const press = (person: Person, { label, token }: Button, key: string): Told => {
  const row = { type: 1, components: [{ type: 2, style: 2, label, custom_id: token }] }
  const told = interaction(person, key, 3, { component_type: 2, custom_id: token })
  const message = { id: '1442999000000000001', channel_id: roomOf(person), components: [row] }
  return { ...told, body: JSON.stringify({ ...JSON.parse(told.body), message }) }
}

/** The words of a message, as a person reads them. */
function wordsOf({ content = '', embeds = [] }: MessageBody): string {
  const words = [content, ...embeds.flatMap(({ title = '', description = '' }) => [title, description])]
  return words.filter(Boolean).map(readable).join('\n')
}

function readable(words: string): string {
  try {
    return unformatted(words)
  } catch {
    // It is formatted.
    return words
  }
}

export const discord: Kind = {
  channel: 'discord',
  options: (url) => ({ apiUrl: `${url}/api/v10` }),
  credentials() {
    lastApp += 1
    const applicationId = String(1_198_765_432_109_000_000n + BigInt(lastApp))
    const { config, key } = newApp(
      applicationId,
      `discord-bot-token.${lastApp}.${Math.random().toString(36).slice(2)}`,
    )
    addKey(config.publicKey, key)
    const { publicKey, botToken } = config
    world.apps.set(botToken, { applicationId, publicKey, url: null })
    return { applicationId, publicKey, botToken }
  },
  fields: { account: 'botToken', token: 'botToken' },
  secrets: ({ botToken = '' }) => [botToken],
  answer: (call): Answer => answerTo(call, world),
  sentBy(call) {
    const place = placeOf(call)
    if (!place) return undefined
    const body = contentOf(call).content as MessageBody
    const components = (body.components ?? []).flatMap((row) => row.components)
    const choices = components.flatMap(({ options, custom_id, label = '' }) =>
      options
        ? options.map(({ label, value }) => ({ label, token: value }))
        : custom_id
          ? [{ label, token: custom_id }]
          : [],
    )
    return { ...place, text: wordsOf(body), buttons: choices }
  },
  isDone: ({ status = 200 }) => status < 300,
  refusals: {
    limited: (seconds) => limited(seconds),
    blocked: refusal(403, 50007, 'Cannot send messages to this user'),
    unauthorized: refusal(401, 0, '401: Unauthorized'),
    broken: faultAnswers['server-error'] as Answer,
  },
  limits: 'person',
  cards: 12,
  addressOf: roomOf,
  endpointOf: (person) => ({ identity: '*', sender: userOf(person), thread: roomOf(person) }),
  // People write over the gateway; with a URL they have commands, which wait for a reply.
  write(person, text, key) {
    world.replies.set(`token-${key}`, { isWaiting: true, message: undefined })
    rooms.set(`token-${key}`, roomOf(person))
    return interaction(person, key, 2, {
      ...{ id: '1', name: 'say', type: 1, options: [{ name: 'words', type: 3, value: text }] },
    })
  },
  heardAs: (text) => `/say ${text}`,
  send: (person, key, url) => ({
    told: interaction(person, key, 2, {
      ...{ id: '1', name: 'look', type: 1, options: [{ name: 'file', type: 11, value: '2' }] },
      resolved: {
        attachments: {
          2: {
            id: '2',
            filename: 'picture.png',
            content_type: 'image/png',
            size: bytes.length,
            url: url + FILE,
            title: 'Look',
          },
        },
      },
    }),
    bytes,
  }),
  press: (person, { buttons }, index, key) => press(person, buttons[index] as Button, key),
  forge: press,
  again: (told) => told,
  proof: 'signature of the time',
  sign(
    { headers, body: told },
    { applicationId = '', publicKey = '', botToken = '' },
    _publicUrl,
    at = new Date(),
  ) {
    const body = told.replace(APPLICATION, applicationId)
    return { headers: { ...headers, ...signatureOf(body, { applicationId, publicKey, botToken }, at) }, body }
  },
  malformed: [
    { headers: { 'content-type': 'application/json' }, body: '{"type":' },
    { headers: { 'content-type': 'application/json' }, body: '{"type":2,"application_id":"APPLICATION_ID"}' },
    { headers: { 'content-type': 'application/json' }, body: '[]' },
  ],
  thanks: { status: 200, text: '{"type":5}' },
}
