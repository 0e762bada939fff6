import { PlugboardApiError } from './errors.js'
import type { IterateOptions, Message, Messages } from './messages.js'

/** Walks a conversation from its newest message to its oldest, by the keyset cursor `before`. */
export async function* iterate(
  list: Messages['listByConversation'],
  conversationId: string,
  { pageSize = 100, ...options }: IterateOptions = {},
): AsyncGenerator<Message, void, undefined> {
  if (!Number.isInteger(pageSize) || pageSize < 1)
    throw new RangeError('pageSize must be a whole number above 0')
  let { before } = options
  for (;;) {
    const page = await list(conversationId, { ...options, limit: pageSize, before })
    const last = page.at(-1)
    // A short page is no end: the server may cap the page size. An empty one is.
    if (last === undefined) return
    if (last.id === before) throw stuckCursor(conversationId)
    yield* page
    before = last.id
  }
}

/** A server that ignores `before` would make the loop endless. */
function stuckCursor(conversationId: string): PlugboardApiError {
  return new PlugboardApiError({
    reason: 'answer',
    status: 200,
    message: 'the list does not go on after the cursor "before"',
    method: 'GET',
    path: `/api/v1/messages/conversation/${conversationId}`,
  })
}
