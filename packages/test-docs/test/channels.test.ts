import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Channel,
  type ChannelRuntime,
  type ContentType,
  contentTypes,
  type Endpoint,
  type InboundEvent,
  type IntegrationMode,
  type Pace,
} from '@plugboard/core'
import { expect, test } from 'vitest'
import { channels, recordedEvents, runtimeOf } from './support/channels.js'
import { repository } from './support/visit.js'

/** A channel as a row of the table reads it. */
interface Subject {
  channel: Channel
  runtime: ChannelRuntime<unknown, unknown>
  /** Of its recorded requests: what the provider reports is declared nowhere. */
  events: readonly InboundEvent[]
}

interface Row {
  title: string
  /** Below the table. Absent: the row before explains it. */
  meaning?: string
  cell(subject: Subject): string
}

const modes: readonly IntegrationMode[] = ['webhook', 'listen']
const modesOf = ({ modes: declared = { webhook: [] } }: Channel): IntegrationMode[] =>
  modes.filter((mode) => mode in declared)

/** For channels with `account`: a configuration of each mode, and one for the shared URL if that differs. */
const configurations: Record<string, { [mode in IntegrationMode | 'shared']?: object }> = {
  discord: {
    webhook: { applicationId: '1198765432109876543', publicKey: 'a'.repeat(64), botToken: 'token' },
    listen: { applicationId: '1198765432109876543', botToken: 'token' },
  },
  instagram: {
    webhook: { appSecret: 'secret', verifyToken: 'token', accountId: '2', accessToken: 'IGAA' },
  },
  messenger: {
    webhook: { appId: '1', appSecret: 'secret', verifyToken: 'token', pageId: '2', accessToken: 'EAAG' },
  },
  slack: {
    shared: { botToken: 'xoxb-1', teamId: 'T1' },
    webhook: { botToken: 'xoxb-1', signingSecret: 'secret' },
    listen: { botToken: 'xoxb-1', appToken: 'xapp-1-A1-2-abc' },
  },
  smooch: { webhook: { appId: 'app', keyId: 'app_1', keySecret: 'secret', webhookSecret: 'secret' } },
  teams: { webhook: { appId: 'a', appPassword: 'secret' } },
  telegram: { webhook: { botToken: '7:abc' }, listen: { botToken: '7:abc' } },
  whatsapp: { webhook: { phoneNumberId: '106540352242922', accessToken: 'EAAG' } },
  vonage: { webhook: { apiKey: 'abcd1234', apiSecret: 'secret', signatureSecret: 'secret' } },
}

/** For channels with a reply window that only some endpoints have: one endpoint of each kind. */
const endpoints: Record<string, Record<string, Endpoint>> = {
  twilio: {
    SMS: { identity: '+15550001', sender: '+15550002', thread: '*' },
    WhatsApp: { identity: 'whatsapp:+15550001', sender: 'whatsapp:+15550002', thread: '*' },
  },
  vonage: {
    SMS: { identity: 'sms:15550001', sender: 'sms:15550002', thread: '*' },
    WhatsApp: { identity: '15550001', sender: '15550002', thread: '*' },
  },
}

const NONE = '–'
const yes = (value: unknown): string => (value ? 'yes' : NONE)
const listed = (words: readonly string[]): string => words.join(', ') || NONE
const limit = (most: number): string => (most === Number.MAX_SAFE_INTEGER ? 'no limit' : String(most))

function paceOf(pace: Pace | undefined): string {
  if (!pace) return NONE
  const { perSecond, burst } = pace
  const steady = perSecond < 1 ? `1 in ${Math.round(1 / perSecond)} seconds` : `${perSecond} a second`
  return `${steady}, ${burst} at once`
}

const contentRow = (type: ContentType): Row => ({
  title: `\`${type}\``,
  cell({ channel: { capabilities } }) {
    return capabilities.content === 'any' ? 'unchanged' : yes(capabilities.content.includes(type))
  },
})

/** A press may come as the message that it is for the bot. */
const isPress = (event: InboundEvent): boolean =>
  event.type === 'message' && event.content.type === 'quick_reply'

const hasEvent =
  (type: InboundEvent['type']) =>
  ({ events }: Subject): string =>
    yes(events.some((event) => event.type === type))

function buttonsOf({ capabilities: { content, buttons } }: Channel, field: 'max' | 'maxLabel'): string {
  return content === 'any' ? 'unchanged' : String(buttons?.[field] ?? NONE)
}

function receiptsOf(events: readonly InboundEvent[]): string {
  const reported = new Set(
    events.flatMap((event) =>
      event.type === 'delivery' || event.type === 'watermark' ? [event.status] : [],
    ),
  )
  return listed((['sent', 'delivered', 'read', 'failed'] as const).filter((status) => reported.has(status)))
}

function windowOf({ name, capabilities: { window } }: Channel): string {
  if (!window) return NONE
  const { hours, appliesTo } = window
  if (!appliesTo) return `${hours} hours`
  const kinds = Object.entries(endpoints[name] ?? {}).filter(([, endpoint]) => appliesTo(endpoint))
  if (kinds.length === 0) throw new Error(`name an endpoint of ${name} that has the reply window`)
  return `${kinds.map(([kind]) => kind).join(', ')}: ${hours} hours`
}

function accountOf(channel: Channel): string {
  const { name, account } = channel
  if (!account) return NONE
  const ways = [...modesOf(channel), ...(configurations[name]?.shared ? (['shared'] as const) : [])]
  const having = ways.filter((way) => {
    const config = configurations[name]?.[way]
    if (!config) throw new Error(`give a configuration of ${name} for ${way}`)
    return account(config) !== undefined
  })
  return having.length === ways.length ? 'yes' : listed(having.map((way) => wayTitles[way]))
}

const changeOf = ({ runtime }: Subject, what: 'edit' | 'remove'): string =>
  runtime[what] && runtime.canChange ? 'if configured' : yes(runtime[what])

const wayTitles = {
  webhook: 'with a webhook',
  listen: 'when listening',
  direct: 'without a provider',
  shared: 'in a shared app',
}

function setupOf({ channel, runtime }: Subject): string {
  if (runtime.provision) return 'automatic'
  return channel.setup ? 'by hand' : NONE
}

const rows: Row[] = [
  ...contentTypes.map(contentRow),
  {
    title: 'Characters of a text',
    meaning: 'The most in one message. A longer text becomes several messages.',
    cell: ({ channel }) => limit(channel.capabilities.maxTextLength),
  },
  {
    title: 'Characters of a caption',
    meaning: 'The most in the title of a picture, a video or a file. A longer one is sent as a text.',
    cell({ channel: { capabilities } }) {
      return limit(capabilities.maxCaptionLength ?? capabilities.maxTextLength)
    },
  },
  {
    title: 'Buttons',
    meaning: 'The most below one message. Others become numbered lines, and so do all where there are none.',
    cell: ({ channel }) => buttonsOf(channel, 'max'),
  },
  {
    title: 'Characters of a button',
    meaning: 'The most on the label of a button.',
    cell: ({ channel }) => buttonsOf(channel, 'maxLabel'),
  },
  {
    title: 'Pace to one address',
    meaning:
      'Calls to the provider for one person or room: how many for long, and how many at once after a silence. The server queues what is faster. Without a number, the answers of the provider set the pace.',
    cell: ({ channel }) => paceOf(channel.capabilities.rate?.perEndpoint),
  },
  {
    title: 'Pace in all',
    meaning: 'The same, for all people and rooms of an integration together.',
    cell: ({ channel }) => paceOf(channel.capabilities.rate?.perIntegration),
  },
  {
    title: 'Parts in one call',
    meaning: 'How many parts of one message the provider takes in one call.',
    cell: ({ channel }) => String(channel.capabilities.batch?.max ?? NONE),
  },
  {
    title: 'Second form',
    meaning:
      'If the provider reports later that it does not take the content, such as a picture that it could not download, the server sends another form of it, such as the address as text.',
    cell: ({ runtime }) => yes(runtime.secondForm),
  },
  {
    title: 'Edit',
    meaning: 'Editing a message through the API changes what people see.',
    cell: (subject) => changeOf(subject, 'edit'),
  },
  {
    title: 'Remove',
    meaning: 'Deleting a message through the API removes what people see.',
    cell: (subject) => changeOf(subject, 'remove'),
  },
  {
    title: 'Typing indicator',
    meaning: 'People see that the bot is writing.',
    cell: ({ runtime }) => yes(runtime.indicateTyping),
  },
  {
    title: 'Read marks',
    meaning: 'People see that the business has read their messages.',
    cell: ({ runtime }) => yes(runtime.markRead),
  },
  {
    title: 'Reply window',
    meaning:
      'How long after a person last wrote the bot may send any message. Without one, it may always send.',
    cell: ({ channel }) => windowOf(channel),
  },
  {
    title: 'After the window',
    meaning: 'What may still be sent then. Anything else is a dead letter at once.',
    cell: ({ channel }) => channel.capabilities.window?.allows ?? NONE,
  },
  {
    title: 'Receipts',
    meaning:
      'What the provider reports of a message after it accepted it. `failed` makes it a dead letter, which can be replayed.',
    cell: ({ events }) => receiptsOf(events),
  },
  {
    title: 'Files of people',
    meaning:
      "The server fetches them with the integration's credentials, so bots get an address of the server. Without this, bots get what the sender put into the message.",
    cell: ({ runtime }) => yes(runtime.openMedia),
  },
  {
    title: 'Presses of buttons',
    meaning:
      'Bots get a press with its value, also of a button of a template. Without this, people answer with a number or a label, or your own program sends a payload for it.',
    cell: ({ events }) => yes(events.some((event) => event.type === 'choice' || isPress(event))),
  },
  {
    title: 'Names of people',
    meaning:
      'Users have the names that people have at the provider: events have them, or the server looks them up once.',
    cell: ({ runtime, events }) =>
      yes(runtime.describePerson ?? events.some(({ person }) => person?.name !== undefined)),
  },
  { title: 'Edits by people', meaning: 'Bots get them.', cell: hasEvent('edited') },
  { title: 'Deletions by people', meaning: 'Bots get them.', cell: hasEvent('deleted') },
  { title: 'Reactions of people', meaning: 'Bots get them.', cell: hasEvent('reaction') },
  {
    title: 'Start of a conversation',
    meaning: 'Bots get an event when a person opens the conversation, such as by a link, and its data.',
    cell: hasEvent('started'),
  },
  {
    title: 'Blocks by people',
    meaning: 'The provider reports that a person blocked the bot or left.',
    cell: hasEvent('blocked'),
  },
  {
    title: 'Changing addresses',
    meaning: 'A person or a room may get another address, and the conversation continues there.',
    cell({ channel: { capabilities } }) {
      const names = { sender: 'people', thread: 'rooms' }
      return listed((capabilities.renames ?? []).map((part) => names[part]))
    },
  },
  {
    title: 'Context',
    meaning: 'The server keeps for each address what replies need, such as a reply token.',
    cell: ({ channel }) => yes(channel.capabilities.context),
  },
  {
    title: 'Webhook',
    meaning: 'The provider calls a URL of the server, which must be public.',
    cell: ({ channel }) => yes(modesOf(channel).includes('webhook')),
  },
  {
    title: 'Listening',
    meaning: 'The server keeps a connection to the provider open, and needs no public URL.',
    cell: ({ channel }) => yes(modesOf(channel).includes('listen')),
  },
  {
    title: 'Shared webhook URL',
    meaning:
      'The provider can call one URL of the server for all integrations of an app, of whichever client.',
    cell: ({ channel }) => yes(channel.inbound?.isShared),
  },
  {
    title: 'One client only',
    meaning:
      'Only one client can use an account of the provider, such as a bot. A client can have several integrations of every channel, each with its own configuration and conversations.',
    cell: ({ channel }) => accountOf(channel),
  },
  {
    title: 'Setup at the provider',
    meaning:
      'Whether the server registers its webhook, or a person enters it by the instructions in the answer of the sync. Without either, your own program calls the URL.',
    cell: setupOf,
  },
  {
    title: 'Check of credentials',
    meaning: 'A sync verifies them with the provider, and health shows the result.',
    cell: ({ runtime }) => yes(runtime.check),
  },
  {
    title: 'Renewal of credentials',
    meaning: 'The server renews what expires, such as an access token, before it does.',
    cell: ({ runtime }) => yes(runtime.refresh),
  },
]

async function subjectOf(channel: Channel): Promise<Subject> {
  return { channel, runtime: await runtimeOf(channel), events: recordedEvents(channel.name) }
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`

test('docs/channels.md has what each channel can do; `-u` writes it', async () => {
  const subjects = await Promise.all([...channels.values()].map(subjectOf))
  const names = subjects.map(({ channel: { name } }) => `[${name}](../packages/channel-${name}/README.md)`)
  const page = [
    '# What each channel can do',
    '',
    `A column is a channel of Plugboard, a row something that channels differ in; its meaning is below the table. \`${NONE}\` means that the provider or the channel does not have it.`,
    '',
    line(['', ...names]),
    line(['---', ...names.map(() => '---')]),
    ...rows.map(({ title, cell }) => line([title, ...subjects.map(cell)])),
    '',
    '## What the rows mean',
    '',
    `- **${contentTypes.map((type) => `\`${type}\``).join(', ')}**: the [types of messages](payloads.md) that people see in the provider's own form. Others are sent as something simpler, such as a picture and a text for a card; a template as its \`text\`, if it has one. \`unchanged\`: your own program gets the payload as the bot posted it, and decides what to show.`,
    ...rows.flatMap(({ title, meaning }) => (meaning ? [`- **${title}**: ${meaning}`] : [])),
    '',
    'To add a channel, see [write a channel](write-a-channel.md).',
    '',
    'A test generates this page from the declaration, the code and the recorded requests of each channel. After changing a channel, run `pnpm exec vitest run packages/test-docs/test/channels.test.ts -u`.',
    '',
  ]
  await expect(page.join('\n')).toMatchFileSnapshot('../../../docs/channels.md')
})

test('the page has every channel of the repository', () => {
  const folders = readdirSync(join(repository, 'packages')).filter((name) => name.startsWith('channel-'))
  expect([...channels.keys()].map((name) => `channel-${name}`).sort()).toEqual(folders.sort())
})

test.each(
  Object.entries(configurations).flatMap(([name, byMode]) =>
    Object.entries(byMode).map(([mode, config]) => ({ name, mode, config })),
  ),
)('the configuration of $name for $mode is valid', async ({ name, config }) => {
  expect(await channels.get(name)?.config['~standard'].validate(config)).toEqual({ value: config })
})
