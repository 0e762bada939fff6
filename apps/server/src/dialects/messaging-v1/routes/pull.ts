import { toUuid } from '@plugboard/core'
import type { ClientView, Hub, OpenWebhook, PulledEvent } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { printedEvent } from '../../../streams/printed-event.js'
import { releaseAtEnd } from '../../client-slots.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'
import { FORMAT_NAME } from '../webhook-format.js'
import type { EventRoutesOptions } from './events.js'

/** Events that a client fetches itself: for bots without an address. */
export function pullRoutes(app: FastifyInstance, { hub, access, slots }: EventRoutesOptions): void {
  defineRoute(app, {
    method: 'GET',
    url: '/pull',
    operationId: 'messagingPullEvents',
    isStream: true,
    errors: [404],
    tag: 'pull',
    summary:
      'Take the next events of a pull webhook, in order per conversation, each conversation with one reader; as server-sent events if that is accepted',
    query: schemas.pullQuery,
    responses: { 200: schemas.pullResponse },
    handle: async ({ client, query, request, reply }) => {
      const { webhook: name, limit, wait, lease } = query
      const webhook = hub.pull.find(client, FORMAT_NAME, name)
      if (wantsStream(request))
        return stream({ client, webhook, limit, leaseMs: lease * 1000 }, request, reply)
      const free = wait > 0 ? slots.take(client.id) : () => undefined
      const gone = new AbortController()
      releaseAtEnd(reply.raw, () => gone.abort())
      try {
        const waiting = { leaseMs: lease * 1000, waitMs: wait * 1000, signal: gone.signal }
        const events = await hub.pull.take(client, webhook, { limit, ...waiting })
        giveBackUnsent(hub, client, events, reply)
        return `{"events":[${events.map(textOf).join(',')}]}`
      } finally {
        free()
      }
    },
  })
  defineRoute(app, {
    method: 'POST',
    url: '/pull/ack',
    operationId: 'messagingAcknowledgeEvents',
    tag: 'pull',
    summary: 'Acknowledge events, each with the earlier ones of its conversation',
    body: schemas.ackBody,
    responses: { 200: schemas.refusedResponse },
    handle: async ({ client, body }) => ({ refused: await hub.pull.acknowledge(client, body.positions) }),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/pull/nack',
    operationId: 'messagingReleaseEvents',
    tag: 'pull',
    summary:
      'Give conversations back: their first event that is not acknowledged comes again, now or after a pause, and the later ones after it',
    body: schemas.nackBody,
    responses: { 200: schemas.refusedResponse },
    handle: async ({ client, body }) => ({
      refused: await hub.pull.release(client, body.positions, body.delay * 1000),
    }),
  })
  defineRoute(app, {
    method: 'POST',
    url: '/pull/extend',
    operationId: 'messagingExtendEvents',
    tag: 'pull',
    summary: 'Keep conversations for longer',
    body: schemas.extendBody,
    responses: { 200: schemas.refusedResponse },
    handle: async ({ client, body }) => ({
      refused: await hub.pull.extend(client, body.positions, body.lease * 1000),
    }),
  })

  /** Events as they come; at most `limit` of them are not acknowledged. */
  async function stream(
    { client, webhook, ...wanted }: Streaming,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<undefined> {
    const { isGood } = await access.require(request)
    const free = slots.take(client.id)
    const gone = new AbortController()
    const find = async () => {
      const now = await hub.clients.find({ id: client.id })
      const same = now?.webhooks.find(({ id }) => id === webhook.id)
      return now && same && { client: now, webhook: same }
    }
    const events = hub.pull.stream(find, { ...wanted, signal: gone.signal })
    app.eventStreams.open(reply, {
      pages: pagesOf(events),
      first: { events: [], position: '' },
      isFromNow: false,
      print: (event: PulledEvent) =>
        printedEvent({ type: typeOf(event), id: event.position, data: textOf(event) }),
      mayContinue: isGood,
      closed() {
        gone.abort()
        free()
      },
    })
    return undefined
  }
}

interface Streaming {
  client: ClientView
  webhook: OpenWebhook
  limit: number
  leaseMs: number
}

async function* pagesOf(events: AsyncGenerator<PulledEvent[], void, void>) {
  for await (const page of events) yield { events: page, position: '' }
}

/** The name of an event, as in its body. */
function typeOf({ body }: PulledEvent): string {
  const { type } = JSON.parse(body) as { type: unknown }
  return typeof type === 'string' ? type : 'message'
}

/** Whether a request asks for server-sent events. */
const wantsStream = ({ headers: { accept = '' } }: FastifyRequest): boolean =>
  /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(accept)

/** A reader that went away while events were taken for it gets none: others need not wait for the end of its lease. */
function giveBackUnsent(
  hub: Hub,
  client: ClientView,
  events: readonly PulledEvent[],
  { raw }: FastifyReply,
): void {
  if (events.length === 0) return
  const giveBack = (): void => {
    if (raw.writableFinished) return
    const positions = events.map(({ position }) => position)
    // If that fails, the lease ends.
    hub.pull.release(client, positions, 0).catch(() => undefined)
  }
  releaseAtEnd(raw, giveBack)
}

/** The body of a webhook's request, with what a reader needs. */
function textOf({ position, id, conversationId, attempts, body }: PulledEvent): string {
  const head = JSON.stringify({
    ...{ position, id },
    ...(conversationId && { conversationId: toUuid(conversationId) }),
    attempts,
  })
  return `${head.slice(0, -1)},${body.slice(1)}`
}
