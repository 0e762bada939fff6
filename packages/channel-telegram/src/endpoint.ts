/**
 * The `thread` of an endpoint: the id of a chat, such as `-1001234567890`, and for a topic of a forum that of the topic
 * after a slash, `-1001234567890/42`.
 */
export const threadOf = (chatId: number, topicId?: number): string =>
  topicId === undefined ? `${chatId}` : `${chatId}/${topicId}`

/** The same as arguments of a call. */
export function chatOf(thread: string): { chat_id: string; message_thread_id?: number } {
  const [, chat = thread, topic] = /^(-?\d+)\/(\d+)$/.exec(thread) ?? []
  return { chat_id: chat, ...(topic !== undefined && { message_thread_id: Number(topic) }) }
}
