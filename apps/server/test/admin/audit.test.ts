import { randomUUID } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { call, createClient } from '../support/api.js'
import { callWithKey, createOperator, newSession, openLink, PASSWORD, signIn } from '../support/operators.js'
import { ADMIN_KEY, cleanUp, sharedServer, startServer } from '../support/server.js'

const server = sharedServer()
afterAll(cleanUp)

const log = async (query: Record<string, string> = {}) =>
  (await callWithKey(server, 'GET', `/audit?${new URLSearchParams(query)}`)).json.items

test('the log has who did what, from where, to what, and what became of it', async () => {
  const ada = await newSession(server)
  const { actor } = ada.answer.json
  const email = `${randomUUID()}@example.com`
  const made = await ada.call(
    'POST',
    '/operators',
    { email, role: 'viewer', password: PASSWORD },
    { 'x-request-id': 'r-7' },
  )
  await ada.call('PATCH', `/operators/${made.json.id}`, { role: 'operator' })
  await ada.call('DELETE', `/operators/${randomUUID()}`)
  const { id, name } = actor
  const common = { actor: { kind: 'operator', id, name }, from: '127.0.0.1' }
  expect(await log({ actor: id })).toMatchObject([
    { ...common, action: 'operator.delete', outcome: 'refused', code: 'NOT_FOUND' },
    {
      ...{ ...common, action: 'operator.update', outcome: 'done', target: { operatorId: made.json.id } },
      ...{ fields: ['role'], details: { email, role: 'operator' } },
    },
    {
      ...{ ...common, action: 'operator.create', outcome: 'done', requestId: 'r-7' },
      ...{
        fields: ['email', 'role', 'password'],
        details: { email, role: 'viewer', operatorId: made.json.id },
      },
    },
    { ...common, action: 'session.begin', outcome: 'done' },
  ])
  expect(await log({ actor: id, action: 'operator.create' })).toHaveLength(1)
  expect(await log({ actor: id, until: '2026-01-01T00:00:00Z' })).toEqual([])
})

test('what a program changes with the admin key over the Messaging API is in the log as well', async () => {
  const admin = async (method: string, path: string, body?: object) =>
    (
      await call(server, method, `/api/v1/admin${path}`, {
        body,
        headers: { 'x-bp-messaging-admin-key': ADMIN_KEY },
      })
    ).json
  const { id: clientId } = await admin('POST', '/clients', {})
  const name = randomUUID()
  await admin('PUT', '/clients/name', { id: clientId, name })
  await admin('PATCH', `/clients/${clientId}`, { guests: true })
  const { keyId } = await admin('POST', '/keys', { app: clientId, scope: 'app' })
  const email = `${randomUUID()}@example.com`
  const { userId } = await admin('POST', '/owners', { project: clientId, email, password: PASSWORD })
  await admin('POST', `/clients/${clientId}/tokens`)
  await admin('POST', '/dead-letters/replay', { client: clientId })
  await admin('POST', '/owners/remove', { email })
  await admin('DELETE', `/keys/${keyId}`)
  const entries: { action: string }[] = await log({ actor: 'admin-key', limit: '200' })
  const ofClient = (await log({ clientId, limit: '200' })) as { action: string }[]
  const key = { kind: 'key', id: 'admin-key' }
  expect(ofClient.slice(0, 6)).toMatchObject([
    { action: 'client.token.create', details: { tokenId: expect.any(String) } },
    { action: 'owner.create', details: { userId }, fields: ['project', 'email', 'password'] },
    { action: 'key.create', details: { keyId }, fields: ['app', 'scope'] },
    { action: 'client.update', fields: ['guests'], target: { id: clientId } },
    { action: 'client.update', details: { name } },
    { action: 'client.create', actor: key, outcome: 'done', from: '127.0.0.1' },
  ])
  expect(entries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ action: 'key.revoke', target: { keyId } }),
      expect.objectContaining({ action: 'owner.remove', fields: ['email'] }),
      expect.objectContaining({ action: 'delivery.replay', details: { done: 0, refused: 0 } }),
    ]),
  )
  const { id: gone } = await admin('POST', '/clients', {})
  await admin('DELETE', `/clients/${gone}`)
  expect(await log({ action: 'client.delete', actor: 'admin-key', limit: '20' })).toEqual(
    expect.arrayContaining([expect.objectContaining({ clientId: gone, outcome: 'done' })]),
  )
})

test('sign-ins are in the log, also those of links and those that failed', async () => {
  const operator = await createOperator(server, 'viewer')
  await signIn(server, { ...operator, password: 'a wrong password' })
  await expect.poll(() => log({ actor: operator.id })).toHaveLength(1)
  await signIn(server, { email: 'nobody@example.com', password: 'a wrong password' })
  const ada = await signIn(server, operator)
  await ada.call('DELETE', '/sessions')
  expect(await log({ actor: operator.id })).toMatchObject([
    { action: 'session.end-all', outcome: 'done', details: { ended: 1 } },
    { action: 'session.begin', outcome: 'done' },
    { action: 'session.begin', outcome: 'refused' },
  ])
  const { id: clientId } = await createClient(server)
  const { json } = await callWithKey(server, 'POST', `/clients/${clientId}/link`, { name: 'Olga' })
  await openLink(server, json.url)
  expect(await log({ clientId })).toMatchObject([
    { action: 'link.open', actor: { kind: 'tenant', id: json.id, name: 'Olga' }, clientId },
    { action: 'link.create', actor: { kind: 'key', id: 'admin-key' }, clientId, details: { link: json.id } },
  ])
})

test('neither the log of changes nor the output of the server has a secret', async () => {
  const own = await startServer({ env: { LOG_LEVEL: 'debug', RATE_LIMIT: '0' } })
  const operator = await createOperator(own)
  const ada = await signIn(own, operator)
  const { id } = await createClient(own)
  const { json } = await ada.call('POST', `/clients/${id}/link`, {})
  const link = await openLink(own, json.url)
  await signIn(own, { ...operator, password: 'a wrong password' })
  await ada.call('PUT', '/session/password', { current: PASSWORD, password: 'another long password' })
  const audit = await callWithKey(own, 'GET', '/audit?limit=200')
  expect(audit.json.items.length).toBeGreaterThan(5)
  const secretOf = (cookie: string) => cookie.split('=')[1] ?? ''
  const [, token = ''] = json.url.split('#token=')
  for (const secret of [
    ...[PASSWORD, 'a wrong password', 'another long password', 'argon2', token],
    ...[ada.csrfToken, secretOf(ada.cookie), secretOf(link.cookie)],
  ]) {
    expect(secret).not.toBe('')
    expect(audit.text).not.toContain(secret)
    expect(own.output()).not.toContain(secret)
  }
  await own.stop()
})

test('is read page by page, newest first', async () => {
  const ada = await newSession(server)
  for (let times = 0; times < 3; times += 1) await ada.call('DELETE', `/operators/${randomUUID()}`)
  const query = { actor: ada.answer.json.actor.id, limit: '2' }
  const read = (more: object) =>
    callWithKey(server, 'GET', `/audit?${new URLSearchParams({ ...query, ...more })}`)
  const first = await read({})
  const second = await read({ cursor: first.json.next })
  const times = [...first.json.items, ...second.json.items].map(({ at }: { at: string }) => at)
  expect(times).toHaveLength(4)
  expect(times).toEqual([...times].sort().reverse())
  expect((await read({ cursor: 'x' })).json.error.path).toEqual(['cursor'])
})
