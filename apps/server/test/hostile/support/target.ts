import { fromUuid } from '@plugboard/core'
import { type Answered, asAdmin, call, type TestClient } from '../../support/api.js'
import { createTenant } from '../../support/channel-stage.js'
import { callWithKey, createOperator, withKey } from '../../support/operators.js'
import { newRequestId } from '../../support/smartify.js'
import { basic, newKey } from '../../support/sunshine.js'
import { createSite, SHOP, visit } from '../../support/web.js'
import type { Stage } from './stage.js'

/** Values that name something that is there, by the name of the parameter or of the field. */
export type Known = Readonly<Record<string, readonly string[]>>

/** How an operation of a dialect is called with success: what there is, and who may. */
export interface Target {
  known: Known
  /** Headers of callers; the first may do the most. */
  callers: readonly Record<string, string>[]
}

/** What lists may be asked. */
const OF_LISTS = { limit: ['0', '20'], 'page[size]': ['10'], skip: ['0'], page: ['0'] }

const textAt = (answer: Answered, path: string): string => {
  const value = path.split('.').reduce((each, key) => each?.[key], answer.json)
  if (typeof value !== 'string')
    throw new Error(`${answer.status} without ${path}: ${answer.text.slice(0, 200)}`)
  return value
}

type Make = (stage: Stage, path: string) => Promise<Target>

/** By what the path begins with. */
const MAKERS: readonly (readonly [prefix: string, make: Make])[] = [
  ['/api/v1/admin', adminTarget],
  ['/admin/v1', consoleTarget],
  ['/api/v1', messagingTarget],
  ['/v2', sunshineTarget],
  ['/api/', smartifyTarget],
  ['/web/', webTarget],
]

const NOBODY: Target = { known: {}, callers: [{}] }

/**
 * Finds the targets of operations. There is one of everything that can be named for each operation, so that one that
 * removes something takes it from no other; those that only read share it.
 */
export function targetsOf(stage: Stage): (method: string, path: string) => Promise<Target> {
  const read = new Map<Make, Promise<Target>>()
  return async (method, path) => {
    const [, make] = MAKERS.find(([prefix]) => path.startsWith(prefix)) ?? []
    if (make === undefined) return NOBODY
    if (method !== 'GET' || isOfOperators(path)) return make(stage, path)
    const target = read.get(make) ?? make(stage, path)
    read.set(make, target)
    return target
  }
}

/** A password takes long to hash, so that only operations about operators get one. */
const isOfOperators = (path: string): boolean => path.includes('/operators')

/** A separate client, which may be renamed and deleted. */
async function adminTarget({ server }: Stage): Promise<Target> {
  const made = await call(server, 'POST', '/api/v1/admin/clients', { body: {}, headers: asAdmin })
  const id = textAt(made, 'id')
  const app = fromUuid(id) ?? ''
  return { known: { ...OF_LISTS, id: [id], app: [app, 'new'], project: [app, 'new'] }, callers: [asAdmin] }
}

/** A client that may be deleted, with one of everything that its routes name; an operator where one is named. */
async function consoleTarget({ server, providers }: Stage, path: string): Promise<Target> {
  const { client } = await createTenant(server, providers.telegram)
  const { userId, conversationId } = await client.converse()
  const messageId = textAt(await client.say(conversationId, 'hello', userId), 'id')
  const operators = isOfOperators(path) ? [(await createOperator(server)).id] : []
  const ofClient = (method: string, path: string, body?: object) =>
    callWithKey(server, method, `/clients/${client.id}${path}`, body)
  const known = {
    ...{ limit: ['1', '50'], clientId: [client.id], client: [client.id], operatorId: operators },
    ...{ userId: [userId], conversationId: [conversationId], entryId: [messageId], user: [userId] },
    integrationId: [textAt(await ofClient('GET', '/integrations'), 'items.0.id')],
    webhookId: [textAt(await ofClient('GET', '/webhooks'), 'items.0.id')],
    tokenId: [textAt(await ofClient('POST', '/tokens', {}), 'tokenId')],
    linkId: [textAt(await ofClient('POST', '/link', {}), 'id')],
    jobId: [textAt(await ofClient('POST', '/jobs', { action: 'discard', filter: {} }), 'id')],
    keyId: [(await newKey(server, { app: client.id })).keyId],
    ...{ channel: ['telegram'], state: ['dead', 'pending'], action: ['replay', 'discard'] },
  }
  return { known, callers: [withKey] }
}

/** A sync may remove the channels of its client, which is one of its own therefore. */
async function messagingTarget({ server, providers, tenants }: Stage, path: string): Promise<Target> {
  const isSync = path.endsWith('/sync')
  const { client } = isSync ? await createTenant(server, providers.telegram) : tenants.telegram
  const { userId, conversationId } = await client.converse()
  const messageId = textAt(await client.say(conversationId, 'hello', userId), 'id')
  const webhook = textAt(await client.call('GET', '/health'), 'channels.telegram.status')
  const known = {
    ...OF_LISTS,
    ...{ userId: [userId], authorId: [userId], conversationId: [conversationId], incomingId: [messageId] },
    ...{ id: [userId, conversationId, messageId], webhook: [webhook] },
    // Longer waits are what a caller asks for.
    timeout: ['1'],
  }
  return { known, callers: [client.headers, { ...client.headers, ...(await userToken(client, userId)) }] }
}

async function userToken(client: TestClient, userId: string): Promise<Record<string, string>> {
  const token = textAt(await client.call('POST', '/users/tokens', { userId }), 'token')
  return { 'x-bp-messaging-user-id': userId, 'x-bp-messaging-user-token': token }
}

/** A separate app, which may be deleted. */
async function sunshineTarget({ server }: Stage): Promise<Target> {
  const { appId } = await newKey(server)
  const key = await newKey(server, { app: appId, scope: 'account' })
  const headers = { authorization: basic(key) }
  const post = (path: string, body: object) =>
    call(server, 'POST', `/v2/apps/${appId}${path}`, { body, headers })
  const userId = textAt(await post('/users', { externalId: `person-${Math.random()}` }), 'user.id')
  const participants = [{ userId, subscribeSDKClient: true }]
  const conversation = await post('/conversations', { type: 'sdkGroup', participants })
  const conversationId = textAt(conversation, 'conversation.id')
  const content = { type: 'text', text: 'hello' }
  const message = await post(`/conversations/${conversationId}/messages`, {
    author: { type: 'business' },
    content,
  })
  const webhooks = [{ target: server.url, triggers: ['conversation:read'] }]
  const integration = await post('/integrations', { type: 'custom', webhooks })
  const integrationId = textAt(integration, 'integration.id')
  const appKey = await post('/keys', { displayName: 'A key' })
  const known = {
    ...OF_LISTS,
    ...{ appId: [appId], userId: [userId], userIdOrExternalId: [userId] },
    ...{ 'filter[userId]': [userId], conversationId: [conversationId], integrationId: [integrationId] },
    messageId: [textAt(message, 'messages.0.id')],
    webhookId: [textAt(integration, 'integration.webhooks.0.id')],
    keyId: [textAt(appKey, 'key.id')],
    type: ['custom', 'text', 'personal', 'sdkGroup', 'business', 'conversation:read'],
  }
  return { known, callers: [headers] }
}

async function smartifyTarget({ project }: Stage): Promise<Target> {
  const guest = await project.guest()
  const requestId = newRequestId()
  await project.say(requestId, 'hello', guest)
  const { _id } = await project.subscribe('message.create', 'https://example.com/hook')
  const known = {
    ...OF_LISTS,
    ...{ projectId: [project.id], id_project: [project.id], requestId: [requestId], subscriptionId: [_id] },
    ...{ email: [project.owner.email], password: [project.owner.password] },
    ...{ event: ['message.create', 'request.create'], target: ['https://example.com/hook'] },
  }
  return { known, callers: [project.owner.headers, guest.headers] }
}

async function webTarget({ server }: Stage): Promise<Target> {
  const site = await createSite(server)
  const visitor = await visit(site)
  const id = await visitor.start()
  const said = await visitor.say(id, 'hello')
  const known = {
    ...OF_LISTS,
    ...{ client: [site.client.id], id: [id], messageId: [textAt(said, 'id')], before: [id] },
    ...{ position: ['1'], type: ['text', 'location', 'quick_reply', 'postback'], 'idempotency-key': ['7'] },
  }
  const authorization = `Bearer ${visitor.token}`
  return {
    known,
    callers: [
      { origin: SHOP, authorization, 'idempotency-key': '7' },
      { origin: SHOP, authorization },
    ],
  }
}
