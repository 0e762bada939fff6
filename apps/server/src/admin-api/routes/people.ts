import { fromUuid, type Id, invalid, isId, isPlugboardError, PlugboardError, toUuid } from '@plugboard/core'
import type { ClientView, Hub, PersonView, UserView } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { EXTERNAL_NAMESPACE } from '../../dialects/smartify/names.js'
import { DIALECT } from '../../dialects/sunshine-v2/map.js'
import type { AdminDeps } from '../deps.js'
import { personNameOf } from '../person-name.js'
import { defineAdminRoute } from '../route.js'

const time = z.string().meta({ format: 'date-time' })

const personSchema = z.object({
  id: z.string(),
  createdAt: time,
  name: z.string().optional(),
  email: z.string().optional(),
  locale: z.string().optional(),
  avatarUrl: z.string().optional(),
  externalId: z.string().optional(),
  data: z.record(z.string(), z.string()).optional().describe('What its provider or its page says of it'),
})

const personDetails = personSchema.extend({
  identities: z.array(
    z.object({
      channel: z.string(),
      integration: z.string().optional().describe('Name of the integration; absent if it was removed'),
      identity: z.string().describe('Address of the business'),
      sender: z.string().describe('Address of the person'),
      aliases: z.array(z.string()).describe('Other addresses of the person there'),
    }),
  ),
  conversations: z
    .array(z.object({ id: z.string(), createdAt: time, channels: z.array(z.string()) }))
    .describe('The newest 100'),
  hasMoreConversations: z.boolean(),
})

const query = z.strictObject({
  identity: z
    .string()
    .trim()
    .min(1)
    .max(512)
    .optional()
    .describe('An address of the person at any channel, such as a telephone number, or an e-mail address'),
  externalId: z.string().min(1).max(512).optional().describe('An id that the client gave'),
  user: z.string().max(100).optional().describe('Id of a user'),
})

/** The people of a client. */
export function peopleRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/people',
    operationId: 'adminFindPeople',
    tag: 'admin-people',
    summary: 'Find people by an address at any channel, by an id of the client, or by the id of the user',
    role: 'viewer',
    tenant: true,
    query,
    responses: { 200: z.object({ items: z.array(personSchema) }) },
    handle: async ({ client, query }) => ({ items: (await found(client, query)).map(personJson) }),
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/people/:userId',
    operationId: 'adminGetPerson',
    tag: 'admin-people',
    summary: 'A person with all addresses, and conversations across channels',
    role: 'viewer',
    tenant: true,
    params: z.object({ userId: z.string().max(100) }),
    responses: { 200: personDetails },
    handle: async ({ client, params }) =>
      detailsJson(await hub.people.get(client, userIdInPath(params.userId))),
  })
  defineAdminRoute(app, deps, {
    method: 'DELETE',
    url: '/clients/:clientId/people/:userId',
    operationId: 'adminDeletePerson',
    tag: 'admin-people',
    summary: 'Delete a person with the conversations that have no other participant',
    role: 'admin',
    tenant: false,
    audit: 'person.delete',
    params: z.object({ userId: z.string().max(100) }),
    responses: { 204: undefined },
    handle: ({ client, params }) => hub.participants.deleteUser(client, userIdInPath(params.userId)),
  })

  async function found(client: ClientView, wanted: z.infer<typeof query>): Promise<UserView[]> {
    const { identity, externalId, user } = wanted
    if ([identity, externalId, user].filter((each) => each !== undefined).length !== 1)
      throw invalid({ path: ['identity'], message: 'is required, or externalId, or user: one of them' })
    if (identity !== undefined) return hub.people.findByIdentity(client, identity)
    if (externalId !== undefined) return byExternalId(hub, client, externalId)
    const id = userIdOf(user ?? '')
    return id ? [...(await hub.users.views(client, [id])).values()] : []
  }
}

/** @throws NOT_FOUND for a text that is no id */
function userIdInPath(text: string): Id {
  const id = userIdOf(text)
  if (!id) throw new PlugboardError('NOT_FOUND', 'user not found')
  return id
}

const userIdOf = (text: string): Id | undefined => (isId(text) ? text : fromUuid(text))

/** In the namespaces of the APIs that have such ids. */
async function byExternalId(hub: Hub, client: ClientView, value: string): Promise<UserView[]> {
  const users = await Promise.all(
    [DIALECT, EXTERNAL_NAMESPACE].map((namespace) =>
      hub.users.getExternal(client, { namespace, value }).catch((error) => {
        if (isPlugboardError(error, 'NOT_FOUND')) return undefined
        throw error
      }),
    ),
  )
  return users.filter((user) => user !== undefined)
}

function personJson({ id, createdAt, facts }: UserView): z.infer<typeof personSchema> {
  const { email, locale, avatarUrl, externalId, data } = facts
  const name = personNameOf({ facts })
  return {
    ...{ id: toUuid(id), createdAt: createdAt.toISOString() },
    ...(name !== undefined && { name }),
    ...(email !== undefined && { email }),
    ...(locale !== undefined && { locale }),
    ...(avatarUrl !== undefined && { avatarUrl }),
    ...(externalId && { externalId: externalId.value }),
    ...(data && { data }),
  }
}

const detailsJson = ({ user, identities, conversations, isMore }: PersonView) => ({
  ...personJson(user),
  identities,
  conversations: conversations.map(({ id, createdAt, endpoints }) => ({
    ...{ id: toUuid(id), createdAt: createdAt.toISOString() },
    channels: [...new Set(endpoints.map(({ channel }) => channel.name))],
  })),
  hasMoreConversations: isMore,
})
