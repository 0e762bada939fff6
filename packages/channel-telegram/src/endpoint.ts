import type { Endpoint } from '@plugboard/core'

/** Where a message is. */
interface Place {
  chat: { id: number }
  is_topic_message?: boolean | undefined
  message_thread_id?: number | undefined
  direct_messages_topic?: { topic_id: number } | undefined
}

/**
 * `thread` is the id of a chat, such as `-1001234567890`. The topic of a forum follows after a slash,
 * `-1001234567890/42`, and so does the person in the direct messages of a channel: `-1001234567890/direct/501`.
 */
export function endpointOf(sender: number, place: Place): Endpoint {
  const { chat, is_topic_message, message_thread_id, direct_messages_topic } = place
  const topic = is_topic_message ? message_thread_id : undefined
  const suffix = direct_messages_topic
    ? `/direct/${direct_messages_topic.topic_id}`
    : topic === undefined
      ? ''
      : `/${topic}`
  return { identity: '*', sender: String(sender), thread: `${chat.id}${suffix}` }
}

/** Where a message goes, as arguments of a call. */
export interface Chat {
  chat_id: string
  message_thread_id?: number
  direct_messages_topic_id?: number
}

/** The `thread` of an endpoint as arguments of a call. */
export function chatOf(thread: string): Chat {
  const [, chat = thread, direct, topic] = /^(-?\d+)\/(direct\/)?(\d+)$/.exec(thread) ?? []
  if (topic === undefined) return { chat_id: chat }
  const name = direct === undefined ? 'message_thread_id' : 'direct_messages_topic_id'
  return { chat_id: chat, [name]: Number(topic) }
}

/** Names a message, in a chat and among all of them: a dedupe key, what a reaction is about, and the id of one sent. */
export const messageKey = (message: { message_id: number; chat: { id: number } }): string =>
  `${message.chat.id}:${message.message_id}`
