import {
  formFault,
  fromUuid,
  type InboundRequest,
  type InboundResponse,
  type InboundShape,
  invalid,
  isStorable,
  jsonFault,
  PlugboardError,
} from '@plugboard/core'
import { type ClientName, type ClientView, type Hub, integrationNamed } from '@plugboard/hub'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { OPEN } from './api-document/description.js'
import { sendPlainError } from './errors/plain-errors.js'
import type { PublicUrls } from './public-urls.js'

export interface ProviderWebhooksOptions {
  hub: Pick<Hub, 'channels' | 'clients' | 'ingest'>
  urls: Pick<PublicUrls, 'base'>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The integration that a provider calls; null outside the providers' routes. */
    calledIntegration: { client?: ClientView; channel: string } | null
  }
}

interface Params {
  clientIdOrName: string
  integrationName: string
}

const BODY_LIMIT_BYTES = 1_048_576
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const NO_BODY = new Uint8Array()

/** Takes in what providers send, as raw bytes, and hands it to the channel. */
export async function providerWebhooks(
  app: FastifyInstance,
  { hub, urls }: ProviderWebhooksOptions,
): Promise<void> {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const channel = hub.channels.find(request.calledIntegration?.channel ?? '')
    const fault = faultOf(request, body, channel?.inbound)
    if (fault === undefined) done(null, body)
    else done(invalid({ path: ['body'], message: fault }))
  })
  app.setErrorHandler(sendPlainError)
  app.decorateRequest('calledIntegration', null)

  app.route<{ Params: Params }>({
    method: ['GET', 'POST'],
    url: '/:clientIdOrName/:integrationName',
    exposeHeadRoute: false,
    bodyLimit: BODY_LIMIT_BYTES,
    schema: {
      tags: ['providers'],
      summary: 'Webhook for the provider of an integration; the provider defines the format',
      ...{ ...OPEN, operationId: 'receiveWebhook' },
      errors: ['Server401', 'Server404', 'Server413', 'Server503'],
      params: z.object({ clientIdOrName: z.string(), integrationName: z.string() }),
    },
    // Before the body is read, and the same answer whether the client or the integration is unknown.
    onRequest: async (request, reply) => {
      const { clientIdOrName, integrationName } = request.params
      const client = await findClient(hub, clientIdOrName)
      const integration = client && integrationNamed(client, integrationName)
      if (!integration) return reply.code(404).type('text/plain; charset=utf-8').send('Not Found')
      assertIsLikely(request, hub.channels.find(integration.channel)?.inbound)
      request.calledIntegration = { client, channel: integration.channel }
    },
    handler: async (request, reply) => {
      const client = request.calledIntegration?.client
      if (!client) throw new Error('the client was not loaded')
      return send(reply, await hub.ingest.receive(client, request.params.integrationName, inboundOf(request)))
    },
  })

  app.route<{ Params: { channel: string } }>({
    method: ['GET', 'POST'],
    url: '/:channel',
    exposeHeadRoute: false,
    bodyLimit: BODY_LIMIT_BYTES,
    schema: {
      tags: ['providers'],
      summary: 'Webhook for a provider that calls one URL for all integrations of an app',
      ...{ ...OPEN, operationId: 'receiveSharedWebhook' },
      errors: ['Server401', 'Server404', 'Server413', 'Server503'],
      params: z.object({ channel: z.string() }),
    },
    onRequest: async (request, reply) => {
      const { channel } = request.params
      const inbound = hub.channels.find(channel)?.inbound
      if (!inbound?.isShared) return reply.code(404).type('text/plain; charset=utf-8').send('Not Found')
      assertIsLikely(request, inbound)
      request.calledIntegration = { channel }
    },
    handler: async (request, reply) =>
      send(reply, await hub.ingest.receiveShared(request.params.channel, inboundOf(request))),
  })

  /** The request as its provider made it. */
  function inboundOf(request: FastifyRequest): InboundRequest {
    return {
      method: request.method === 'GET' ? 'GET' : 'POST',
      publicUrl: urls.base + pathOf(request),
      headers: headersOf(request),
      body: request.body instanceof Uint8Array ? request.body : NO_BODY,
    }
  }
}

function send(reply: FastifyReply, { status, headers = {}, body }: InboundResponse): FastifyReply {
  return reply.code(status).headers(headers).send(body)
}

/**
 * Whether the headers of a request match the provider.
 * @throws UNAUTHORIZED without a header that the provider sends; TOO_LARGE
 */
function assertIsLikely(
  { headers }: FastifyRequest,
  { headers: needed = [], maxBytes }: InboundShape = {},
): void {
  const missing = needed.find((name) => !headers[name])
  if (missing !== undefined) throw new PlugboardError('UNAUTHORIZED', `the header "${missing}" is required`)
  if (maxBytes !== undefined && Number(headers['content-length'] ?? 0) > maxBytes)
    throw new PlugboardError('TOO_LARGE', `the body exceeds ${maxBytes} bytes`)
}

const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i
const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i

/** Returns which limit a body exceeds, before any channel parses it. */
function faultOf(
  { headers: { 'content-type': type = '' } }: FastifyRequest,
  body: Buffer,
  { maxJsonValues }: InboundShape = {},
): string | undefined {
  if (FORM.test(type)) return formFault(body)
  if (!JSON_TYPE.test(type)) return undefined
  return jsonFault(body, maxJsonValues === undefined ? {} : { maxValues: maxJsonValues })
}

/** By one of our ids, by an id that its maker chose, or by name. */
export async function findClient(hub: Pick<Hub, 'clients'>, text: string): Promise<ClientView | undefined> {
  if (!isStorable(text)) return undefined
  for (const name of namesOf(text)) {
    const client = await hub.clients.find(name)
    if (client) return client
  }
  return undefined
}

function namesOf(text: string): ClientName[] {
  const id = fromUuid(text)
  return [
    ...(id ? [{ id }] : []),
    ...(UUID.test(text) ? [{ externalId: text.toLowerCase() }] : []),
    { name: text },
  ]
}

/** Path and query byte for byte; a proxy may send the whole address. */
const pathOf = ({ originalUrl }: FastifyRequest): string => originalUrl.replace(/^https?:\/\/[^/?#]*/i, '')

function headersOf({ headers }: FastifyRequest): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  )
}
