import { type Conversation, type Id, isPlugboardError } from '@plugboard/core'
import type { ClientView, Hub, StoredEvent } from '@plugboard/hub'
import type { ResumePoint } from './resume-point.js'

export interface MissedOptions {
  hub: Hub
  client: ClientView
  userId: Id
  signal: AbortSignal
  /** A conversation does not have the number that the socket knows. */
  isAhead(conversationId: Id): void
}

/** Maximum conversations to check, by newest message. */
const MAX_CONVERSATIONS = 200
/** Conversations per page. */
const PAGE = 20
/** Messages to search for the first one after a time. */
const MESSAGES = 50

/** What happened in the conversations of a user since a socket was there, page by page, in order per conversation. */
export async function* missedOf(
  options: MissedOptions,
  from: Pick<ResumePoint, 'seqs' | 'since'>,
): AsyncGenerator<readonly StoredEvent[], void, void> {
  const { hub, client, userId, signal } = options
  let before: Id | undefined
  for (let count = 0; count < MAX_CONVERSATIONS; count += PAGE) {
    const page = await hub.conversations.listByUser(client, userId, {
      limit: PAGE,
      ...(before && { before }),
    })
    for (const conversation of page) {
      if (signal.aborted) return
      try {
        const known = from.seqs.get(conversation.id)
        const [newest] = await hub.messages.list(client, conversation.id, { limit: 1 })
        // They are in the order of their newest message, after those that have none.
        if (newest && newest.sentAt < from.since && newest.seq <= (known ?? newest.seq)) return
        const after = known ?? (await seqBefore(options, conversation, from.since))
        yield* entriesAfter(options, conversation.id, after)
      } catch (error) {
        // It was deleted a moment ago.
        if (!isPlugboardError(error) || error.code !== 'NOT_FOUND') throw error
      }
    }
    before = page.at(-1)?.id
    if (page.length < PAGE) return
  }
}

/** The number before everything that is not older than a time. */
async function seqBefore(
  { hub, client }: MissedOptions,
  { id, createdAt }: Conversation,
  since: Date,
): Promise<number> {
  if (createdAt >= since) return 0
  let seq: number | undefined
  let before: Id | undefined
  for (;;) {
    const page = await hub.messages.list(client, id, { limit: MESSAGES, ...(before && { before }) })
    for (const message of page) {
      if (message.sentAt < since) return message.seq
      seq = message.seq - 1
    }
    before = page.at(-1)?.id
    // Its first entry is that it was created.
    if (!before) return seq ?? 1
  }
}

async function* entriesAfter(
  { hub, client, signal, isAhead }: MissedOptions,
  conversationId: Id,
  after: number,
): AsyncGenerator<readonly StoredEvent[], void, void> {
  const { seq } = await hub.conversations.get(client, conversationId)
  if (seq < after) isAhead(conversationId)
  if (seq <= after) return
  const follow = hub.live.follow(client, { conversationId }, { after: String(after), signal })
  for await (const page of follow) {
    if (!('events' in page)) return
    yield page.events.filter((event) => 'entry' in event)
    if (Number(page.position) >= seq) return
  }
}
