import { invalid, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { LivePage } from '@plugboard/hub'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { StreamSlots } from '../../streams/stream-slots.js'
import type { Origin } from '../origins.js'
import { parsePositions } from '../positions.js'
import { defineRoute } from '../route.js'
import type { Scope } from '../scope.js'
import type { Site } from '../sites.js'
import { VisitorEvents } from '../visitor-events.js'
import type { Visitor } from '../visitors.js'
import { conversationParams } from './conversations.js'

const MAX_POSITION = 8_000
const LAST_EVENT_ID = 'last-event-id'

const query = z.strictObject({
  after: z
    .string()
    .min(1)
    .max(MAX_POSITION)
    .optional()
    .describe('The id of the last event that was received. Default: from now on.'),
})
const headers = z.object({
  [LAST_EVENT_ID]: z.string().optional().meta({ description: 'As `after`, and stronger' }),
})

/** A stream, as text in the document. */
const response = {
  description:
    'Server-sent events. `message` and `edited` have a message, `deleted` its `id`; `typing` (`isTyping`) has no id; `read` has the `position` and who has read (`by`: `me` or `business`); `closed`, `reopened`. Each has the `conversationId`. After `reset`, load everything again.',
  content: { 'text/event-stream': { schema: { type: 'string' } } },
}

interface Followed {
  site: Site
  origin: Origin
  visitor: Visitor
  request: FastifyRequest
  reply: FastifyReply
}

/** How often it is looked up whether a session has ended, at most, in milliseconds. */
const LOOK_AGAIN_MS = 1_000

/** What happens, as it happens. */
export function eventRoutes(scope: Scope, slots: StreamSlots): void {
  const { app, hub, conversations, visitors } = scope

  defineRoute(scope, {
    method: 'GET',
    path: '/events',
    operationId: 'webFollowVisitor',
    summary: 'Follow all conversations of the visitor, also those that begin later',
    ...{ query, headers, response },
    handle: async ({ query, ...of }) => {
      const [after, field] = positionIn(of.request, query.after)
      const positions = after === undefined ? undefined : parsePositions(after)
      if (after !== undefined && !positions) throw unknownPosition(field)
      await follow(of, { isFromNow: !positions }, (events) => events.ofVisitor(positions))
    },
  })

  defineRoute(scope, {
    method: 'GET',
    path: '/conversations/:id/events',
    operationId: 'webFollowConversation',
    summary: 'Follow one conversation',
    params: conversationParams,
    ...{ query, headers, response },
    handle: async ({ query, params, ...of }) => {
      const [after, field] = positionIn(of.request, query.after)
      const { view } = await conversations.get(of, params.id)
      const isFromNow = after === undefined
      await follow(of, { isFromNow, field }, (events) => events.ofConversation(view.id, after))
    },
  })

  async function follow(
    { site, origin, visitor, request, reply }: Followed,
    { isFromNow, field = 'after' }: { isFromNow: boolean; field?: string },
    open: (events: VisitorEvents) => AsyncGenerator<LivePage, void, void>,
  ): Promise<void> {
    const { userId } = visitor
    const abort = new AbortController()
    const stop = (): void => abort.abort()
    let ends: readonly (() => void)[] = [stop, slots.take(site.client.id, userId)]
    const closed = (): void => {
      const once = ends
      ends = []
      for (const end of once) end()
    }
    try {
      ends = [...ends, visitors.watch(visitor, stop)]
      ends = [...ends, await hub.live.watchEnd(site.client, userId, stop)]
      // Again, so that nothing is missed that became of the session before it was watched.
      await visitors.authenticate({ site, origin, request })
      const events = new VisitorEvents({
        ...{ hub, conversations, site, visitor, log: app.log },
        signal: abort.signal,
      })
      const pages = open(events)
      const first = await firstOf(pages, field)
      const source = { pages, first, isFromNow, closed, mayContinue: mayContinue(site, visitor) }
      app.eventStreams.open(reply, { ...source, print: (event) => events.print(event) })
    } catch (error) {
      closed()
      throw error
    }
  }

  function mayContinue({ client: { id } }: Site, visitor: Visitor): () => Promise<boolean> {
    let lookedAt = Date.now()
    return async () => {
      const now = Date.now()
      if (visitor.expiresAt.getTime() <= now) return false
      if (now - lookedAt < LOOK_AGAIN_MS) return true
      lookedAt = now
      if ((await hub.clients.find({ id }))?.record.disabled) return false
      return !(await visitors.hasEnded(visitor))
    }
  }
}

/** The position that a reader goes on from, and the field that has it. */
function positionIn({ headers }: FastifyRequest, after: string | undefined): [string | undefined, string] {
  const resumed = headers[LAST_EVENT_ID]
  if (typeof resumed === 'string' && resumed !== '') return [resumed, LAST_EVENT_ID]
  return [after, 'after']
}

/** @throws INVALID for a position that the stream never gave, UNAVAILABLE if the process stops */
async function firstOf(pages: AsyncGenerator<LivePage, void, void>, field: string): Promise<LivePage> {
  try {
    const { value } = await pages.next()
    if (value) return value
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID')) throw error
    throw unknownPosition(field)
  }
  throw new PlugboardError('UNAVAILABLE', 'the server stops', { retryAfterMs: 1_000 })
}

const unknownPosition = (field: string): PlugboardError =>
  invalid({ path: [field], message: 'must be the id of an event of this stream' })
