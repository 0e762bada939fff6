import { setTimeout as sleep } from 'node:timers/promises'
import { type Heard, type Peer, personSays } from './peers.js'

/** Between whom a message goes, and through what. */
export interface Parties {
  /** Address of the server. */
  url: string
  /** Name of the channel, which is one that `create-plugboard-channel` made. */
  channel: string
  /** What a client configures for it. */
  config: { botId: string; apiToken: string; signingSecret: string }
  bot: Peer
  provider: Peer
}

/** What became of a question and of its answer. */
export interface Conversation {
  /** Status that a forged request was answered with, and one of the provider. */
  forged: number
  genuine: number
  /** The event that the bot got. */
  asked: MessageNew
  /** The requests that the provider got. */
  answered: Heard[]
}

interface MessageNew {
  type: string
  data: { conversationId: string; channel: string; message: { payload: unknown } }
}

/** Longest time for a message from one end to the other. */
const PATIENCE_MS = 30_000

/** A person asks on the channel, and the bot answers through the API. */
export async function converse(parties: Parties, question: string, answer: string): Promise<Conversation> {
  const { url, channel, config, bot, provider } = parties
  const { id, token } = await post<{ id: string; token: string }>(`${url}/api/v1/sync`, {
    channels: { [channel]: { version: '1.0.0', ...config } },
    webhooks: [{ url: bot.url }],
  })
  const says = async (text: string, secret: string): Promise<number> =>
    (await fetch(`${url}/webhooks/v1/${id}/${channel}`, personSays(text, { channel, secret }))).status
  const forged = await says('forged', `not ${config.signingSecret}`)
  const genuine = await says(question, config.signingSecret)
  const [asked] = await eventually(() => eventsOf(bot).filter(({ type }) => type === 'message.new'))
  const { conversationId } = asked.data
  const credentials = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
  await post(
    `${url}/api/v1/messages`,
    { conversationId, payload: { type: 'text', text: answer } },
    credentials,
  )
  const answered = await eventually(() => provider.heard.filter(({ path }) => path === '/v1/messages'))
  return { forged, genuine, asked, answered }
}

const eventsOf = ({ heard }: Peer): MessageNew[] => heard.map(({ body }) => body as MessageNew)

async function post<T>(url: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as T
}

/** What is found, once there is something. @throws when there is nothing for too long */
async function eventually<T>(find: () => T[]): Promise<[T, ...T[]]> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(20)) {
    const [first, ...rest] = find()
    if (first !== undefined) return [first, ...rest]
  }
  throw new Error('nothing came')
}
