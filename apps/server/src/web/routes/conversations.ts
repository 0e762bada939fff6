import { fromUuid, type Id, newId, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { idempotencyKeyIn, idempotencyKeySchema } from '../idempotency-key.js'
import { Receipts } from '../receipts.js'
import { defineRoute } from '../route.js'
import type { Scope } from '../scope.js'
import type { Site } from '../sites.js'
import { IDENTITY, type Visitor } from '../visitors.js'
import { conversationJson, conversationSchema } from '../wire.js'

/** Most conversations of a page. */
const MAX_PAGE = 50

/** Never the key of a message, which has no space. */
const STARTED_KEY = 'conversation started'

const empty = z.strictObject({})
const page = z.strictObject({
  before: z.guid('must be the id of a conversation').optional().describe('The last one of the page before.'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(20),
})
export const conversationParams = z.object({ id: z.string() })

const typing = z.strictObject({ isTyping: z.boolean() })
const read = z.strictObject({
  position: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the position of a message')
    .describe('Of the newest message that the visitor has seen.'),
})

/** Conversations of a visitor. */
export function conversationRoutes(scope: Scope): void {
  const { app, hub, conversations, limits } = scope

  defineRoute(scope, {
    method: 'GET',
    path: '/conversations',
    operationId: 'webListConversations',
    summary: 'List the conversations of the visitor: those without messages first, then by newest message',
    query: page,
    response: z.object({ conversations: z.array(conversationSchema) }),
    isList: true,
    handle: async ({ site, visitor, query: { before, limit } }) => {
      const last = before === undefined ? undefined : fromUuid(before)
      if (before !== undefined && !last) throw new PlugboardError('NOT_FOUND', 'Not found')
      const whose = { site, visitor }
      const found = await conversations.list(whose, { before: last, limit })
      const shown = found.map(async (each) =>
        conversationJson(each.view, await conversations.summary(whose, each)),
      )
      return { conversations: await Promise.all(shown) }
    },
  })

  defineRoute(scope, {
    method: 'POST',
    path: '/conversations',
    operationId: 'webStartConversation',
    summary: 'Start a conversation. With an `Idempotency-Key`, a repetition returns the first one',
    headers: idempotencyKeySchema(false),
    body: empty,
    status: 201,
    response: conversationSchema,
    handle: async ({ site, visitor, request }) => {
      const key = idempotencyKeyIn(request)
      limits.admitMessage(visitor.userId, 0)
      const id = await start(site, visitor, key ?? newId())
      const { view } = (await conversations.find({ site, visitor }, id)) ?? {}
      if (!view) throw new PlugboardError('NOT_FOUND', 'Not found')
      return conversationJson(view, { unread: 0 })
    },
  })

  defineRoute(scope, {
    method: 'POST',
    path: '/conversations/:id/typing',
    operationId: 'webShowTyping',
    summary: 'Show the business that the visitor writes, or stopped',
    params: conversationParams,
    body: typing,
    status: 204,
    handle: async ({ site, visitor, params, body }) => {
      limits.admitSignal(visitor.userId, 'typing')
      const { view } = await conversations.get({ site, visitor }, params.id)
      await hub.typing.show(site.client, view.id, { userId: visitor.userId }, body.isTyping)
    },
  })

  defineRoute(scope, {
    method: 'POST',
    path: '/conversations/:id/read',
    operationId: 'webMarkRead',
    summary: 'The visitor has seen everything up to a message',
    params: conversationParams,
    body: read,
    status: 204,
    handle: async ({ site, visitor, params, body }) => {
      limits.admitSignal(visitor.userId, 'read')
      const { view, endpoint } = await conversations.get({ site, visitor }, params.id)
      const position = Number(body.position)
      const newest = await hub.messages.list(site.client, view.id, { limit: MAX_PAGE })
      const isAll = newest.every(({ seq }) => seq <= position)
      const by = { userId: visitor.userId }
      await hub.participants.read(site.client, view.id, by, isAll ? undefined : position)
      const last = newest.find(({ seq, author }) => seq <= position && author === 'business')
      if (last) await new Receipts({ hub, site, log: app.log }).read(endpoint, last)
    },
  })

  defineRoute(scope, {
    method: 'POST',
    path: '/conversations/:id/close',
    operationId: 'webCloseConversation',
    summary: 'End the conversation. The next message of the visitor opens it again',
    params: conversationParams,
    body: empty,
    status: 204,
    handle: async ({ site, visitor, params }) => {
      limits.admitMessage(visitor.userId, 0)
      const { view } = await conversations.get({ site, visitor }, params.id)
      await hub.conversations.close(site.client, view.id, 'visitor')
    },
  })

  /** A conversation is a thread of the visitor; its key makes a repetition find it. */
  async function start(site: Site, { sender }: Visitor, key: string): Promise<Id> {
    const { client, integration, channel } = site
    const endpoint = { identity: IDENTITY, sender, thread: key }
    const started = { type: 'started', dedupeKey: STARTED_KEY, endpoint, at: new Date() } as const
    await hub.ingest.take(client, integration, [started])
    const place = await hub.endpoints.find(client, channel, endpoint)
    if (!place) throw new PlugboardError('NOT_FOUND', 'Not found')
    return place.conversationId
  }
}
