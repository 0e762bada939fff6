import { fromUuid, type Id, invalid, isId, isPlugboardError, PlugboardError, toUuid } from '@plugboard/core'
import { type ClientRecord, type ClientView, type Hub, isFeed, namesOf } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { namedClient, tokenText } from '../../dialects/messaging-v1/map.js'
import type { AdminDeps } from '../deps.js'
import { troubleJson, troubleSchema } from '../overview.js'
import { listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'

const time = z.string().meta({ format: 'date-time' })

/** A client in a list. */
const clientSchema = z.object({
  id: z.string(),
  hexId: z.string().describe('As in the Sunshine and Smartify APIs'),
  externalId: z.string().optional().describe('Its id in the Messaging API, if its creator chose one'),
  name: z.string().optional().describe("In its channels' webhook addresses; unique"),
  createdAt: time,
  integrations: z.array(
    z.object({
      name: z.string(),
      channel: z.string(),
      status: z.enum(['active', 'pending', 'paused']),
    }),
  ),
  webhooks: z.number(),
  disabled: z.boolean().describe('An operator disabled it: its API answers 403, and its deliveries are held'),
  disabledAt: time.optional(),
  disabledReason: z.string().optional(),
})

const clientDetails = clientSchema.extend({
  displayName: z.string().optional(),
  guests: z.boolean().describe('Whether anonymous users are allowed'),
  maxStoredBytes: z.number().nullable().describe('Null: the limit of the installation. 0: none'),
  storedBytes: z.number().describe('Approximate'),
  tokens: z.array(z.object({ id: z.string(), createdAt: time })),
  troubles: z.array(troubleSchema),
})

const name = z.string().trim().min(1).max(200)
const displayName = z.string().trim().min(1).max(200)
const maxStoredBytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const createBody = z.strictObject({
  id: z.guid().optional().describe('Default: a new one'),
  name: name.optional(),
  displayName: displayName.optional(),
  guests: z.boolean().optional(),
})

const changeBody = z.strictObject({
  name: name.nullable().optional().describe('Null removes it. Another client with this name loses it'),
  displayName: displayName.nullable().optional(),
  guests: z.boolean().optional(),
  maxStoredBytes: maxStoredBytes
    .nullable()
    .optional()
    .describe('Null: the limit of the installation. 0: none'),
  disabled: z
    .boolean()
    .optional()
    .describe(
      'Whether its API is closed, its deliveries are held and its events are refused until it is enabled',
    ),
  disabledReason: z
    .string()
    .trim()
    .min(1)
    .max(500)
    .optional()
    .describe('Shown to its callers while it is disabled'),
})

const secretSchema = z.object({
  token: z.string().describe('For the Messaging API. It is shown only once'),
  tokenId: z.string(),
})

const listQuery = z.strictObject({
  ...pageQuery,
  search: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe('An id in the form of any API, or the beginning of a name'),
})

/** Clients: the tenants of the server. */
export function clientRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients',
    operationId: 'adminListClients',
    tag: 'admin-clients',
    summary: 'List clients, newest first, or search them by id and beginning of the name',
    role: 'viewer',
    tenant: true,
    query: listQuery,
    responses: { 200: listOf(clientSchema) },
    handle: async ({ query: { limit, cursor, search }, actor }) => {
      if (actor.kind === 'tenant') {
        const client = await hub.clients.find({ id: actor.clientId })
        return { items: client ? [clientJson(client.record)] : [] }
      }
      if (search !== undefined) return searched(search, limit, cursor)
      const before = idOf(cursor)
      const records = await hub.clients.list({ limit, fromEnd: true, ...(before && { before }) })
      const [first] = records
      return {
        items: records.map(clientJson).reverse(),
        ...(first && records.length === limit && { next: first.id }),
      }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients',
    operationId: 'adminCreateClient',
    tag: 'admin-clients',
    summary: 'Create a client; its token is only in this answer',
    role: 'admin',
    tenant: false,
    audit: 'client.create',
    body: createBody,
    responses: { 201: z.object({ client: clientDetails, ...secretSchema.shape }) },
    errors: [409],
    handle: async ({ body, note }) => {
      const { client, token } = await create(hub, body)
      note({ ...(body.name !== undefined && { name: body.name }) }, client.id)
      return { client: await detailsOf(client), token: tokenText(token), tokenId: toUuid(token.id) }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId',
    operationId: 'adminGetClient',
    tag: 'admin-clients',
    summary: 'A client with its limits, storage, tokens and troubles',
    role: 'viewer',
    tenant: true,
    responses: { 200: clientDetails },
    handle: async ({ client }) => detailsOf(client),
  })
  defineAdminRoute(app, deps, {
    method: 'PATCH',
    url: '/clients/:clientId',
    operationId: 'adminUpdateClient',
    tag: 'admin-clients',
    summary: 'Change the names and limits of a client; omitted members stay unchanged',
    role: 'admin',
    tenant: false,
    audit: 'client.update',
    body: changeBody,
    responses: { 200: clientDetails },
    errors: [409],
    handle: async ({ client, body, note }) => {
      const { guests: acceptsGuests, maxStoredBytes, name, displayName, disabled, disabledReason } = body
      if (name !== undefined) {
        note({ name: name ?? '' })
        if (name === null) await hub.clients.unname(client.id)
        else await hub.clients.rename(client.id, name)
      }
      if (displayName !== undefined)
        await hub.clients.changeFacts(client.id, ({ displayName: _, ...facts }) =>
          displayName === null ? facts : { ...facts, displayName },
        )
      if (disabled !== undefined) {
        note({ disabled })
        await (disabled ? hub.clients.disable(client.id, disabledReason) : hub.clients.enable(client.id))
      }
      return detailsOf(await hub.clients.configure(client.id, { acceptsGuests, maxStoredBytes }))
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/clients/:clientId',
    operationId: 'adminDeleteClient',
    tag: 'admin-clients',
    summary: 'Delete a client with all of its data',
    role: 'admin',
    tenant: false,
    audit: 'client.delete',
    responses: { 204: undefined },
    handle: async ({ client, note }) => {
      if (client.record.name !== undefined) note({ name: client.record.name })
      await hub.clients.delete(client.id)
    },
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/tokens',
    operationId: 'adminCreateClientToken',
    tag: 'admin-clients',
    summary: 'Create another token of a client; it is only in this answer',
    role: 'admin',
    tenant: false,
    audit: 'client.token.create',
    responses: { 201: secretSchema },
    errors: [409],
    handle: async ({ client, note }) => {
      const token = await hub.clients.addToken(client.id)
      note({ tokenId: toUuid(token.id) })
      return { token: tokenText(token), tokenId: toUuid(token.id) }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/clients/:clientId/tokens/:tokenId',
    operationId: 'adminRevokeClientToken',
    tag: 'admin-clients',
    summary: 'Revoke a token of a client; the last one cannot be revoked',
    role: 'admin',
    tenant: false,
    audit: 'client.token.revoke',
    params: z.object({ tokenId: z.string().max(100) }),
    responses: { 204: undefined },
    errors: [409],
    handle: async ({ client, params }) => {
      const tokenId = fromUuid(params.tokenId)
      if (!tokenId) throw new PlugboardError('NOT_FOUND', 'token not found')
      await hub.clients.revokeToken(client.id, tokenId)
    },
  })

  /** What has this id comes first; a search by name is in the order of names. */
  async function searched(search: string, limit: number, cursor: string | undefined) {
    const named = await hub.clients.search(search, { limit, ...(cursor !== undefined && { after: cursor }) })
    const exact = cursor === undefined ? await hub.clients.find(namedClient(search)) : undefined
    const records = named.records.filter(({ id }) => id !== exact?.id)
    return {
      items: [...(exact ? [exact.record] : []), ...records].map(clientJson),
      ...(named.next !== undefined && { next: named.next }),
    }
  }

  async function detailsOf(client: ClientView): Promise<z.infer<typeof clientDetails>> {
    const { record } = client
    const [{ displayName }, storedBytes, { troubles }] = await Promise.all([
      hub.clients.facts(client.id),
      hub.usage.read(client.id),
      hub.overview.troublesOf(client.id),
    ])
    return {
      ...clientJson(record),
      ...(displayName !== undefined && { displayName }),
      guests: record.acceptsGuests ?? false,
      maxStoredBytes: record.maxStoredBytes ?? null,
      storedBytes,
      tokens: record.tokens.map(({ id, createdAt }) => ({
        id: toUuid(id),
        createdAt: createdAt.toISOString(),
      })),
      troubles: troubles.map(troubleJson),
    }
  }
}

/** A given id in the form of generated ids becomes the client's id, so that there is one way to find it. */
async function create(hub: Hub, { id: wireId, name, displayName, guests }: z.infer<typeof createBody>) {
  const id = wireId === undefined ? undefined : fromUuid(wireId)
  if (name !== undefined && (await hub.clients.find({ name })))
    throw new PlugboardError('CONFLICT', `another client has the name "${name}"`)
  const given = wireId === undefined ? {} : id ? { id } : { externalId: wireId.toLowerCase() }
  try {
    return await hub.clients.create({
      ...given,
      ...(name !== undefined && { name }),
      ...(guests !== undefined && { acceptsGuests: guests }),
      ...(displayName !== undefined && { facts: { displayName } }),
    })
  } catch (error) {
    if (!isPlugboardError(error, 'CONFLICT')) throw error
    throw new PlugboardError('CONFLICT', 'another client has this id or name', { cause: error })
  }
}

const clientJson = (record: ClientRecord): z.infer<typeof clientSchema> => ({
  id: toUuid(record.id),
  hexId: record.id,
  ...(record.externalId !== undefined && { externalId: record.externalId }),
  ...(record.name !== undefined && { name: record.name }),
  createdAt: record.createdAt.toISOString(),
  integrations: record.integrations.map((integration) => ({
    name: namesOf(integration).name,
    channel: integration.channel,
    status: integration.status,
  })),
  webhooks: record.webhooks.filter((hook) => !isFeed(hook)).length,
  disabled: record.disabled !== undefined,
  ...(record.disabled && { disabledAt: record.disabled.at.toISOString() }),
  ...(record.disabled?.reason !== undefined && { disabledReason: record.disabled.reason }),
})

/** @throws INVALID */
function idOf(cursor: string | undefined): Id | undefined {
  if (cursor === undefined || isId(cursor)) return cursor
  throw invalid({ path: ['cursor'], message: 'must be `next` of a page of this list' })
}
