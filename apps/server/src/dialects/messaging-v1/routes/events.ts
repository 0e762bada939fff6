import { invalid, isPlugboardError, PlugboardError } from '@plugboard/core'
import type { Hub, LivePage, LiveScope } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { longPoll } from '../../../streams/long-poll.js'
import type { StreamSlots } from '../../../streams/stream-slots.js'
import { releaseAtEnd } from '../../client-slots.js'
import { idOf } from '../ids.js'
import { printerFor } from '../live-events.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'
import type { Reader, StreamAccess } from '../stream-access.js'

export interface EventRoutesOptions {
  hub: Hub
  access: StreamAccess
  slots: StreamSlots
}

/** A request to follow something. */
interface Following {
  query: z.infer<typeof schemas.followQuery>
  request: FastifyRequest
  reply: FastifyReply
}

/** Who may read what, and for how long. */
interface Allowed {
  reader: Reader
  scope: LiveScope
  mayContinue(): boolean | Promise<boolean>
}

/** Events as they happen: server-sent events or, with `wait`, one answer with the next events. */
export function eventRoutes(app: FastifyInstance, { hub, access, slots }: EventRoutesOptions): void {
  defineRoute(app, {
    method: 'GET',
    url: '/conversations/:id/events',
    operationId: 'messagingFollowConversation',
    tag: 'streams',
    isStream: true,
    summary:
      'Follow a conversation, with the credentials of the client or of its user: server-sent events or, with `wait`, the next events',
    params: schemas.idParams,
    query: schemas.followQuery,
    responses: { 200: schemas.eventsResponse },
    handle: async ({ params, ...rest }) => {
      const conversationId = idOf(params.id)
      const scope = { conversationId }
      return follow(rest, async () => {
        const reader = await access.require(rest.request)
        const mayStay = await access.mayFollow(reader, conversationId)
        if (!mayStay) return { reader, scope, mayContinue: reader.isGood }
        return { reader, scope, mayContinue: async () => (await reader.isGood()) && (await mayStay()) }
      })
    },
  })
  defineRoute(app, {
    method: 'GET',
    url: '/users/me/events',
    operationId: 'messagingFollowUser',
    tag: 'streams',
    isStream: true,
    summary: 'Follow a user and all of its conversations but groups, with the token of the user',
    query: schemas.followQuery,
    responses: { 200: schemas.eventsResponse },
    handle: (input) =>
      follow(input, async () => {
        const reader = await access.require(input.request)
        const { userId, isGood } = reader
        if (userId === undefined) throw new PlugboardError('FORBIDDEN', 'only with the token of a user')
        return { reader, scope: { userId }, mayContinue: isGood }
      }),
  })
  defineRoute(app, {
    method: 'GET',
    url: '/events',
    operationId: 'messagingFollowClient',
    tag: 'streams',
    isStream: true,
    summary: 'Follow all events of the client, with its credentials',
    query: schemas.followQuery,
    responses: { 200: schemas.eventsResponse },
    handle: (input) =>
      follow(input, async () => {
        const reader = await access.require(input.request)
        if (reader.userId !== undefined)
          throw new PlugboardError('FORBIDDEN', 'only with the credentials of the client')
        return { reader, scope: { client: true }, mayContinue: reader.isGood }
      }),
  })

  async function follow(following: Following, allow: () => Promise<Allowed>): Promise<string | undefined> {
    const { client, userId } = (await allow()).reader
    const abort = new AbortController()
    const stop = (): void => abort.abort()
    let ends: readonly (() => void)[] = [stop, slots.take(client.id, userId)]
    const closed = (): void => {
      const once = ends
      ends = []
      for (const end of once) end()
    }
    try {
      if (userId !== undefined) ends = [...ends, await hub.live.watchEnd(client, userId, stop)]
      // Again, so that nothing is missed that became of the user before it was watched.
      const { reader, scope, mayContinue } = await allow()
      const { pages, first, isFromNow } = await begin(following, { reader, scope }, abort.signal)
      const source = { pages, first, mayContinue, print: printerFor(reader, app.log) }
      const { query, reply } = following
      if (query.wait === undefined) return void app.eventStreams.open(reply, { ...source, isFromNow, closed })
      const timer = setTimeout(stop, query.wait * 1000)
      ends = [...ends, () => clearTimeout(timer)]
      // It may have gone by now.
      releaseAtEnd(reply.raw, stop)
      const answer = await longPoll(source)
      closed()
      return answer
    } catch (error) {
      closed()
      throw error
    }
  }

  async function begin(
    { query, request }: Following,
    { reader: { client }, scope }: Pick<Allowed, 'reader' | 'scope'>,
    signal: AbortSignal,
  ) {
    const resumed = request.headers['last-event-id']
    const [after, path] =
      typeof resumed === 'string' && resumed !== ''
        ? [resumed, ['headers', 'last-event-id']]
        : [query.after, ['query', 'after']]
    const pages = hub.live.follow(client, scope, { signal, ...(after !== undefined && { after }) })
    const first = await firstOf(pages, path)
    return { pages, first, isFromNow: after === undefined }
  }
}

/** @throws UNAVAILABLE if the process stops */
async function firstOf(pages: AsyncGenerator<LivePage, void, void>, path: string[]): Promise<LivePage> {
  try {
    const { value } = await pages.next()
    if (value) return value
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID')) throw error
    throw invalid({ path, message: 'must be a position that this stream gave' })
  }
  throw new PlugboardError('UNAVAILABLE', 'the server stops', { retryAfterMs: 1_000 })
}
