import type { Endpoint, InboundEvent, Person } from '@plugboard/core'
import { endpointOf, messageKey, timeOf } from './endpoint.js'
import { contentsOf, wordsOf } from './message-contents.js'
import {
  type Callback,
  type Post,
  readAssistant,
  readCallback,
  readChanged,
  readDeleted,
  readHome,
  readNew,
  readReaction,
} from './payloads.js'

/**
 * Subtypes of messages that a person wrote. All others are notices of Slack, such as `channel_join`, or belong to events
 * of their own. One that is not documented counts as written if it comes from an app in which people write.
 * https://docs.slack.dev/reference/events/message#subtypes
 */
const WRITTEN = new Set(['document_mention', 'file_share', 'me_message', 'thread_broadcast'])

/** Slack's own bot, which writes reminders and notices. */
const SLACKBOT = 'USLACKBOT'

interface About {
  /** Of the event; the same at each redelivery. */
  id: string
  at: Date
  /** User ids of this bot. */
  self: readonly string[]
}

/** Reads an event of the Events API. Kinds that are not about a person give no event. */
export function parseEvent(value: unknown): InboundEvent[] {
  const { event, event_id: id, event_time, authorizations } = readCallback(value)
  const self = (authorizations ?? []).flatMap(({ user_id, is_bot }) => (user_id && is_bot ? [user_id] : []))
  const about = { id, at: new Date(event_time * 1000), self }
  switch (event.type) {
    case 'message':
    case 'app_mention':
      return parseMessage(event, about)
    case 'reaction_added':
    case 'reaction_removed':
      return parseReaction(event, about)
    case 'app_home_opened':
      return parseHome(event, about)
    case 'assistant_thread_started':
      return parseAssistant(event, about)
    default:
      return []
  }
}

function parseMessage(event: Callback['event'], about: About): InboundEvent[] {
  switch (event.subtype) {
    case 'message_changed':
      return parseChanged(event, about)
    case 'message_deleted':
      return parseDeleted(event, about)
    default:
      return parseNew(event, about)
  }
}

/** A mention arrives twice, as `app_mention` and as `message`. Both have the key of the message, so one is stored. */
function parseNew(event: Callback['event'], { self }: About): InboundEvent[] {
  const post = readNew(event)
  if (!isPerson(post, self) || !isWritten(post)) return []
  const { channel, user, ts, thread_ts } = post
  return contentsOf(post, self).map(({ suffix, content }) => ({
    type: 'message',
    dedupeKey: messageKey(channel, ts) + suffix,
    endpoint: endpointOf(user, channel, thread_ts, ts),
    at: timeOf(ts),
    ...personOf(post),
    content,
  }))
}

/** A link preview or a new reply also changes a message, but not its text. */
function parseChanged(event: unknown, { id, at, self }: About): InboundEvent[] {
  const { channel, message, previous_message: previous } = readChanged(event)
  if (!isPerson(message, self)) return []
  const about = {
    dedupeKey: id,
    endpoint: endpointOf(message.user, channel, message.thread_ts, message.ts),
    at,
    messageKey: messageKey(channel, message.ts),
  }
  // A deleted message that has replies.
  if (message.subtype === 'tombstone') return [{ type: 'deleted', ...about }]
  if (!isWritten(message)) return []
  // Slack changes a message to add a preview of a link, and a person to change its words.
  if (previous && previous.text === message.text && previous.edited?.ts === message.edited?.ts) return []
  const words = wordsOf(message, self)
  if (previous && wordsOf(previous, self).text === words.text) return []
  return [{ type: 'edited', ...about, content: contentsOf(message, self, words)[0].content }]
}

/** Only the deleted message says who wrote it. */
function parseDeleted(event: unknown, { id, at, self }: About): InboundEvent[] {
  const { channel, deleted_ts, previous_message: previous } = readDeleted(event)
  if (!previous || !isPerson(previous, self) || !isWritten(previous)) return []
  const endpoint = endpointOf(previous.user, channel, previous.thread_ts, deleted_ts)
  return [{ type: 'deleted', dedupeKey: id, endpoint, at, messageKey: messageKey(channel, deleted_ts) }]
}

/** Slack does not say in which thread the message is, so the reaction belongs to the channel. */
function parseReaction(event: unknown, { id, self }: About): InboundEvent[] {
  const { type, user, reaction, item, event_ts } = readReaction(event)
  if (item.type !== 'message' || !item.channel || !item.ts || self.includes(user)) return []
  return [
    {
      type: 'reaction',
      dedupeKey: id,
      endpoint: endpointOf(user, item.channel),
      at: timeOf(event_ts),
      messageKey: messageKey(item.channel, item.ts),
      emoji: `:${reaction}:`,
      isRemoved: type === 'reaction_removed',
    },
  ]
}

/** Slack sends this each time that a person opens the app's direct messages. Only the first is stored. */
function parseHome(event: unknown, { at }: About): InboundEvent[] {
  const { user, channel, tab } = readHome(event)
  return tab === 'home' ? [] : [started(endpointOf(user, channel), at)]
}

function parseAssistant(event: unknown, { at }: About): InboundEvent[] {
  const { user_id, channel_id, thread_ts } = readAssistant(event).assistant_thread
  return [started(endpointOf(user_id, channel_id, thread_ts), at)]
}

const started = (endpoint: Endpoint, at: Date): InboundEvent => ({
  type: 'started',
  dedupeKey: `started:${endpoint.sender}:${endpoint.thread}`,
  endpoint,
  at,
})

/** Whether a person wrote it, and not this or another bot. */
const isPerson = <T extends Pick<Post, 'user' | 'bot_id'>>(
  post: T,
  self: readonly string[],
): post is T & { user: string } =>
  Boolean(post.user) && !post.bot_id && post.user !== SLACKBOT && !self.includes(post.user ?? '')

/** Whether it says something that a person wrote, and is not a notice of Slack. */
const isWritten = ({ subtype, client_msg_id }: Pick<Post, 'subtype' | 'client_msg_id'>): boolean =>
  !subtype || WRITTEN.has(subtype) || Boolean(client_msg_id)

function personOf({ user_profile: profile }: Post): { person?: Person } {
  const name = profile?.display_name || profile?.real_name
  return name ? { person: { name } } : {}
}
