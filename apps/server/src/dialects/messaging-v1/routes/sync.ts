import { invalid, isPlugboardError, PlugboardError } from '@plugboard/core'
import {
  assertEnabled,
  type ChannelConfiguration,
  type ClientView,
  type Configuration,
  type Hub,
  pullUrl,
} from '@plugboard/hub'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { AdminKeyCheck } from '../../admin-key-check.js'
import { refuseKey } from '../../idempotent.js'
import type { Refusals } from '../../wrong-credentials.js'
import { type Credentials, credentialsOf } from '../credentials.js'
import { clientIdOf, clientNameOf, parseToken, tokenText } from '../map.js'
import { defineRoute } from '../route.js'
import * as schemas from '../schemas.js'
import { parsePart } from '../validate.js'
import { FORMAT_NAME } from '../webhook-format.js'

export interface SyncRoutesOptions {
  hub: Hub
  credentials: Credentials
  access: AdminKeyCheck
  refusals: Refusals
}

/** Channels whose configurations programs of Botpress send, with fields that the channel may not have. */
const OF_BOTPRESS: ReadonlySet<string> = new Set([
  ...['messenger', 'slack', 'smooch', 'teams', 'telegram', 'twilio', 'vonage'],
])

/**
 * Both forms of sync. With the client's headers, it configures that client and rejects unknown fields. Without them, the
 * credentials may be in the body; without any credentials, it creates a client and returns its id and token.
 */
export function syncRoutes(
  app: FastifyInstance,
  { hub, credentials, access, refusals }: SyncRoutesOptions,
): void {
  defineRoute(app, {
    method: 'POST',
    url: '/sync',
    operationId: 'messagingSync',
    errors: [403, 409, 507],
    tag: 'sync',
    summary:
      'Set the whole configuration of a client: its channels and webhooks; without credentials, make a client',
    body: z.unknown(),
    documentedBody: schemas.seedSyncBody,
    responses: { 200: schemas.anySyncResponse },
    handle: async (input) => {
      refuseKey(input)
      const { request } = input
      return credentialsOf(request)
        ? syncKnown(await credentials.require(request), request)
        : syncSeed(parsePart(schemas.seedSyncBody, 'body', input.body), request)
    },
  })

  async function syncKnown(client: ClientView, request: FastifyRequest): Promise<object> {
    const { channels = {}, webhooks = [], guests } = parsePart(schemas.syncBody, 'body', request.body)
    const configured = Object.entries(channels).map(
      ([name, { channel = name, enabled = true, version, mode, ...config }]) => {
        assertVersion(hub, { name, channel }, version)
        return { name, channel, isEnabled: enabled, config, mode }
      },
    )
    const wanted = { channels: configured, webhooks, acceptsGuests: guests }
    return { webhooks: await run(client, wanted) }
  }

  async function syncSeed(
    body: z.infer<typeof schemas.seedSyncBody>,
    request: FastifyRequest,
  ): Promise<object> {
    const channels = Object.entries(body.channels ?? {}).flatMap(
      ([name, integration]): ChannelConfiguration[] => {
        if (!integration || integration.enabled === false) return []
        const { channel, enabled: _, version: __, mode, ...config } = integration
        const dropUnknown = OF_BOTPRESS.has(channel ?? name)
        return [{ name, channel, isEnabled: true, dropUnknown, config, mode }]
      },
    )
    const wanted = { channels, webhooks: body.webhooks ?? [], acceptsGuests: body.guests ?? undefined }
    const known = body.id ? await hub.clients.find(clientNameOf(body.id)) : undefined
    if (known) {
      const token = body.token ? parseToken(body.token) : undefined
      const isRight = token && (await hub.clients.authenticate({ id: known.id }, token.secret, token.id))
      if (!isRight) throw refusals.of(request, 'FORBIDDEN')
      assertEnabled(known)
      await assertNameIsFree(body.name, known)
      const webhooks = await run(known, wanted)
      if (body.name) await hub.clients.rename(known.id, body.name)
      return { id: clientIdOf(known.record), token: body.token ?? '', webhooks }
    }
    const isRight = access.mayCreateClient(request, request.headers['x-bp-messaging-admin-key'])
    // The same response as for an existing client with a wrong token.
    const code = body.id ? 'FORBIDDEN' : 'UNAUTHORIZED'
    refusals.assertChosen(request, { name: 'admin key', isRight, code })
    await assertNameIsFree(body.name)
    const { client, token } = await inBody(
      hub.sync.create(FORMAT_NAME, wanted, { name: body.name || undefined }),
    )
    return { id: clientIdOf(client.record), token: tokenText(token), webhooks: webhooksOf(client, wanted) }
  }

  /** Only the operator may take a name from another client. @throws CONFLICT */
  async function assertNameIsFree(name: string | null | undefined, client?: ClientView): Promise<void> {
    const holder = name ? await hub.clients.find({ name }) : undefined
    if (!holder || holder.id === client?.id) return
    throw new PlugboardError('CONFLICT', '"body.name" is used by another client')
  }

  async function run(client: ClientView, wanted: Configuration): Promise<object[]> {
    return webhooksOf(await inBody(hub.sync.run(client.id, FORMAT_NAME, wanted)), wanted)
  }
}

/** Returns one webhook per requested one, in the same order; one for equal pull webhooks. */
function webhooksOf({ webhooks }: ClientView, wanted: Configuration): object[] {
  const tokens = new Map(
    webhooks.filter((hook) => hook.format === FORMAT_NAME).map(({ url, token }) => [url, token]),
  )
  const pulls = new Set<string>()
  return wanted.webhooks.flatMap((webhook) => {
    if ('url' in webhook) return { url: webhook.url, token: tokens.get(webhook.url) ?? '' }
    if (pulls.has(webhook.pull)) return []
    pulls.add(webhook.pull)
    const url = pullUrl(webhook.pull)
    return { url, token: tokens.get(url) ?? '', mode: 'pull', name: webhook.pull }
  })
}

/** @throws INVALID when the channel is installed in another version, or none is named. */
function assertVersion(
  hub: Hub,
  { name, channel: channelName }: { name: string; channel: string },
  version: string | undefined,
): void {
  const channel = hub.channels.find(channelName)
  const path = ['body', 'channels', name, 'version']
  if (!channel) return
  if (version === undefined) throw invalid({ path, message: 'is required' })
  if (version !== channel.version) throw invalid({ path, message: `must be ${channel.version}` })
}

/** The hub's faults name fields of the configuration; here it is the body. */
async function inBody<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID') || error.issues.length === 0) throw error
    throw invalid(...error.issues.map(({ path, message }) => ({ path: ['body', ...path], message })))
  }
}
