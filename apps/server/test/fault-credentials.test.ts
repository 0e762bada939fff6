import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from './support/api.js'
import { numbered } from './support/fault-load.js'
import { newSecret, webhookChannel } from './support/person.js'
import { type Receiver, startReceiver } from './support/receiver.js'
import { cleanUp, startServer, type TestServer } from './support/server.js'

const PATIENT = { timeout: 20_000 }

let server: TestServer
let bot: Receiver
let person: Receiver
beforeAll(async () => {
  server = await startServer({ env: { CHANNEL_RETRY_DELAYS: '50ms,50ms,50ms', POLL_INTERVAL: '50ms' } })
  bot = await startReceiver()
  person = await startReceiver()
})
afterAll(async () => {
  await Promise.all([bot.close(), person.close()])
  await cleanUp()
})

/** What the person's side got, in order. */
const told = () =>
  person.requests.map(({ text }) => (JSON.parse(text) as { payload: { text: string } }).payload.text)

const endpoint = (sender: string) => ({
  channel: { name: 'webhook', version: '1.0.0' },
  identity: '*',
  sender,
  thread: '*',
})

describe('an integration whose credentials are refused', () => {
  test('pauses, says so, attempts nothing more, and the next sync resumes it in order', async () => {
    person.answer = () => 401
    const configuration = { webhooks: [{ url: bot.url }], channels: webhookChannel(person.url, newSecret()) }
    const client = await createClient(server, configuration)
    const map = async (sender: string) =>
      (await client.call('POST', '/endpoints/map', endpoint(sender))).json.conversationId as string
    const health = async () => (await client.call('GET', '/health')).json.channels.webhook
    const stateOf = async (id: string) => {
      const { deliveries } = (await client.call('GET', `/messages/${id}/deliveries`)).json
      return deliveries.find(({ target }: { target: { type: string } }) => target.type === 'endpoint').state
    }
    const conversationId = await map('sam')
    const { id } = (await client.say(conversationId, '0')).json
    await expect.poll(async () => (await health()).status, PATIENT).toBe('paused')
    expect((await health()).reason).toContain('401')

    const types = () => bot.ofType('health.new').map(({ json }) => (json.data.event as { type: string }).type)
    await bot.until(() => types().includes('pause'))
    expect(bot.ofType('health.new').at(-1)?.json.data).toMatchObject({ channel: 'webhook' })
    expect((await health()).events[0].type).toBe('pause')

    // Many times the schedule and the poll later, also for another conversation, there was no other attempt.
    for (const text of numbered(5).slice(1)) await client.say(conversationId, text)
    await client.say(await map('eve'), 'to eve')
    await bot.until(() => bot.ofType('message.new').length === 6)
    await sleep(600)
    expect(told()).toEqual(['0'])
    expect(await stateOf(id)).not.toBe('dead')
    expect((await client.call('GET', '/dead-letters')).json.deadLetters).toEqual([])

    person.answer = () => 200
    const { status } = await client.call('POST', '/sync', configuration)
    expect(status).toBe(200)
    await person.until((requests) => requests.length >= 7)
    expect(told().filter((text) => text !== 'to eve')).toEqual(['0', ...numbered(5)])
    expect(told()).toContain('to eve')
    expect((await health()).status).toBe('active')
    await expect.poll(() => stateOf(id), PATIENT).toBe('delivered')
    expect(new Set(person.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(6)
  })

  test('stays paused over a restart', async () => {
    const before = person.requests.length
    person.answer = () => 401
    const configuration = { channels: webhookChannel(person.url, newSecret()) }
    const client = await createClient(server, configuration)
    const { conversationId } = (await client.call('POST', '/endpoints/map', endpoint('ada'))).json
    await client.say(conversationId, 'kept')
    const health = async () => (await client.call('GET', '/health')).json.channels.webhook
    await expect.poll(async () => (await health()).status, PATIENT).toBe('paused')
    await server.stop()
    await server.restart()
    await client.say(conversationId, 'kept too')
    await sleep(300)
    expect((await health()).status).toBe('paused')
    expect(told().slice(before)).toEqual(['kept'])
    person.answer = () => 200
    await client.call('POST', '/sync', configuration)
    await person.until((requests) => requests.length >= before + 3)
    expect(told().slice(before)).toEqual(['kept', 'kept', 'kept too'])
  })
})
