import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { createClient } from '../support/api.js'
import { converseMany, forAll, messageOf, textOf } from '../support/fault-load.js'
import { callWithKey } from '../support/operators.js'
import { type Received, startReceiver } from '../support/receiver.js'
import { cleanUp, isSoak, SHORT_LEASE, startProcess } from '../support/server.js'

const CONVERSATIONS = isSoak ? 200 : 8
const IN_EACH = isSoak ? 50 : 4
const LETTERS = CONVERSATIONS * IN_EACH
const KILLS = isSoak ? 4 : 1
const TIMEOUT_MS = isSoak ? 2_700_000 : 120_000
const PATIENT = { timeout: isSoak ? 1_800_000 : 60_000, interval: 100 }
/** What is under way when a process is killed may come again. */
const UNDERWAY = 64

afterAll(cleanUp)

test(
  `${LETTERS} dead letters are replayed in the order of their conversations, though the server is killed ${KILLS} times`,
  async () => {
    const env = { ...SHORT_LEASE, WEBHOOK_RETRY_DELAYS: '1ms', GATE_PAUSE: '1ms', GATE_MAX_PAUSE: '1ms' }
    const server = await startProcess({ env })
    const bot = await startReceiver((request) => (messageOf(request) ? 500 : 200))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const conversations = await converseMany(client, CONVERSATIONS)
    await forAll(conversations, async (id) => {
      for (let i = 0; i < IN_EACH; i += 1) await client.say(id, `${i}`)
    })
    const path = `/clients/${client.id}/jobs`
    const count = async () =>
      (await callWithKey(server, 'POST', path, { action: 'replay', dryRun: true })).json.count
    const isPending = async () => {
      const states = ['pending', 'retrying'].map((state) =>
        callWithKey(server, 'GET', `/clients/${client.id}/deliveries?state=${state}`),
      )
      return (await Promise.all(states)).some(({ json }) => json.items.length > 0)
    }
    await expect.poll(isPending, PATIENT).toBe(false)
    // Events of new conversations may have been given up too, while the target was paused.
    const total = await count()
    expect(total).toBeGreaterThanOrEqual(LETTERS)

    const start = bot.requests.length
    const received = (): Received[] => bot.requests.slice(start).filter((request) => messageOf(request))
    bot.answer = () => 200
    const made = await callWithKey(server, 'POST', path, { action: 'replay', perSecond: 1000 })
    expect(made.json).toMatchObject({ state: 'running', total })
    let victim = server
    for (let kill = 1; kill <= KILLS; kill += 1) {
      while (received().length < (LETTERS / (KILLS + 1)) * kill) await sleep(2)
      await victim.kill()
      if (kill < KILLS) victim = await victim.relaunch()
      else await victim.restart()
    }
    const job = async () => (await callWithKey(server, 'GET', `${path}/${made.json.id}`)).json
    await expect.poll(async () => (await job()).state, PATIENT).toBe('done')
    expect(await job()).toMatchObject({ done: total, failed: 0 })
    expect(await count()).toBe(0)

    const texts = (id: string) =>
      received()
        .filter((request) => messageOf(request)?.conversationId === id)
        .map((request) => Number(textOf(request)))
    const all = Array.from({ length: IN_EACH }, (_, i) => i)
    await expect
      .poll(() => conversations.every((id) => new Set(texts(id)).size === IN_EACH), PATIENT)
      .toBe(true)
    for (const id of conversations) {
      const inOrder = texts(id).filter((text, i, these) => these.indexOf(text) === i)
      expect(inOrder).toEqual(all)
    }
    expect(received().length - LETTERS).toBeLessThanOrEqual(KILLS * UNDERWAY)
  },
  TIMEOUT_MS,
)
