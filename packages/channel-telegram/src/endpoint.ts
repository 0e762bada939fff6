import type { Endpoint } from '@plugboard/core'

/** Where a message is. */
interface Place {
  chat: { id: number }
  is_topic_message?: boolean | undefined
  message_thread_id?: number | undefined
}

/**
 * `thread` is the id of a chat, such as `-1001234567890`; in a topic of a forum, the topic's id follows after a slash:
 * `-1001234567890/42`.
 */
export function endpointOf(sender: number, { chat, is_topic_message, message_thread_id }: Place): Endpoint {
  const topic = is_topic_message ? message_thread_id : undefined
  return {
    identity: '*',
    sender: String(sender),
    thread: topic === undefined ? `${chat.id}` : `${chat.id}/${topic}`,
  }
}

/** The `thread` of an endpoint as arguments of a call. */
export function chatOf(thread: string): { chat_id: string; message_thread_id?: number } {
  const [, chat = thread, topic] = /^(-?\d+)\/(\d+)$/.exec(thread) ?? []
  return { chat_id: chat, ...(topic !== undefined && { message_thread_id: Number(topic) }) }
}

/** Names a message, in a chat and among all of them: a dedupe key, what a reaction is about, and the id of one sent. */
export const messageKey = (message: { message_id: number; chat: { id: number } }): string =>
  `${message.chat.id}:${message.message_id}`
