import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { clientOf, createClient } from '../support/api.js'
import { forAll, numbered } from '../support/fault-load.js'
import { callWithKey, createOperator, openLink, signIn } from '../support/operators.js'
import { newDatabase, startReplicas } from '../support/replicas.js'
import { cleanUp, isSoak, type TestServer } from '../support/server.js'

afterAll(cleanUp)

describe('the console at three replicas on one database', () => {
  let servers: [TestServer, TestServer, TestServer]
  beforeAll(async () => {
    servers = await startReplicas(3, newDatabase(inject('mongodbUrl') ?? ''))
  }, 90_000)

  test('a session that began at one is good at all, and one that ends at one is good at none', async () => {
    const [first, second, third] = servers
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
    const [first, second, third] = servers
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

  test('a long conversation has the same timeline at all, to which each of them posted', async () => {
    const client = await createClient(servers[0])
    const { conversationId } = await client.converse()
    const [messages, limit] = isSoak ? [5_000, 100] : [60, 25]
    await forAll(numbered(messages), (text, i) =>
      clientOf(servers[i % 3] as TestServer, client).say(conversationId, text),
    )
    const path = `/clients/${client.id}/conversations`
    const timelineAt = async (server: TestServer): Promise<Shown[]> => {
      const shown: Shown[] = []
      for (let before = ''; ; ) {
        const page = `${path}/${conversationId}/timeline?limit=${limit}${before}`
        const { json } = await callWithKey(server, 'GET', page)
        shown.push(...json.items)
        if (json.next === undefined) return shown
        before = `&before=${json.next}`
      }
    }
    const timelines = await Promise.all(servers.map(timelineAt))
    const said = (timelines[0] ?? []).filter(({ entry }) => entry.type === 'message')
    expect(said.map(({ entry }) => entry.payload?.text).sort()).toEqual(numbered(messages).sort())
    const numbers = said.map(({ entry }) => entry.seq)
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => b - a))
    for (const timeline of timelines) expect(timeline).toEqual(timelines[0])
    const listed = await Promise.all(
      servers.map(async (server) => (await callWithKey(server, 'GET', path)).json.items),
    )
    expect(listed[0]).toMatchObject([{ id: conversationId, state: { pending: 0, dead: 0 } }])
    for (const items of listed) expect(items).toEqual(listed[0])
  })
})

interface Shown {
  entry: { seq: number; type: string; payload?: { text: string } }
}
