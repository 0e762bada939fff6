import {
  buttonsOf,
  type Channel,
  type ContentType,
  contentSchema,
  contentTypes,
  degrade,
  type Endpoint,
  type JsonObject,
  type Part,
  readContent,
} from '@plugboard/core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { channels, recordedEvents, runtimeOf } from './support/channels.js'

const picture = 'https://media.example/shirt.png'
const actions = [
  { action: 'Postback', title: 'Buy', payload: 'buy-7' },
  { action: 'Say something', title: 'Other sizes', text: 'Which sizes are there?' },
  { action: 'Open URL', title: 'Details', url: 'https://shop.example/7' },
]

/** One of each type. Its buttons show what a press becomes. */
const examples = {
  text: {
    type: 'text',
    text: 'Your **order** is on its [way](https://shop.example/7)',
    markdown: true,
    choices: [{ title: 'Thanks', value: 'thanks' }],
  },
  image: { type: 'image', image: picture, title: 'The shirt' },
  audio: { type: 'audio', audio: 'https://media.example/song.mp3', title: 'The song' },
  voice: { type: 'voice', audio: 'https://media.example/note.ogg' },
  video: { type: 'video', video: 'https://media.example/film.mp4', title: 'The film' },
  file: { type: 'file', file: 'https://media.example/bill.pdf', title: 'Your bill' },
  location: {
    type: 'location',
    latitude: 46.8139,
    longitude: -71.208,
    title: 'Our shop',
    address: '2 Main Street',
  },
  card: { type: 'card', title: 'Shirt', subtitle: '20 €', image: picture, actions },
  carousel: {
    type: 'carousel',
    items: [
      { title: 'Shirt', subtitle: '20 €', image: picture, actions: actions.slice(0, 1) },
      { title: 'Hat', subtitle: '10 €', actions: [] },
    ],
  },
  'single-choice': {
    type: 'single-choice',
    text: 'Which size?',
    choices: [
      { title: 'Medium', value: 'm' },
      { title: 'Large', value: 'l' },
    ],
  },
  dropdown: {
    type: 'dropdown',
    message: 'Which city?',
    options: [
      { label: 'Montréal', value: 'yul' },
      { label: 'Québec', value: 'yqb' },
    ],
  },
  template: {
    type: 'template',
    name: 'order_sent',
    language: 'en_US',
    parameters: ['Ada', '7'],
    text: 'Hello Ada, your order 7 is on its way.',
  },
} satisfies Record<ContentType, JsonObject>

/** What bots get of what people send, beside presses of buttons. */
const received: JsonObject[] = [
  { type: 'text', text: 'Is it open?' },
  { type: 'image', url: 'https://hub.example/media/…', mime: 'image/jpeg', size: 48_213, title: 'The hole' },
  { type: 'audio', url: 'https://hub.example/media/…', mime: 'audio/mpeg', name: 'song.mp3' },
  { type: 'voice', url: 'https://hub.example/media/…', mime: 'audio/ogg' },
  { type: 'video', url: 'https://hub.example/media/…', mime: 'video/mp4' },
  { type: 'file', url: 'https://hub.example/media/…', mime: 'application/pdf', name: 'bill.pdf' },
  { type: 'location', latitude: 46.8139, longitude: -71.208 },
]

/** What a press of a button becomes, which the page shows with the buttons. */
const presses = ['quick_reply', 'say_something', 'postback']

/** Payloads that are not as the tables say, and how they are read. */
const unusual: JsonObject[] = [
  { type: 'text', text: 'Hi', markdown: null, choices: null },
  { type: 'image', image: picture, title: '' },
  { type: 'text', text: 7 },
  { type: 'image', url: picture },
  { type: 'card', title: 'Shirt', actions: [{ action: 'Postback', title: '', payload: 'buy-7' }] },
  { type: 'text' },
  { type: 'image', title: 'The shirt' },
  { type: 'location', latitude: 91, longitude: 0 },
]

interface Place {
  title: string
  channel: Channel
  endpoint: Endpoint
  outline(part: Part): string
}

const at = (identity: string, sender: string): Endpoint => ({ identity, sender, thread: '*' })

const places: Place[] = [
  {
    title: 'Telegram',
    channel: channelOf('telegram'),
    endpoint: at('*', '7'),
    outline: telegramOutline,
  },
  { title: 'Slack', channel: channelOf('slack'), endpoint: at('*', 'U7'), outline: slackOutline },
  {
    title: 'SMS, outside of +1',
    channel: channelOf('twilio'),
    endpoint: at('+4930123456', '+4930654321'),
    outline: twilioOutline,
  },
  {
    title: 'SMS, in +1',
    channel: channelOf('twilio'),
    endpoint: at('+15550001', '+15550002'),
    outline: twilioOutline,
  },
  {
    title: 'WhatsApp',
    channel: channelOf('twilio'),
    endpoint: at('whatsapp:+15550001', 'whatsapp:+15550002'),
    outline: twilioOutline,
  },
]

function channelOf(name: string): Channel {
  const channel = channels.get(name)
  if (!channel) throw new Error(`there is no channel ${name}`)
  return channel
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``
const json = (value: unknown): string => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\`\n`
/** A text as a cell of a table shows it. */
const cell = (text: string): string => `“${text.replace(/[&<|*_~\\[\]]/g, '\\$&').replaceAll('\n', '<br>')}”`
const count = (n: number, thing: string): string => `${n} ${thing}${n === 1 ? '' : 's'}`

interface TelegramArgs {
  caption?: string
  text?: string
  title?: string
  reply_markup?: { inline_keyboard: unknown[][] }
}

function telegramOutline({ call, args }: Part): string {
  const { caption, text, title, reply_markup: keyboard } = args as TelegramArgs
  const words = text ?? caption ?? title
  const buttons = keyboard && count(keyboard.inline_keyboard.flat().length, 'button')
  return [code(call), words && cell(words), buttons].filter(Boolean).join(', ')
}

interface Block {
  type: string
  accessory?: { type: string }
  elements?: { type: string }[]
}

function slackOutline({ args }: Part): string {
  const { blocks = [], text = '' } = args as { blocks?: Block[]; text?: string }
  const names = blocks.map(({ type, accessory, elements = [] }) => {
    const inner = type === 'actions' ? elements : accessory ? [accessory] : []
    const kinds = [...new Set(inner.map((each) => each.type))]
    return [
      code(type),
      ...kinds.map((kind) => `with ${count(inner.filter((each) => each.type === kind).length, code(kind))}`),
    ].join(' ')
  })
  return names.length > 0 ? `blocks ${names.join(', ')}` : code(text)
}

function twilioOutline({ args }: Part): string {
  const { body, mediaUrl, persistentAction } = args as {
    body?: string
    mediaUrl?: string[]
    persistentAction?: string[]
  }
  return [mediaUrl && 'the file', persistentAction && 'a place', body && cell(body)]
    .filter(Boolean)
    .join(', ')
}

async function shownBy({ channel, endpoint, outline }: Place, payload: JsonObject): Promise<string> {
  const runtime = await runtimeOf(channel)
  const contents = degrade(payload, channel.capabilities)?.contents ?? []
  const parts = contents.flatMap((content) => runtime.render(content, endpoint))
  return parts.map(outline).join('; then ')
}

interface JsonSchema {
  type?: string
  const?: string
  description?: string
  minLength?: number
  minimum?: number
  maximum?: number
  items?: JsonSchema
  properties?: Record<string, JsonSchema>
  required?: string[]
  oneOf?: JsonSchema[]
}

/** The rows of a table of fields; those of lists follow their list. */
function rowsOf(schema: JsonSchema, path = '', note = ''): string[] {
  const { properties = {}, required = [] } = schema
  return Object.entries(properties).flatMap(([name, field]) => {
    const isRequired = required.includes(name)
    if (path === '' && (name === 'type' || (common.includes(name) && !isRequired))) return []
    const cells = [
      code(path + name),
      typeOf(field),
      isRequired ? 'yes' : '',
      `${field.description ?? ''}${note}`,
    ]
    return [`| ${cells.join(' | ')} |`, ...rowsOfItems(field, `${path}${name}[].`)]
  })
}

function rowsOfItems({ items }: JsonSchema, path: string): string[] {
  if (!items) return []
  const { oneOf: kinds } = items
  if (!kinds) return rowsOf(items, path)
  const names = kinds.map(({ properties }) => typeOf(properties?.action ?? {}))
  const [first = {}] = kinds
  const { action: _, ...shared } = first.properties ?? {}
  const isShared = (name: string) => kinds.every(({ properties = {} }) => name in properties)
  return [
    `| ${code(`${path}action`)} | ${names.join(', ')} | yes | What the button does. |`,
    ...rowsOf({ ...first, properties: fieldsOf(shared, isShared) }, path),
    ...kinds.flatMap((kind, i) => {
      const own = fieldsOf(kind.properties ?? {}, (name) => !isShared(name))
      return rowsOf({ ...kind, properties: own }, path, ` Only with ${names[i]}.`)
    }),
  ]
}

type Fields = Record<string, JsonSchema>

const fieldsOf = (fields: Fields, isWanted: (name: string) => boolean): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => isWanted(name)))

function typeOf({ type, const: literal, minLength, minimum, maximum }: JsonSchema): string {
  if (literal !== undefined) return code(literal)
  if (type === 'string') return minLength ? 'text, not empty' : 'text'
  if (type === 'number')
    return maximum === undefined ? `number, at least ${minimum}` : `number, ${minimum} to ${maximum}`
  return { boolean: 'true or false', array: 'list' }[type ?? ''] ?? String(type)
}

const common = ['typing', 'delay', 'choices']
const table = ['| field | value | required | what it is |', '| --- | --- | --- | --- |']
const schemaOf = (type: ContentType): JsonSchema => {
  const schema = contentSchema.options.find(({ shape }) => shape.type.value === type)
  return z.toJSONSchema(schema as z.ZodType, { io: 'input' }) as JsonSchema
}

/** The fields that every type has. */
function commonRows(): string[] {
  const shared = fieldsOf(schemaOf('text').properties ?? {}, (name) => common.includes(name))
  return Object.entries(shared).flatMap(([name, field]) => {
    const [row = '', ...inner] = rowsOf({ properties: { [name]: field }, required: [name] })
    return [row.replace('| yes |', '|  |'), ...inner]
  })
}

async function sectionOf(type: ContentType): Promise<string> {
  const example: JsonObject = examples[type]
  const shown = await Promise.all(
    places.map(async (place) => `| ${place.title} | ${await shownBy(place, example)} |`),
  )
  const replies = buttonsOf(example).map(({ title, reply }) => `- ${title}: ${code(JSON.stringify(reply))}`)
  return [
    `## ${type}`,
    '',
    ...table,
    ...rowsOf(schemaOf(type)),
    '',
    json(example),
    '| where | what is sent |',
    '| --- | --- |',
    ...shown,
    '',
    ...(replies.length > 0 ? ['A press of its buttons is a message of the person:', '', ...replies, ''] : []),
  ].join('\n')
}

function limitsOf({ title, channel: { capabilities } }: Place): string {
  const { maxTextLength, maxCaptionLength = maxTextLength, buttons } = capabilities
  const row = [title, maxTextLength, maxCaptionLength, buttons?.max ?? 'none', buttons?.maxLabel ?? '']
  return `| ${row.join(' | ')} |`
}

function readingOf(payload: JsonObject): string {
  const { content, faults } = readContent(payload)
  const reading = content
    ? code(JSON.stringify(content))
    : faults.map(({ path, message }) => `${code(path.join('.'))} ${message}`).join(', ')
  return `| ${code(JSON.stringify(payload))} | ${reading} |`
}

test('docs/payloads.md has every content type as it is; `-u` writes it', async () => {
  const page = [
    '# Payloads',
    '',
    'The `payload` of a message is a JSON object. Channels can show the types below. Any other object is stored and passed to webhooks unchanged; a channel shows its `text`, if it has one. Extra fields are kept. The server checks a payload of these types only when a channel has to show it: a post to a conversation without a channel is stored as it is.',
    '',
    'The generic webhook channel passes every payload unchanged. The tables show what the other channels send for the example. Numbered lines replace buttons where there are none: the person answers with the number or the label, and the bot gets the same message as for a press.',
    '',
    '## Any type',
    '',
    ...table,
    ...commonRows(),
    '',
    '| where | characters of a text | of a caption | buttons | characters of a label |',
    '| --- | --- | --- | --- | --- |',
    ...places.map(limitsOf),
    '',
    'A longer text becomes several messages. A longer caption is sent as a text. Buttons that do not fit become numbered lines. [What each channel can do](channels.md) has the rest: edits, receipts, files, pace, setup.',
    '',
    ...(await Promise.all(contentTypes.map(sectionOf))),
    '## How payloads are read',
    '',
    'Channels read a payload as its author meant it. A post gets a 400 that names the field if no channel of its conversation can show the payload.',
    '',
    '| payload | read as |',
    '| --- | --- |',
    ...unusual.map(readingOf),
    '',
    '## What people send',
    '',
    'A file has an address of the server in `url`, which is limited in time: fetch it soon. `mime`, `size` (in bytes), `name` and `title` are there if the provider sends them. Presses of buttons are shown above, each with the `messageId` of the message that has the button. A press always arrives. If its value is not one that the bot gave to this person, it is a `quick_reply` with `foreign: true`: of a template of the provider, of another program, or made up. If the message was deleted since, `payload` is the label. A webhook of a system of your own (the generic webhook channel) may send any type.',
    '',
    ...received.map(json),
    'A test generates this page. After changing the content types or a channel, run `pnpm exec vitest run packages/test-docs/test/payloads.test.ts -u`.',
    '',
  ]
  await expect(page.join('\n')).toMatchFileSnapshot('../../../docs/payloads.md')
})

test.each(Object.entries(examples))(
  'the example of %s is valid, and has every field that is required',
  (_, example) => {
    expect(contentSchema.parse(example)).toEqual(example)
  },
)

test('there is an example of everything that the recordings of channels contain', () => {
  const types = ['slack', 'telegram', 'twilio'].flatMap((name) => {
    const events = recordedEvents(name)
    expect(events.length, name).toBeGreaterThan(0)
    return events.flatMap((event) => (event.type === 'message' ? [event.content.type] : []))
  })
  const shown = new Set(types.filter((type) => !presses.includes(type)))
  expect([...shown].sort()).toEqual(received.map(({ type }) => type).sort())
})
