import {
  type Author,
  type Id,
  isJsonObject,
  type JsonObject,
  type Message,
  type MessageDetails,
  parseJsonObject,
} from '@plugboard/core'
import { type ClientView, type Entry, type Lookups, messageDetailsOf } from '@plugboard/hub'
import { saidIn } from './map-content.js'
import { nameOf, wireIdOf } from './map-people.js'
import { DEFAULT_CHANNEL, FORMAT_NAME } from './names.js'

/** Messages, as this API shows them. */

/** Data of this dialect for a message that the payload does not contain. */
interface MessageFacts {
  sender: string
  createdBy?: string
  type?: string
  text?: string
  metadata?: JsonObject
  attributes?: JsonObject
  language?: string
  channel?: string
}

/** A message, from the log or from an event. */
export interface Told {
  id: Id
  at: Date
  author: Author
  payload: string
  details?: string | undefined
  /** The channel that its conversation is on, where that is known. */
  channel?: string | undefined
}

export const toldIn = ({ id, at, author = 'business', payload, details, channel }: Entry): Told => ({
  ...{ id, at, author, payload, details, channel },
})
export const toldOf = ({ id, sentAt: at, author, payload, details }: Message): Told => ({
  ...{ id, at, author, payload, details },
})

const detailsOf = ({ details }: Told): MessageDetails =>
  messageDetailsOf(details === undefined ? {} : { details })

const TEXTS = ['createdBy', 'type', 'text', 'language', 'channel'] as const
const OBJECTS = ['metadata', 'attributes'] as const

/** Undefined for a message that came another way. */
function ownFactsOf({ dialect }: MessageDetails): MessageFacts | undefined {
  const own = dialect?.[FORMAT_NAME]
  if (typeof own?.sender !== 'string') return undefined
  const facts: MessageFacts = { sender: own.sender }
  for (const name of TEXTS) {
    const value = own[name]
    if (typeof value === 'string') facts[name] = value
  }
  for (const name of OBJECTS) {
    const value = own[name]
    if (isJsonObject(value)) facts[name] = value
  }
  return facts
}

/** The name of the message's own channel. */
export function channelOfMessage(told: Told): string {
  return ownFactsOf(detailsOf(told))?.channel ?? channelNamed(told.channel)
}

/** The default channel of this API, for conversations without a channel or with several. */
export const channelNamed = (channel: string | undefined): string =>
  channel === undefined || channel === 'messaging' ? DEFAULT_CHANNEL : channel

export async function messageJson(
  project: ClientView,
  recipient: string,
  told: Told,
  lookups: Pick<Lookups, 'user'>,
): Promise<JsonObject> {
  const details = detailsOf(told)
  const own = ownFactsOf(details)
  const sender = await senderOf(project, told, details, own, lookups)
  const said =
    own?.type === undefined ? saidIn(parseJsonObject(told.payload)) : { type: own.type, text: own.text ?? '' }
  const { metadata, attributes, language } = { ...said, ...own }
  const at = told.at.toISOString()
  return {
    senderFullname: sender.name,
    type: said.type,
    channel_type: 'group',
    status: 200,
    _id: told.id,
    sender: sender.id,
    recipient,
    text: said.text,
    id_project: project.id,
    createdBy: own?.createdBy ?? sender.id,
    channel: { name: channelOfMessage(told) },
    ...(language !== undefined && { language }),
    ...(attributes !== undefined && { attributes }),
    ...(metadata !== undefined && { metadata }),
    createdAt: at,
    updatedAt: at,
    __v: 0,
  }
}

interface Sender {
  id: string
  name: string
}

/** The business is called by the id of who spoke for it, or else by that of the project. */
async function senderOf(
  project: ClientView,
  { author }: Told,
  details: MessageDetails,
  own: MessageFacts | undefined,
  lookups: Pick<Lookups, 'user'>,
): Promise<Sender> {
  const { accountId, name } = details.author ?? {}
  if (own) return { id: own.sender, name: name ?? '' }
  if (author === 'business') return { id: accountId ?? project.id, name: name ?? 'Bot' }
  const user = await lookups.user(author.userId)
  return user ? { id: wireIdOf(user), name: name ?? nameOf(user) } : { id: author.userId, name: name ?? '' }
}
