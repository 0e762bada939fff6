import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { type FakeSlack, fakeSlack } from '../../../../packages/channel-slack/test/fake-slack.js'
import { type FakeTelegram, fakeTelegram } from '../../../../packages/channel-telegram/test/fake-telegram.js'
import { call, clientOf, type TestClient } from '../support/api.js'
import { forAll, listAll, numbered, textsOf } from '../support/fault-load.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { newDatabase, type Shared } from '../support/replicas.js'
import {
  cleanUp,
  isSoak,
  SHORT_LEASE,
  startProcess,
  startServer,
  type TestServer,
  type TestServerProcess,
} from '../support/server.js'

/** Per provider. */
const MESSAGES = isSoak ? 2_000 : 20
const KILLS = isSoak ? 3 : 1
const PEOPLE = isSoak ? 20 : 5
/** A client may have few lists open. */
const LISTS_AT_ONCE = 2
/** How often all processes are asked what they own, which takes them some milliseconds. */
const LOOK_MS = isSoak ? 250 : 500
/** What is promised after the death of a process. */
const TAKEOVER_MS = 30_000
/** What is promised after a stop. */
const HANDOVER_MS = 2_000

const botToken = '7654321:AAHmadeUpTokenOfTheFirstBot-x0123456'
const slackTokens = { botToken: 'xoxb-a-token', appToken: 'xapp-1-A0FAKE-1234-abcdef' }

let bots: FakeTelegram
let slack: FakeSlack
let bot: Receiver
let env: Shared
/** Those that run; a frozen one is not among them. */
let servers: (TestServer | TestServerProcess)[]
let client: TestClient
/** The most sources that all living processes owned at a moment, by what they say. */
let most = 0
let isWatching = true
let watching: Promise<void>

beforeAll(async () => {
  bots = await fakeTelegram()
  slack = await fakeSlack({ tokens: [slackTokens.botToken] })
  bot = await startReceiver()
  env = {
    ...newDatabase(inject('mongodbUrl') ?? ''),
    // In the long form, the defaults.
    ...(isSoak ? {} : SHORT_LEASE),
    PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({
      telegram: { apiRoot: bots.url },
      slack: { slackApiUrl: slack.apiUrl },
    }),
  }
  const owners = await Promise.all([startProcess({ env }), startProcess({ env })])
  servers = [...owners]
  const channels = {
    telegram: { version: '1.0.0', botToken },
    slack: { version: '1.0.0', mode: 'listen', ...slackTokens },
  }
  const body = { channels, webhooks: [{ url: bot.url }] }
  const made = await call(owners[0], 'POST', '/api/v1/sync', { body })
  if (made.status !== 200) throw new Error(made.text)
  client = clientOf(owners[0], made.json)
  watching = watch()
  // Each owns a source, and is killed or frozen. The third, which takes over, need not be a process.
  await eachOwns([1, 1])
  servers.push(await (isSoak ? startProcess : startServer)({ env }))
}, 60_000)
afterAll(async () => {
  isWatching = false
  await watching
  await cleanUp()
  await Promise.all([bots.close(), slack.close()])
})

/** How many integrations a process listens for. */
async function ownedBy(server: TestServer): Promise<number> {
  const { text } = await call(server, 'GET', '/metrics')
  return Number(/^plugboard_listening_integrations (\d+)$/m.exec(text)?.[1])
}

async function watch(): Promise<void> {
  while (isWatching) {
    const owned = await Promise.all(servers.map((server) => ownedBy(server).catch(() => 0)))
    most = Math.max(
      most,
      owned.reduce((sum, count) => sum + count, 0),
    )
    await sleep(LOOK_MS)
  }
}

/** The same client at a process that answers. */
const here = (): TestClient => clientOf(servers[0] as TestServer, client)

const listening = async (): Promise<unknown> => {
  const { json } = await here().call('GET', '/health')
  return [json.channels.telegram.listening?.state, json.channels.slack.listening?.state]
}

const bothConnect = (timeout = TAKEOVER_MS) =>
  vi.waitFor(async () => expect(await listening()).toEqual(['connected', 'connected']), {
    timeout,
    interval: LOOK_MS,
  })

/** A process that owns something, which is no longer among the others. The sources are shared soon after a change. */
async function takeOwner(): Promise<TestServer | TestServerProcess> {
  let at = -1
  await vi.waitFor(
    async () => {
      const owned = await Promise.all(servers.map(ownedBy))
      at = owned.findIndex((count) => count > 0)
      expect(at).toBeGreaterThanOrEqual(0)
    },
    { timeout: TAKEOVER_MS, interval: LOOK_MS },
  )
  const [owner] = servers.splice(at, 1)
  return owner as TestServer
}

async function takeOwningProcess(): Promise<TestServerProcess> {
  const owner = await takeOwner()
  if (!('kill' in owner)) throw new Error('the owner is no process')
  return owner
}

/** When the others own everything that a process owned. */
const othersOwnAll = (timeout: number) =>
  vi.waitFor(
    async () => {
      const owned = await Promise.all(servers.map(ownedBy))
      expect(owned.reduce((sum, count) => sum + count, 0)).toBe(2)
    },
    { timeout, interval: LOOK_MS },
  )

/** Waits until each process owns its share of the sources, in any order. */
const eachOwns = (counts: readonly number[]) =>
  vi.waitFor(
    async () => {
      const owned = await Promise.all(servers.map(ownedBy))
      expect(owned.toSorted()).toEqual(counts)
    },
    { timeout: TAKEOVER_MS, interval: LOOK_MS },
  )

let lastNumber = 0

/** At both providers, each time as another person. */
function write(text: string): void {
  lastNumber += 1
  const person = lastNumber % PEOPLE
  const number = String(lastNumber).padStart(6, '0')
  bots.push(botToken, {
    message: {
      ...{ message_id: lastNumber, date: 1_796_040_000, text },
      chat: { id: 501 + person, type: 'private' },
      from: { id: 501 + person, is_bot: false, first_name: `Ada ${person}` },
    },
  })
  slack.sockets.send(slackTokens.appToken, 'events_api', {
    type: 'event_callback',
    event_id: `Ev${number}`,
    event_time: 1_796_040_000,
    authorizations: [{ user_id: 'U0BOT', is_bot: true }],
    event: {
      type: 'message',
      channel_type: 'im',
      channel: `D${person}`,
      user: `U${person}`,
      ts: `1796040000.${number}`,
      text,
    },
  })
}

/** The texts that are stored, by channel, and the conversations in which the order is not that of writing. */
async function stored(): Promise<Record<string, string[]>> {
  const conversations = new Map<string, string>()
  for (const { json } of bot.ofType('message.new')) {
    const { conversationId, channel } = json.data as { conversationId: string; channel: string }
    conversations.set(conversationId, channel)
  }
  const found: Record<string, string[]> = { telegram: [], slack: [], disordered: [] }
  await forAll(
    [...conversations],
    async ([id, channel]) => {
      const texts = (await listAll(here(), id)).map(({ payload }) => String(payload.text))
      found[channel]?.push(...texts)
      // Telegram has an order; Slack repeats what was not acknowledged.
      const inOrder = texts.toSorted((a, b) => Number(a) - Number(b))
      if (channel === 'telegram' && texts.join() !== inOrder.join()) found.disordered?.push(texts.join())
    },
    LISTS_AT_ONCE,
  )
  return found
}

describe(`${MESSAGES} messages while owners are killed ${KILLS} times and frozen once`, () => {
  test(
    'are all stored, once, by one owner at a time',
    async () => {
      await bothConnect()
      const faults = (async () => {
        for (let i = 1; i < KILLS; i += 1) {
          await (await takeOwningProcess()).kill()
          await othersOwnAll(TAKEOVER_MS)
          servers.push(await startProcess({ env }))
          await bothConnect()
        }
        await eachOwns([0, 1, 1])
        // The last two at the same time: of three processes, one is left.
        const [killed, frozen] = [await takeOwningProcess(), await takeOwningProcess()]
        await killed.kill()
        frozen.signal('SIGSTOP')
        await othersOwnAll(TAKEOVER_MS)
        await bothConnect()
        frozen.signal('SIGCONT')
        servers.push(frozen)
      })()
      let isOver = false
      const faultsEnded = faults.finally(() => {
        isOver = true
      })
      // As long as the faults take, at least.
      const texts = numbered(MESSAGES)
      for (const [i, text] of texts.entries()) {
        write(text)
        if (i < MESSAGES - 10) await sleep(isSoak ? 20 : 200)
        else while (!isOver) await sleep(20)
      }
      await faultsEnded
      // Lists of everything are read after that: they would take as long as it does.
      await vi.waitFor(
        () =>
          expect([bots.unconfirmed(botToken), slack.sockets.unacknowledged(slackTokens.appToken)]).toEqual([
            0, 0,
          ]),
        { timeout: isSoak ? 900_000 : 60_000, interval: 100 },
      )
      const all = [...texts].sort()
      const unique = (list: string[] = []) => [...new Set(list)].sort()
      await vi.waitFor(
        async () => {
          const { telegram, slack: slackTexts } = await stored()
          expect([unique(telegram), unique(slackTexts)]).toEqual([all, all])
        },
        { timeout: isSoak ? 120_000 : 60_000, interval: isSoak ? 5_000 : 500 },
      )
      await bothConnect()
      const { telegram, slack: slackTexts, disordered } = await stored()
      expect([telegram?.sort(), slackTexts?.sort(), disordered]).toEqual([all, all, []])
      expect(most).toBe(2)
      expect(slack.sockets.faults).toEqual([])
    },
    isSoak ? 1_200_000 : 150_000,
  )

  test('are taken over at once from a process that stops', async () => {
    await bothConnect()
    const owner = await takeOwner()
    const stopped = owner.stop()
    await othersOwnAll(HANDOVER_MS)
    expect(await stopped).toBe(0)
    const text = `after the stop ${randomBytes(4).toString('hex')}`
    write(text)
    await bot.until(() => textsOf(bot).filter((each) => each === text).length >= 2, TAKEOVER_MS)
    expect((await stored()).telegram).toHaveLength(MESSAGES + 1)
    expect(most).toBe(2)
  }, 180_000)
})
