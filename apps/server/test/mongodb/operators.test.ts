import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { clientOf, createClient } from '../support/api.js'
import { forAll, numbered } from '../support/fault-load.js'
import { callWithKey, createOperator, openLink, signIn } from '../support/operators.js'
import { startReceiver } from '../support/receiver.js'
import { newDatabase, startReplicas } from '../support/replicas.js'
import { cleanUp, isSoak, SHORT_LEASE, type TestServer } from '../support/server.js'

afterAll(cleanUp)

describe('the console at three replicas on one database', () => {
  let servers: [TestServer, TestServer, TestServer]
  beforeAll(async () => {
    servers = await startReplicas(3, {
      ...newDatabase(inject('mongodbUrl') ?? ''),
      ...SHORT_LEASE,
      ...{ WEBHOOK_RETRY_DELAYS: '10ms', GATE_PAUSE: '20ms', GATE_MAX_PAUSE: '20ms', RATE_LIMIT: '0' },
    })
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
    const [messages, limit] = isSoak ? [5_000, 100] : [30, 12]
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

  test('a timeline with its attempts, the dead letters and the progress of a job are the same at all', async () => {
    const [first, second, third] = servers
    /** What all answer, once it is the same and as it should be. */
    const same = async (path: string, isRight: (json: Json) => boolean): Promise<Json> => {
      const read = () =>
        Promise.all(servers.map(async (server) => (await callWithKey(server, 'GET', path)).json as Json))
      let answers: Json[] = []
      await expect
        .poll(async () => {
          answers = await read()
          return answers.every((json) => isRight(json) && isDeepStrictEqual(json, answers[0]))
        }, PATIENT)
        .toBe(true)
      return answers[0]
    }
    const bot = await startReceiver(() => 500)
    const client = await createClient(first, { webhooks: [{ url: bot.url }] })
    const { conversationId } = await clientOf(second, client).converse()
    for (const server of servers) await clientOf(server, client).say(conversationId, 'hello')
    const of = `/clients/${client.id}`
    await same(`${of}/deliveries?state=dead`, ({ items }) => items.length === 5)
    await same(`${of}/conversations/${conversationId}/timeline`, ({ items }) =>
      items.every(({ deliveries: [only] }: Json) => only.state === 'dead' && only.attempts.length > 0),
    )

    bot.answer = () => 200
    const wanted = { action: 'replay', perSecond: 1 }
    const { json: started } = await callWithKey(first, 'POST', `${of}/jobs`, wanted)
    const path = `${of}/jobs/${started.id}`
    await callWithKey(third, 'POST', `${path}/stop`)
    const stopped = await same(path, ({ state }) => state === 'stopped')
    expect(stopped.done).toBeLessThan(stopped.total)
    await callWithKey(second, 'POST', `${path}/resume`)
    expect(await same(path, ({ state }) => state === 'done')).toMatchObject({ done: 5, failed: 0, total: 5 })
    await same(`${of}/conversations/${conversationId}/timeline`, ({ items }) =>
      items.every(({ deliveries: [only] }: Json) => only.state === 'delivered'),
    )
  }, 60_000)
})

// biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
type Json = any

/** For polls: attempts are written about once a second. */
const PATIENT = { timeout: 30_000, interval: 100 }

interface Shown {
  entry: { seq: number; type: string; payload?: { text: string } }
}
