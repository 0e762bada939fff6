import { createSecretKey } from 'node:crypto'
import { newId } from '@plugboard/core'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, call } from '../support/api.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { basic, type Key, newKey, officialClient } from '../support/sunshine.js'
import { type Named, type Operation, open, operations, pathOf, type Scope } from './operations.js'

const SCOPES: readonly Scope[] = ['account', 'app', 'integration']

const server = sharedServer()
/** Keys of each scope for one app, and what that has. */
let mine: { keys: Record<Scope, Key>; named: Named }
/** A separate app for what an operation may delete. */
let theirs: { keys: Record<Scope, Key>; named: Named }

beforeAll(async () => {
  ;[mine, theirs] = [await newTenant(), await newTenant()]
})
afterAll(cleanUp)

/** An app with one of everything that has an id, and keys of each scope. */
async function newTenant(): Promise<typeof mine> {
  const app = await newKey(server)
  const { appId } = app
  const account = { ...(await newKey(server, { app: appId, scope: 'account' })), appId }
  const api = officialClient(server, account)
  const userId = (await api.createUser({})).user.id
  const participants = [{ userId }]
  const conversation = (await api.createConversation({ type: 'personal', participants })).conversation
  const content = { type: 'text', text: 'hi' }
  const { messages } = await api.postMessage(conversation.id, { author: { type: 'business' }, content })
  const webhooks = [{ target: 'http://127.0.0.1:9/', triggers: ['conversation:read'] }]
  const integrationId = (await api.createIntegration({ type: 'custom', webhooks })).integration.id
  const [webhook] = (await api.listWebhooks(integrationId)).webhooks
  const integration = await newKey(server, { app: appId, scope: 'integration', integrationId })
  const named = {
    ...{ appId, userId, integrationId, conversationId: conversation.id },
    ...{ messageId: messages[0].id, webhookId: webhook.id, keyId: `app_${newId()}` },
  }
  return { keys: { account, app, integration }, named }
}

const send = (
  operation: Pick<Operation, 'method' | 'path'>,
  authorization?: string,
  named: Partial<Named> = {},
) =>
  call(server, operation.method, pathOf(operation, named), {
    ...(['POST', 'PATCH'].includes(operation.method) && { body: {} }),
    ...(authorization && { headers: { authorization } }),
  })

/** A failure is always in the envelope of this API. */
function codeOf({ status, json }: Answered): [number, string] {
  expect(json).toEqual({
    errors: expect.arrayContaining([{ code: expect.any(String), title: expect.any(String) }]),
  })
  return [status, json.errors[0].code]
}

const jwt = ({ keyId, secret }: Key, payload: object, { alg = 'HS256' } = {}): Promise<string> =>
  new SignJWT({ ...payload })
    .setProtectedHeader({ alg, kid: keyId })
    .sign(createSecretKey(Buffer.from(secret)))
    .then((token) => `Bearer ${token}`)

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = (): number => Math.floor(Date.now() / 1000)

const ofApps = operations.filter(({ path }) => path.includes('{appId}'))
const name = ({ id, method, path }: Operation) => `${id} (${method} ${path})`
const table = operations.map((operation) => ({ name: name(operation), operation }))
const tableOfApps = ofApps.map((operation) => ({ name: name(operation), operation }))

describe('the table', () => {
  test('has every operation of the published document', () => {
    const ids = [...operations, ...open].map(({ id }) => id)
    expect(new Set(ids).size).toBe(68)
    expect(operations.filter(({ isHere }) => isHere)).toHaveLength(47)
  })

  test('has what the document of this server says of the operations that it has', async () => {
    const { json } = await call(server, 'GET', '/openapi/sunshine.json')
    const documented = Object.values(json.paths as Record<string, Record<string, { operationId: string }>>)
      .flatMap((methods) => Object.values(methods))
      .map(({ operationId }) => operationId)
    const wanted = operations.filter(({ isHere }) => isHere).map(({ id }) => id)
    const ours = ['GetMessage', 'UpdateMessage', 'ListMessageDeliveries']
    expect(documented.sort()).toEqual([...wanted, ...ours].sort())
  })
})

describe.each(table)('$name', ({ operation }) => {
  test('is refused without credentials, and with such that are none', async () => {
    const wrong = [
      undefined,
      'Basic',
      'Basic !!!',
      `Basic ${Buffer.from('no colon').toString('base64')}`,
      basic({ ...mine.keys.app, secret: 'wrong' }),
      basic({ ...mine.keys.app, keyId: `app_${newId()}` }),
      basic({ ...mine.keys.app, keyId: mine.keys.app.keyId.replace('app_', 'act_') }),
      'Bearer x',
      'Digest x',
    ]
    for (const authorization of wrong) {
      expect(codeOf(await send(operation, authorization, mine.named))).toEqual([401, 'unauthorized'])
    }
  })

  test.each(SCOPES)('answers a key of scope %s as the table says', async (scope) => {
    const mayCall = operation.scopes.includes(scope)
    const named = mayCall ? { ...mine.named, ...harmless(operation) } : mine.named
    const answer = await send(operation, basic(mine.keys[scope]), named)
    if (!mayCall) return expect(codeOf(answer)).toEqual([403, 'forbidden'])
    if (!operation.isHere) return expect(codeOf(answer)).toEqual([501, 'not_implemented'])
    // Whatever else is wrong with the request, it is not the credentials.
    expect(answer.status).toBeOneOf([200, 201, 400, 404, 415])
    if (answer.status >= 400) codeOf(answer)
  })
})

/** What an operation that removes something is sent instead, so that the rest of the table has it still. */
function harmless({ method, id }: Operation): Partial<Named> {
  if (method !== 'DELETE') return {}
  if (id === 'DeleteApp') return { appId: newId() }
  const nothing = newId()
  return {
    conversationId: nothing,
    messageId: nothing,
    userId: nothing,
    webhookId: nothing,
    ...(!id.includes('Webhook') && { integrationId: nothing }),
  }
}

describe.each(tableOfApps)('$name', ({ operation }) => {
  test('is forbidden to keys of another app', async () => {
    for (const scope of ['app', 'integration'] as const) {
      expect(codeOf(await send(operation, basic(theirs.keys[scope]), mine.named))).toEqual([403, 'forbidden'])
    }
  })

  test('answers an app that is not there to nobody but the account', async () => {
    const named = { ...mine.named, appId: newId() }
    expect(codeOf(await send(operation, basic(mine.keys.account), named))).toEqual([404, 'app_not_found'])
    expect(codeOf(await send(operation, basic(mine.keys.app), named))).toEqual([403, 'forbidden'])
    const strange = { ...named, appId: 'x' }
    expect(codeOf(await send(operation, basic(mine.keys.account), strange))).toEqual([404, 'app_not_found'])
  })
})

describe('what another app has', () => {
  const own = ofApps.filter(({ path, isHere }) => isHere && /\{(?!appId)(?!keyId)/.test(path))

  test.each(own.map((operation) => ({ name: name(operation), operation })))(
    'is unknown to $name',
    async ({ operation }) => {
      const named = { ...theirs.named, appId: mine.named.appId }
      const body = bodies[operation.id]
      const answer = await call(server, operation.method, pathOf(operation, named), {
        ...(['POST', 'PATCH'].includes(operation.method) && { body: body ?? {} }),
        headers: { authorization: basic(mine.keys.account) },
      })
      expect(codeOf(answer)[0]).toBe(404)
    },
  )

  /** Good ones, since a bad one is refused before anything is looked for. */
  const bodies: Readonly<Record<string, object>> = {
    JoinConversation: { userId: newId(), subscribeSDKClient: true },
    LeaveConversation: { userId: newId() },
    PostMessage: { author: { type: 'business' }, content: { type: 'text', text: 'hi' } },
    PostActivity: { author: { type: 'business' }, type: 'conversation:read' },
    DownloadMessageRef: {
      userId: newId(),
      apple: {
        interactiveDataRef: {
          url: 'https://x.example/',
          bid: 'b',
          key: `00${'a'.repeat(64)}`,
          signature: 's',
          owner: 'o',
        },
      },
    },
    CreateCustomIntegrationKey: { displayName: 'x' },
    CreateWebhook: { target: 'http://127.0.0.1:9/', triggers: ['conversation:read'] },
  }
})

describe('a token', () => {
  const path = () => ({ method: 'GET', path: `/v2/apps/${mine.named.appId}/users/${mine.named.userId}` })

  test.each(SCOPES)('of scope %s, signed with such a key, is as good as the key', async (scope) => {
    const key = mine.keys[scope]
    expect((await send(path(), await jwt(key, { scope }))).status).toBe(200)
    expect((await send(path(), await jwt(key, { scope, exp: now() + 60, iat: now() }))).status).toBe(200)
  })

  test.each(
    SCOPES.flatMap((scope) =>
      SCOPES.filter((other) => other !== scope).map((other) => [scope, other] as const),
    ),
  )('that says %s and is signed with a key of scope %s is forbidden', async (scope, other) => {
    const token = await jwt(mine.keys[other], { scope })
    expect(codeOf(await send(path(), token))).toEqual([403, 'forbidden'])
  })

  test('without a scope, or with that of a user, is forbidden', async () => {
    for (const payload of [{}, { scope: 'user', userId: 'x' }]) {
      expect(codeOf(await send(path(), await jwt(mine.keys.app, payload)))).toEqual([403, 'forbidden'])
    }
  })

  test('whose time is over, or has not come, is refused', async () => {
    for (const payload of [{ exp: now() - 60 }, { nbf: now() + 600 }]) {
      const token = await jwt(mine.keys.app, { scope: 'app', ...payload })
      expect(codeOf(await send(path(), token))).toEqual([401, 'unauthorized'])
    }
  })

  test('is refused once its time is over, even where it was right before', async () => {
    const token = await jwt(mine.keys.app, { scope: 'app', exp: now() + 2 })
    expect((await send(path(), token)).status).toBe(200)
    await expect.poll(async () => (await send(path(), token)).status, { timeout: 10_000 }).toBe(401)
  })

  test('that nobody signed, or somebody else, or in another way, is refused', async () => {
    const { app } = mine.keys
    const unsigned = `${base64url({ alg: 'none', kid: app.keyId })}.${base64url({ scope: 'app' })}.`
    const wrong = [
      `Bearer ${unsigned}`,
      await jwt({ ...app, secret: 'x'.repeat(64) }, { scope: 'app' }),
      await jwt({ ...app, keyId: mine.keys.account.keyId }, { scope: 'account' }),
      await jwt({ ...app, keyId: 'nobody' }, { scope: 'app' }),
      await jwt(app, { scope: 'app' }, { alg: 'HS512' }),
    ]
    for (const token of wrong) expect(codeOf(await send(path(), token))).toEqual([401, 'unauthorized'])
  })
})

describe.each(open)('$id', (operation) => {
  test('is of the hosted service, and says that it is not here', async () => {
    for (const prefix of ['', '/sc']) {
      const answer = await send({ ...operation, path: prefix + operation.path })
      expect(codeOf(answer)).toEqual([501, 'not_implemented'])
    }
  })
})
