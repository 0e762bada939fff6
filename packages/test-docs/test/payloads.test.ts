import type { Activity } from '@plugboard/client'
import {
  buttonsOf,
  type Channel,
  type ContentType,
  capabilitiesAt,
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

const messageId = '5f1c2c6e-4b1f-7c3a-9d55-0a1b2c3d4e5f'
const userId = '5f1c2c6e-1a2b-7c3a-9d55-0a1b2c3d4e5f'
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
/** Everything that an activity can be, and when a bot gets it. */
const activities: [meaning: string, activity: Activity][] = [
  [
    'The person edited a message, or it was edited through the API.',
    { type: 'edited', messageId, payload: { type: 'text', text: 'Is it open on Sunday?' } },
  ],
  ['The person deleted a message.', { type: 'deleted', messageId }],
  ['A message was deleted through the API.', { type: 'removed', messageId }],
  [
    'The person reacted to a message, or took the reaction back.',
    { type: 'reaction', messageId, emoji: '👍', removed: false },
  ],
  [
    'What became of a message of the bot: `sent`, `delivered` or `read`.',
    { type: 'delivery', messageId, status: 'read' },
  ],
  [
    'The provider reports that a message of the bot did not arrive. `code` is its own, if it names one. The message is a dead letter, which can be replayed.',
    {
      type: 'delivery',
      messageId,
      status: 'failed',
      failure: { kind: 'recipient', message: 'Unreachable destination handset', code: '30003' },
    },
  ],
  ['The person blocked the bot.', { type: 'blocked' }],
  ['Everything up to now was read: by this user, or by the business.', { type: 'read', userId }],
  ['A user types, or stops; without `userId`, the business.', { type: 'typing', userId, isTyping: true }],
  ['A user joined a group.', { type: 'joined', userId }],
  ['A user left a group.', { type: 'left', userId }],
  ['The conversation was closed.', { type: 'closed' }],
  ['The conversation was reopened.', { type: 'reopened' }],
]

const received: JsonObject[] = [
  { type: 'text', text: 'Is it open?' },
  { type: 'image', url: 'https://hub.example/media/…', mime: 'image/jpeg', size: 48_213, title: 'The hole' },
  { type: 'audio', url: 'https://hub.example/media/…', mime: 'audio/mpeg', name: 'song.mp3' },
  { type: 'voice', url: 'https://hub.example/media/…', mime: 'audio/ogg' },
  { type: 'video', url: 'https://hub.example/media/…', mime: 'video/mp4' },
  { type: 'file', url: 'https://hub.example/media/…', mime: 'application/pdf', name: 'bill.pdf' },
  { type: 'location', latitude: 46.8139, longitude: -71.208 },
  { type: 'form', text: 'name: Ada\nsize: m', name: 'flow', values: { name: 'Ada', size: 'm' } },
  {
    type: 'order',
    text: '2 × shirt-7, 20 EUR',
    catalogId: '194836987003835',
    items: [{ id: 'shirt-7', quantity: 2, price: 20, currency: 'EUR' }],
  },
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
  { title: 'Teams', channel: channelOf('teams'), endpoint: at('*', '29:7'), outline: teamsOutline },
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
    title: 'WhatsApp through Twilio',
    channel: channelOf('twilio'),
    endpoint: at('whatsapp:+15550001', 'whatsapp:+15550002'),
    outline: twilioOutline,
  },
  {
    title: 'WhatsApp',
    channel: channelOf('whatsapp'),
    endpoint: at('106540352242922', '16505551234'),
    outline: whatsappOutline,
  },
  {
    title: 'WhatsApp through Vonage',
    channel: channelOf('vonage'),
    endpoint: at('15550001', '15550002'),
    outline: vonageOutline,
  },
  {
    title: 'Messenger',
    channel: channelOf('messenger'),
    endpoint: at('*', '7'),
    outline: messengerOutline,
  },
  {
    title: 'Instagram',
    channel: channelOf('instagram'),
    endpoint: at('*', '7'),
    outline: messengerOutline,
  },
  {
    title: 'Discord',
    channel: channelOf('discord'),
    endpoint: at('*', '7'),
    outline: discordOutline,
  },
  {
    title: 'Sunshine Conversations',
    channel: channelOf('smooch'),
    endpoint: at('*', '7'),
    outline: smoochOutline,
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

interface CardElement {
  type: string
  inlines?: { text: string }[]
  actions?: unknown[]
  choices?: unknown[]
}

function teamsOutline({ args }: Part): string {
  const {
    text,
    textFormat,
    attachments = [],
  } = args as {
    text?: string
    textFormat?: string
    attachments?: { content: { body: CardElement[] } }[]
  }
  if (text !== undefined) return textFormat === 'xml' ? code(text) : cell(text)
  return attachments.map(({ content }) => `a card with ${cardOutline(content.body)}`).join(' beside ')
}

function cardOutline(body: readonly CardElement[]): string {
  const words = body.flatMap(({ inlines }) => (inlines ? [inlines.map(({ text }) => text).join('')] : []))
  const of = (type: string) => body.filter((element) => element.type === type)
  const [buttons, [menu]] = [of('ActionSet').flatMap(({ actions = [] }) => actions), of('Input.ChoiceSet')]
  return [
    of('Image').length > 0 && 'the picture',
    words.length > 0 && cell(words.join('\n')),
    menu && `a menu of ${menu.choices?.length}`,
    buttons.length > 0 && count(buttons.length, 'button'),
  ]
    .filter(Boolean)
    .join(', ')
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

interface MessengerMessage {
  text?: string
  quick_replies?: unknown[]
  template?: object
  attachment?: {
    type: string
    payload: { template_type?: string; elements?: unknown[]; buttons?: unknown[] }
  }
}

function messengerOutline({ args }: Part): string {
  const { message = {} } = args as { message?: MessengerMessage }
  const { text, quick_replies = [], template, attachment } = message
  const { template_type: kind, elements = [], buttons = [] } = attachment?.payload ?? {}
  const file = kind === undefined ? 'the file' : `a ${code(kind)} template`
  return [
    template && 'the template',
    attachment && file,
    elements.length > 0 && count(elements.length, 'card'),
    buttons.length > 0 && count(buttons.length, 'button'),
    text !== undefined && cell(text),
    quick_replies.length > 0 &&
      `${quick_replies.length} quick ${quick_replies.length === 1 ? 'reply' : 'replies'}`,
  ]
    .filter(Boolean)
    .join(', ')
}

interface WhatsAppArgs {
  type: string
  text?: { body: string }
  interactive?: {
    type: string
    body: { text: string }
    action: { buttons?: unknown[]; sections?: { rows: unknown[] }[] }
  }
  location?: { name?: string }
}

function whatsappOutline({ args }: Part): string {
  const message = args as unknown as WhatsAppArgs
  const { type, text, interactive, location } = message
  const { buttons, sections = [] } = interactive?.action ?? {}
  const [file] = Object.values(message).filter((value) => typeof value === 'object' && 'link' in value)
  const words = text?.body ?? interactive?.body.text ?? file?.caption ?? location?.name
  const rows = sections.flatMap((section) => section.rows).length
  return [
    interactive ? code(interactive.type) : text ? '' : code(type),
    words && cell(words),
    buttons && count(buttons.length, 'button'),
    rows > 0 && count(rows, 'row'),
  ]
    .filter(Boolean)
    .join(', ')
}

interface VonageArgs {
  message_type: string
  text?: string
  custom?: { type: string; interactive?: WhatsAppArgs['interactive']; location?: WhatsAppArgs['location'] }
}

/** Vonage has words of its own for what WhatsApp shows. */
function vonageOutline({ call, args }: Part): string {
  const { message_type, text, custom, ...rest } = args as unknown as VonageArgs
  const files = Object.entries(rest).flatMap(([name, value]) => {
    const { url: link, ...file } = Object(value)
    return link === undefined ? [] : [[name, { link, ...file }]]
  })
  const type = custom?.type ?? message_type
  const message = { type, ...custom, ...(text !== undefined && { text: { body: text } }) }
  return whatsappOutline({ call, args: { ...message, ...Object.fromEntries(files) } })
}

interface DiscordArgs {
  content?: string
  embeds?: { title?: string; description?: string; image?: object }[]
  components?: { components: { type: number; options?: unknown[] }[] }[]
  file?: string
}

/** https://docs.discord.com/developers/components/reference: a button, and a menu of texts. */
const [BUTTON, MENU] = [2, 3]

function discordOutline({ args }: Part): string {
  const { content, embeds = [], components = [], file } = args as DiscordArgs
  const controls = components.flatMap((row) => row.components)
  const menu = controls.find(({ type }) => type === MENU)
  const buttons = controls.filter(({ type }) => type === BUTTON).length
  const cards = embeds.map(({ title, description, image }) => {
    const words = [title, description].filter(Boolean).join('\n')
    return ['an embed', image && 'the picture', words && cell(words)].filter(Boolean).join(', ')
  })
  return [
    file && 'the file',
    content && cell(content),
    cards.join(' and '),
    menu && `a menu of ${menu.options?.length}`,
    buttons > 0 && count(buttons, 'button'),
  ]
    .filter(Boolean)
    .join(', ')
}

interface SmoochContent {
  type: string
  text?: string
  altText?: string
  actions?: object[]
  items?: object[]
  location?: { name?: string }
}

function smoochOutline({ args }: Part): string {
  const { content } = args as unknown as { content: SmoochContent }
  const { type, text, altText, actions = [], items, location } = content
  const words = text ?? altText ?? location?.name
  return [
    type !== 'text' && code(type),
    words && cell(words),
    items && count(items.length, 'card'),
    actions.length > 0 && count(actions.length, 'button'),
  ]
    .filter(Boolean)
    .join(', ')
}

async function shownBy({ channel, endpoint, outline }: Place, payload: JsonObject): Promise<string> {
  const runtime = await runtimeOf(channel)
  const contents = degrade(payload, capabilitiesAt(channel.capabilities, endpoint))?.contents ?? []
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
    'The web chat shows every type as it is, and the generic webhook channel passes every payload unchanged. The tables show what the other channels send for the example. Numbered lines replace buttons where there are none: the person answers with the number or the label, and the bot gets the same message as for a press.',
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
    '## What else happens',
    '',
    'An event `conversation.activity` has one of these as `activity`. `messageId` is absent if the server does not know the message.',
    '',
    '| `activity` | what happened |',
    '| --- | --- |',
    ...activities.map(([meaning, activity]) => `| ${code(JSON.stringify(activity))} | ${meaning} |`),
    '',
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
  const types = [...channels.keys()].flatMap((name) => {
    const events = recordedEvents(name)
    expect(events.length, name).toBeGreaterThan(0)
    // A webhook may send any type.
    return events.flatMap((event) =>
      event.type === 'message' && name !== 'webhook' ? [event.content.type] : [],
    )
  })
  const shown = new Set(types.filter((type) => !presses.includes(type)))
  expect([...shown].sort()).toEqual(received.map(({ type }) => type).sort())
})
