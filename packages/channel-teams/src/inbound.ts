import {
  type InboundEvent,
  type InboundRequest,
  invalid,
  type Person,
  type Received,
  readJson,
} from '@plugboard/core'
import { z } from 'zod'
import { type Account, type Activity, readActivity } from './activity.js'
import { choiceIn } from './choice.js'
import { endpointOf, messageKey } from './endpoint.js'
import { invokeChoice, invokeResponse } from './invokes.js'
import { contentsOf } from './message-contents.js'
import { emojiOf } from './reactions.js'

/** What an event of an activity has, whatever it is about. */
type About = Pick<InboundEvent, 'endpoint' | 'at' | 'person' | 'context'>

/**
 * Each request has one activity. Invokes want an answer with a body, and all others an empty 200.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-activities
 */
export function parse({ method, body }: InboundRequest): Received {
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const activity = readActivity(readJson(body))
  const response = activity.type === 'invoke' ? invokeResponse(activity.name) : { status: 200 }
  return { events: eventsOf(activity), response }
}

/** Activities that are not about a person, or say nothing. */
const SILENT = new Set([
  'contactRelationUpdate',
  'deleteUserData',
  'endOfConversation',
  'invokeResponse',
  'trace',
  'typing',
])

function eventsOf(activity: Activity): InboundEvent[] {
  const person = personIn(activity)
  if (!person) return []
  const about = aboutOf(activity, person)
  switch (activity.type) {
    case 'message':
      return messageEvents(activity, about)
    case 'messageUpdate':
      return editEvents(activity, about)
    case 'messageDelete':
      return [{ ...about, type: 'deleted', ...changeOf(activity, 'deleted') }]
    case 'messageReaction':
      return reactionEvents(activity, about)
    case 'conversationUpdate':
      return membershipEvents(activity, about)
    case 'installationUpdate':
      return installationEvents(activity, about)
    case 'invoke':
      return invokeEvents(activity, about)
    case 'event':
      return receiptEvents(activity, about)
    default:
      return SILENT.has(activity.type) ? [] : writtenEvents(activity, about)
  }
}

/**
 * The person of an activity. That of another bot, or of this one, has none. When an app is installed for a person, that
 * may be done by nobody, and the person is among those who are added.
 */
function personIn({ from, membersAdded, conversation }: Activity): Account | undefined {
  if (from && isPerson(from)) return from
  return conversation.conversationType === 'personal' ? membersAdded.find(isPerson) : undefined
}

/** Ids of bots begin with 28. */
const isPerson = ({ id, role }: Account): boolean =>
  !id.startsWith('28:') && role !== 'bot' && role !== 'skill'

function aboutOf(activity: Activity, { id, name }: Account): About {
  const { conversation, locale, serviceUrl, channelData, timestamp } = activity
  const tenantId = channelData?.tenant?.id ?? conversation.tenantId
  const person: Person = { ...(name && { name }), ...(locale && { locale }) }
  return {
    endpoint: endpointOf(id, conversation.id),
    at: timeOf(timestamp),
    ...(Object.keys(person).length > 0 && { person }),
    context: { serviceUrl, ...(tenantId !== undefined && { tenantId }) },
  }
}

const timeOf = (timestamp = ''): Date => {
  const at = new Date(timestamp)
  return Number.isNaN(at.getTime()) ? new Date(0) : at
}

/** Names an activity. @throws PlugboardError INVALID for one that cannot be told from its repetition */
function keyOf(activity: Activity): string {
  const { id, conversation } = activity
  if (id === undefined) throw invalid({ path: ['body', 'id'], message: 'is required' })
  return messageKey(conversation.id, id)
}

/** A change of a message. The activity has the id of the message, whenever it is changed. */
function changeOf(activity: Activity, change: string): { dedupeKey: string; messageKey: string } {
  const key = keyOf(activity)
  return { dedupeKey: `${key}:${change}:${activity.timestamp ?? ''}`, messageKey: key }
}

/** What a button of a card sends comes as a message too. */
function messageEvents(activity: Activity, about: About): InboundEvent[] {
  const key = keyOf(activity)
  const choice = choiceIn(activity.value, activity.text)
  return choice
    ? [{ ...about, dedupeKey: key, ...referenceOf(activity), type: 'choice', ...choice }]
    : writtenEvents(activity, about)
}

function writtenEvents(activity: Activity, about: About): InboundEvent[] {
  const key = keyOf(activity)
  return contentsOf(activity).map((content, i) => ({
    ...about,
    type: 'message',
    dedupeKey: i === 0 ? key : `${key}:${i}`,
    content,
  }))
}

/** The message whose button was pressed. */
const referenceOf = ({ replyToId, conversation }: Activity): { refersTo?: string } =>
  replyToId === undefined ? {} : { refersTo: messageKey(conversation.id, replyToId) }

/** A restored message is a changed one: it has its words again. Without words, Teams does not say what it is now. */
function editEvents(activity: Activity, about: About): InboundEvent[] {
  if (!activity.text && activity.attachments.length === 0) return []
  const [content] = contentsOf(activity)
  return [{ ...about, type: 'edited', ...changeOf(activity, 'edited'), content }]
}

function reactionEvents(activity: Activity, about: About): InboundEvent[] {
  const { replyToId, conversation, reactionsAdded, reactionsRemoved } = activity
  if (replyToId === undefined) return []
  const key = keyOf(activity)
  const all = [
    ...reactionsRemoved.map(({ type }) => ({ type, isRemoved: true })),
    ...reactionsAdded.map(({ type }) => ({ type, isRemoved: false })),
  ]
  return all.map(({ type, isRemoved }, i) => ({
    ...about,
    type: 'reaction',
    dedupeKey: i === 0 ? key : `${key}:${i}`,
    messageKey: messageKey(conversation.id, replyToId),
    emoji: emojiOf(type),
    isRemoved,
  }))
}

/** The bot was added to a conversation, or removed. Who else comes and goes is not about the bot. */
function membershipEvents(activity: Activity, about: About): InboundEvent[] {
  const isBot = ({ id }: Account): boolean => id === activity.recipient?.id
  if (activity.membersAdded.some(isBot)) return [{ ...about, ...arrivalOf(activity, 'started') }]
  if (activity.membersRemoved.some(isBot)) return [{ ...about, ...arrivalOf(activity, 'blocked') }]
  return []
}

/** An upgrade of the app changes nothing for the person. */
function installationEvents(activity: Activity, about: About): InboundEvent[] {
  switch (activity.action) {
    case 'add':
      return [{ ...about, ...arrivalOf(activity, 'started') }]
    case 'remove':
      return [{ ...about, ...arrivalOf(activity, 'blocked') }]
    default:
      return []
  }
}

/**
 * An installation comes as two activities, in any order, and one of them does not always come. Both have the same key:
 * that of the conversation and of the hour.
 */
function arrivalOf<T extends 'started' | 'blocked'>(
  { conversation, timestamp }: Activity,
  type: T,
): { type: T; dedupeKey: string } {
  return {
    type,
    dedupeKey: messageKey(conversation.id, `${type}:${timeOf(timestamp).toISOString().slice(0, 13)}`),
  }
}

function invokeEvents(activity: Activity, about: About): InboundEvent[] {
  const choice = invokeChoice(activity)
  return choice
    ? [{ ...about, dedupeKey: keyOf(activity), ...referenceOf(activity), type: 'choice', ...choice }]
    : []
}

const receiptSchema = z.object({ lastReadMessageId: z.string().regex(/^\d{13}$/) })

/** The id of a message is its time in milliseconds. Of other events, such as of meetings, no person is told. */
function receiptEvents(activity: Activity, about: About): InboundEvent[] {
  const { data } = receiptSchema.safeParse(activity.value)
  if (activity.name !== 'application/vnd.microsoft.readReceipt' || !data) return []
  const until = new Date(Number(data.lastReadMessageId))
  return [{ ...about, type: 'watermark', dedupeKey: keyOf(activity), status: 'read', until }]
}
