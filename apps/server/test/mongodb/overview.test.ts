import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { asAdmin, call, createClient } from '../support/api.js'
import { readEvents } from '../support/event-reader.js'
import { startReceiver } from '../support/receiver.js'
import { newDatabase, startReplicas } from '../support/replicas.js'
import { cleanUp, isSoak, SHORT_LEASE, type TestServer, type TestServerProcess } from '../support/server.js'

/** For polls: processes write what they do every five seconds. */
const PATIENT = { timeout: 30_000, interval: 250 }

let servers: TestServer[]
beforeAll(async () => {
  const database = newDatabase(inject('mongodbUrl') ?? '')
  servers = await startReplicas(3, {
    ...database,
    ...SHORT_LEASE,
    RATE_LIMIT: '0',
    // Long enough for a slow machine: a target that works again has to get something.
    WEBHOOK_RETRY_DELAYS: Array.from({ length: 100 }, () => '1s').join(','),
    GATE_MAX_PAUSE: '1s',
  })
}, 60_000)
afterAll(cleanUp)

const at = (index: number): TestServer => servers[index] as TestServer
const overviewAt = async (index: number) => {
  const { json } = await call(at(index), 'GET', '/admin/v1/overview', { headers: asAdmin })
  const { at: _, ...overview } = json
  return overview
}
type Overview = Awaited<ReturnType<typeof overviewAt>>
type Fields = Record<string, unknown>

/** What does not change from one attempt to the next. */
const lastingPartOf = ({ status, version, troubles, replicas }: Overview) => ({
  ...{ status, version },
  troubles: troubles.map(({ clientId, target, state, since, reason, fix }: Fields) => ({
    ...{ clientId, target, state, since, reason, fix },
  })),
  replicas: replicas.map(({ id, state, role, startedAt }: Fields) => ({ id, state, role, startedAt })),
})
const overviews = () => Promise.all([0, 1, 2].map(overviewAt))

test('the overview of three replicas is the same at each, and has a trouble that only one of them saw', async () => {
  const bot = await startReceiver(() => 503)
  const client = await createClient(at(0), { webhooks: [{ url: bot.url }] })
  const { userId, conversationId } = await client.converse()
  await client.say(conversationId, 'hello', userId)
  const isWhole = ({ troubles, rates, replicas }: Overview) =>
    troubles.length === 1 && rates.receivedPerMinute === 1 && replicas.length === 3
  await expect.poll(async () => (await overviews()).every(isWhole), PATIENT).toBe(true)
  // Failures are counted meanwhile; all else is the same.
  await expect
    .poll(async () => {
      const [first, ...others] = (await overviews()).map(lastingPartOf)
      return others.map((other) => isDeepStrictEqual(other, first))
    }, PATIENT)
    .toEqual([true, true])
  const [overview] = await overviews()
  expect(overview).toMatchObject({
    status: 'trouble',
    troubles: [{ clientId: client.id, state: 'failing', reason: 'answered 503' }],
    replicas: [{ state: 'running' }, { state: 'running' }, { state: 'running' }],
    store: { kind: 'mongodb' },
  })
  bot.answer = () => 200
  await expect.poll(async () => (await overviewAt(2)).status, PATIENT).toBe('ok')
})

test('the live tail of one replica shows what others append, each entry once', async () => {
  const client = await createClient(at(0))
  const reader = await readEvents(`${at(2).url}/admin/v1/events?client=${client.id}`, asAdmin)
  const { conversationId } = await client.converse()
  const texts = Array.from({ length: 20 }, (_, i) => `message ${i}`)
  const replicaClient = (index: number) => ({ url: at(index).url })
  for (const [i, text] of texts.entries())
    await call(replicaClient(i % 3), 'POST', '/api/v1/messages', {
      body: { conversationId, payload: { type: 'text', text } },
      headers: client.headers,
    })
  const previews = () =>
    reader.events.flatMap(({ data }) => (data.type === 'message' ? [data.preview as string] : []))
  await expect.poll(() => previews().sort(), PATIENT).toEqual([...texts].sort())
  expect(reader.events[0]).toMatchObject({ type: 'begin', data: { isWhole: true } })
  reader.end()
})

test('a replica that stops says so, and one that is killed is silent after half a minute', async () => {
  const states = async () =>
    (await overviewAt(0)).replicas.map(({ state }: { state: string }) => state).sort()
  await at(2).stop()
  await expect.poll(states, PATIENT).toEqual(['running', 'running', 'stopped'])
  if (!isSoak) return
  await (at(1) as TestServerProcess).kill()
  await expect.poll(states, { ...PATIENT, timeout: 50_000 }).toEqual(['running', 'silent', 'stopped'])
}, 60_000)
