import { fromUuid, type Id, invalid, isId, PlugboardError, toUuid } from '@plugboard/core'
import { type ClientView, type Hub, integrationOf, type TailEvent, type TailScope } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { existingClient } from '../../dialects/messaging-v1/admin-lists.js'
import { type PrintedEvent, printedEvent } from '../../streams/printed-event.js'
import type { Actor } from '../actor.js'
import type { AdminDeps } from '../deps.js'
import { integrationIdOf } from '../integration-id.js'
import { defineAdminRoute } from '../route.js'

/** Tails of one process, and of one caller. Each may hold some hundred kilobytes for a slow reader. */
const MAX_TAILS = 100
const MAX_TAILS_OF_ONE = 10
const RETRY_MS = 5_000

const query = z.strictObject({
  client: z.string().max(200).optional().describe('Id of a client. Default: all clients'),
  conversation: z.string().max(100).optional().describe('Id of a conversation'),
  integration: z
    .string()
    .max(100)
    .optional()
    .describe('Id or name of an integration of the client: only conversations on it'),
})

const time = z.string().meta({ format: 'date-time' })

const tailEntry = z.object({
  clientId: z.string(),
  conversationId: z.string().optional().describe('Absent for entries about users and integrations'),
  userId: z.string().optional(),
  id: z.string(),
  seq: z.number(),
  type: z.string(),
  at: time,
  author: z.object({ kind: z.enum(['user', 'business']), id: z.string().optional() }).optional(),
  channels: z.array(z.string()).describe('Of the conversation'),
  preview: z.string().describe('What it says, in one line of at most 256 characters'),
})

/** What happens now, for people who watch. */
export function eventRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  /** Open tails by caller. */
  const open = new Map<string, number>()
  let total = 0

  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/events',
    operationId: 'adminFollowEvents',
    tag: 'admin-conversations',
    summary:
      'Watch what happens now, as server-sent events: `entry`, and `missed` with the number of entries that were left out because there were too many',
    role: 'viewer',
    tenant: true,
    isStream: true,
    query,
    responses: { 200: tailEntry },
    errors: [404],
    handle: async ({ actor, query, reply }) => {
      const scope = await scopeOf(hub, actor, query)
      const abort = new AbortController()
      const free = take(`${actor.kind} ${actor.id}`)
      const closed = (): void => {
        free()
        abort.abort()
      }
      try {
        const { events, isWhole } = await hub.live.tail(scope, abort.signal)
        app.eventStreams.open<TailEvent | Begin>(reply, {
          pages: pagesOf(events),
          first: { events: [{ isWhole }], position: '' },
          ...{ isFromNow: false, print, closed },
          // A stream of this API ends when its caller may no longer use it.
          mayContinue: () => true,
        })
      } catch (error) {
        closed()
        throw error
      }
      return undefined
    },
  })

  /** Returns a function that frees the slot, to be called once. @throws RATE_LIMITED */
  function take(caller: string): () => void {
    const own = open.get(caller) ?? 0
    if (own >= MAX_TAILS_OF_ONE || total >= MAX_TAILS)
      throw new PlugboardError('RATE_LIMITED', 'too many live tails are open; close one', {
        retryAfterMs: RETRY_MS,
      })
    open.set(caller, own + 1)
    total += 1
    return () => {
      total -= 1
      const left = (open.get(caller) ?? 1) - 1
      if (left > 0) open.set(caller, left)
      else open.delete(caller)
    }
  }
}

/** The first event. `isWhole`: entries of all processes come, not only those of this one. */
interface Begin {
  isWhole: boolean
}

async function* pagesOf(events: AsyncGenerator<readonly TailEvent[], void, void>) {
  for await (const page of events) yield { events: page, position: '' }
}

/** The same event is printed once for all who watch. */
const texts = new WeakMap<object, PrintedEvent>()

function print(event: TailEvent | Begin): PrintedEvent {
  const known = texts.get(event)
  if (known) return known
  const printed = printedEvent(wireOf(event))
  texts.set(event, printed)
  return printed
}

function wireOf(event: TailEvent | Begin): { type: string; data: string } {
  if ('isWhole' in event) return { type: 'begin', data: JSON.stringify({ isWhole: event.isWhole }) }
  if ('missed' in event) return { type: 'missed', data: JSON.stringify({ count: event.missed }) }
  return { type: 'entry', data: JSON.stringify(entryJson(event.entry)) }
}

function entryJson(entry: Extract<TailEvent, { entry: unknown }>['entry']): z.infer<typeof tailEntry> {
  const { clientId, streamId, id, seq, type, at, author, userId, endpoints, preview } = entry
  const isAboutConversation = !type.startsWith('user.') && type !== 'health.new'
  return {
    clientId: toUuid(clientId),
    ...(isAboutConversation && { conversationId: toUuid(streamId) }),
    ...(userId && { userId: toUuid(userId) }),
    ...{ id: toUuid(id), seq, type, at: at.toISOString() },
    ...(author && { author: authorJson(author) }),
    channels: [...new Set(endpoints.map(({ channel }) => channel.name))],
    preview,
  }
}

const authorJson = (author: 'business' | { userId: Id }) =>
  author === 'business' ? { kind: 'business' as const } : { kind: 'user' as const, id: toUuid(author.userId) }

/** What a caller wants to watch, and may. @throws NOT_FOUND, INVALID */
async function scopeOf(hub: Hub, actor: Actor, wanted: z.infer<typeof query>): Promise<TailScope> {
  const named = wanted.client === undefined ? undefined : await existingClient(hub, wanted.client)
  if (actor.kind === 'tenant' && named && named.id !== actor.clientId)
    throw new PlugboardError('NOT_FOUND', 'client not found')
  const client = actor.kind === 'tenant' ? await existingClient(hub, actor.clientId) : named
  return {
    ...(client && { clientId: client.id }),
    ...(wanted.conversation !== undefined && { conversationId: conversationIdOf(wanted.conversation) }),
    ...(wanted.integration !== undefined && { wants: onIntegration(client, wanted.integration) }),
  }
}

/** @throws INVALID */
function conversationIdOf(text: string): Id {
  const id = isId(text) ? text : fromUuid(text)
  if (!id) throw invalid({ path: ['conversation'], message: 'must be the id of a conversation' })
  return id
}

/** @throws INVALID without a client, NOT_FOUND */
function onIntegration(client: ClientView | undefined, name: string): TailScope['wants'] & object {
  if (!client) throw invalid({ path: ['client'], message: 'is required with "integration"' })
  const id = integrationIdOf(client, name)
  return (endpoints) => endpoints.some(({ channel }) => integrationOf(client, channel)?.id === id)
}
