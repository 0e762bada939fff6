/** One integration of each channel for many clients, as the fake provider knows them: a token ends in the id of its account. */
interface Kind {
  /** What the client with this number configures. */
  configuration(client: number): object
  /** Where its person with this number is. */
  endpoint(person: number, client: number): { identity: string; sender: string; thread: string }
}

/** Of the first test of RFC 8032. */
export const PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'

const padded = (i: number, length = 32): string => String(i).padStart(length, '0')
const app = (i: number) => ({ appSecret: padded(i), verifyToken: padded(i) })
const accessToken = (start: string, i: number) => `${start}${'x'.repeat(180)}-${accountOf(i)}`
const accountOf = (i: number): string => `1${padded(i, 14)}`

const kinds = {
  telegram: {
    configuration: (i) => ({ mode: 'webhook', botToken: `${1_000_000 + i}:AAH${padded(i)}` }),
    endpoint: (person) => ({ identity: '*', sender: `${person + 1}`, thread: `${person + 1}` }),
  },
  slack: {
    configuration: (i) => ({ signingSecret: padded(i), botToken: `xoxb-${padded(i)}` }),
    endpoint: (person) => ({ identity: '*', sender: `U${person}`, thread: `D${person}` }),
  },
  twilio: {
    configuration: (i) => ({ accountSID: `AC${padded(i)}`, authToken: padded(i) }),
    endpoint: (person) => ({ identity: '+15557122661', sender: `+1415555${1000 + person}`, thread: '*' }),
  },
  teams: {
    configuration: (i) => ({ appId: `app-${i}`, appPassword: padded(i) }),
    endpoint: (person) => ({ identity: '*', sender: `29:${person}`, thread: `a:${person}` }),
  },
  vonage: {
    configuration: (i) => ({ apiKey: padded(i, 8), apiSecret: padded(i), signatureSecret: padded(i) }),
    endpoint: (person) => ({ identity: '447700900000', sender: `4477009${10_000 + person}`, thread: '*' }),
  },
  messenger: {
    configuration: (i) => ({
      ...{ ...app(i), appId: accountOf(i), pageId: accountOf(i) },
      accessToken: accessToken('EAAG', i),
    }),
    endpoint: (person) => ({ identity: '*', sender: `700000${1000 + person}`, thread: '*' }),
  },
  instagram: {
    configuration: (i) => ({
      ...{ ...app(i), accountId: accountOf(i) },
      accessToken: accessToken('IGAA', i),
    }),
    endpoint: (person) => ({ identity: '*', sender: `125000${1000 + person}`, thread: '*' }),
  },
  whatsapp: {
    configuration: (i) => ({
      ...{ ...app(i), phoneNumberId: accountOf(i) },
      accessToken: accessToken('EAAG', i),
    }),
    endpoint: (person, i) => ({ identity: accountOf(i), sender: `1415555${1000 + person}`, thread: '*' }),
  },
  discord: {
    configuration: (i) => ({
      ...{ applicationId: accountOf(i), publicKey: PUBLIC_KEY },
      botToken: `MTE5-${accountOf(i)}`,
    }),
    endpoint: (person) => ({
      identity: '*',
      ...{ sender: `12900000000000${1000 + person}`, thread: `12900000000001${1000 + person}` },
    }),
  },
  smooch: {
    configuration: (i) => ({
      ...{ appId: padded(i, 24), keyId: `app_${padded(i, 24)}` },
      ...{ keySecret: padded(i), webhookSecret: padded(i) },
    }),
    endpoint: (person) => ({ identity: '*', sender: padded(person, 24), thread: padded(person + 100, 24) }),
  },
} satisfies Record<string, Kind>

/** Every channel of a provider that the server loads by default. */
export type ChannelName = keyof typeof kinds
export const channelNames = Object.keys(kinds) as ChannelName[]
export const integrations: Readonly<Record<ChannelName, Kind>> = kinds

/** The channels of a client in sync. */
export const configurationsOf = (client: number): object =>
  Object.fromEntries(
    channelNames.map((name) => [name, { version: '1.0.0', ...integrations[name].configuration(client) }]),
  )
