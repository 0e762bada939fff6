import { Readable } from 'node:stream'
import type { Id, Message } from '@plugboard/core'
import { defineRoute } from '../route.js'
import type { Scope } from '../scope.js'
import type { Site } from '../sites.js'
import { transcriptLines } from '../transcript.js'
import { conversationParams } from './conversations.js'

const PAGE = 100

/** What was said, for the visitor to keep. */
export function transcriptRoutes(scope: Scope): void {
  const { hub, conversations, limits } = scope
  defineRoute(scope, {
    method: 'GET',
    path: '/conversations/:id/transcript',
    operationId: 'webGetTranscript',
    summary: 'The conversation as plain text, oldest message first, with times in UTC',
    params: conversationParams,
    response: { description: 'The transcript', content: { 'text/plain': { schema: { type: 'string' } } } },
    isList: true,
    handle: async ({ site, visitor, params, reply }) => {
      limits.admitMessage(visitor.userId, 0)
      const { view } = await conversations.get({ site, visitor }, params.id)
      const { facts } = await hub.users.view(site.client, visitor.userId)
      const names = { visitor: facts.givenName ?? 'Visitor', business: site.config.name }
      void reply
        .type('text/plain; charset=utf-8')
        .header(
          'content-disposition',
          `attachment; filename="chat-${view.createdAt.toISOString().slice(0, 10)}.txt"`,
        )
      return Readable.from(lines(site, view.id, names), { objectMode: false })
    },
  })

  async function* lines(
    site: Site,
    id: Id,
    names: { visitor: string; business: string },
  ): AsyncGenerator<string> {
    for await (const message of oldestFirst(site, id)) yield transcriptLines(message, names)
  }

  /** The first message is not before the entry that a conversation begins with, whose id is the conversation's elder. */
  async function* oldestFirst({ client }: Site, id: Id): AsyncGenerator<Message> {
    const first = await firstOf(client, id)
    if (!first) return
    yield first
    for (let after = first.id; ; ) {
      const page = await hub.messages.list(client, id, { after, limit: PAGE })
      yield* page.toReversed()
      const [last] = page
      if (!last) return
      after = last.id
    }
  }

  async function firstOf(client: Site['client'], id: Id): Promise<Message | undefined> {
    let oldest: Message | undefined
    for (let before: Id | undefined; ; ) {
      const page = await hub.messages.list(client, id, { limit: PAGE, ...(before && { before }) })
      oldest = page.at(-1) ?? oldest
      if (page.length === 0) return oldest
      before = oldest?.id
    }
  }
}
