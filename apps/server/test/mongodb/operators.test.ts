import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { createClient } from '../support/api.js'
import { callWithKey, createOperator, openLink, signIn } from '../support/operators.js'
import { newDatabase, startReplicas } from '../support/replicas.js'
import { cleanUp, type TestServerProcess } from '../support/server.js'

afterAll(cleanUp)

describe('the console at three processes on one database', () => {
  let servers: TestServerProcess[]
  beforeAll(async () => {
    servers = await startReplicas(3, newDatabase(inject('mongodbUrl') ?? ''))
  }, 90_000)

  test('a session that began at one is good at all, and one that ends at one is good at none', async () => {
    const [first, second, third] = servers as [TestServerProcess, TestServerProcess, TestServerProcess]
    const operator = await createOperator(first)
    const [ada, other] = [await signIn(second, operator), await signIn(third, operator)]
    const statuses = (session: typeof ada) =>
      Promise.all(servers.map(async (server) => (await session.at(server).call('GET', '/session')).status))
    expect(await statuses(ada)).toEqual([200, 200, 200])
    // The CSRF token, too.
    expect((await ada.at(third).call('DELETE', '/session')).status).toBe(204)
    expect(await statuses(ada)).toEqual([401, 401, 401])
    expect(await statuses(other)).toEqual([200, 200, 200])
    expect((await callWithKey(first, 'DELETE', `/operators/${operator.id}/sessions`)).json).toEqual({
      ended: 1,
    })
    expect(await statuses(other)).toEqual([401, 401, 401])
  })

  test('a link and the audit log are the same at all', async () => {
    const [first, second, third] = servers as [TestServerProcess, TestServerProcess, TestServerProcess]
    const client = await createClient(first)
    const { json } = await callWithKey(second, 'POST', `/clients/${client.id}/link`, {})
    const session = await openLink(third, json.url)
    expect((await session.at(first).call('GET', '/session')).json.actor.clientId).toBe(client.id)
    await callWithKey(first, 'DELETE', `/clients/${client.id}/links/${json.id}`)
    expect((await session.at(second).call('GET', '/session')).status).toBe(401)
    const logs = await Promise.all(
      servers.map(
        async (server) => (await callWithKey(server, 'GET', `/audit?clientId=${client.id}`)).json.items,
      ),
    )
    expect(logs[0].map(({ action }: { action: string }) => action)).toEqual([
      'link.revoke',
      'link.open',
      'link.create',
    ])
    for (const log of logs) expect(log).toEqual(logs[0])
  })
})
