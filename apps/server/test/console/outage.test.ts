import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createClient, type TestClient } from '../support/api.js'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { type ConsoleVisitor, signedInVisitor } from '../support/console.js'
import { textOf } from '../support/fault-load.js'
import { type Receiver, startReceiver } from '../support/receiver.js'
import { cleanUp, startServer, type TestServer } from '../support/server.js'

let server: TestServer
/** Milliseconds for a test on a busy machine. */
const SLOW = 60_000

let browser: Browser
beforeAll(async () => {
  // What fails is given up at once, and what works again is noticed at once.
  server = await startServer({
    env: { WEBHOOK_RETRY_DELAYS: '20ms', GATE_PAUSE: '100ms', GATE_MAX_PAUSE: '100ms', RATE_LIMIT: '0' },
  })
  browser = await startBrowser()
}, INSTALL_MS)
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  await browser?.close()
  await cleanUp()
})

/** Somebody writes while the bot is down, until everything is given up. */
async function breakDown(): Promise<{ client: TestClient; bot: Receiver; conversationId: string }> {
  const bot = await startReceiver(() => 503)
  const client = await createClient(server, { name: 'acme', webhooks: [{ url: bot.url }] })
  const { userId, conversationId } = await client.converse()
  for (const text of ['Hello?', 'Anybody there?', 'Bye.']) await client.say(conversationId, text, userId)
  const dead = async () => (await client.call('GET', '/dead-letters')).json.deadLetters.length
  await expect.poll(dead, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
  return { client, bot, conversationId }
}

const textsOf = (bot: Receiver): unknown[] =>
  bot.ofType('message.new').map(({ json }) => json.data.message?.payload.text)

const press = ({ page }: ConsoleVisitor, name: string | RegExp) => page.getByRole('button', { name }).click()
const follow = ({ page }: ConsoleVisitor, name: string | RegExp) =>
  page.getByRole('link', { name }).first().click()

describe('while the bot is down', () => {
  test(
    'three clicks say who, since when and why, and a replay brings everything in order',
    async () => {
      const { bot } = await breakDown()
      const visitor = await signedInVisitor(server, browser)
      const { page } = visitor
      await page.getByRole('heading', { name: '1 person is not answered' }).waitFor()
      await visitor.shows('answered 503')
      expect(await visitor.accessibilityFaults()).toEqual([])
      await visitor.picture('trouble')

      await follow(visitor, 'What was given up')
      await visitor.sees('Deliveries')
      await visitor.shows(/^No attempt succeeded in time$/)
      await visitor.picture('given-up')
      await follow(visitor, /^http/)
      await page.getByText('Anybody there?', { exact: true }).waitFor()
      await visitor.shows('answered 503')
      await visitor.picture('timeline')

      bot.answer = () => 200
      bot.requests.length = 0
      await page.goBack()
      await press(visitor, 'Replay all')
      await press(visitor, /^Replay \d+ deliver/)
      await visitor.shows(/^Done$/)
      await bot.until(() => textsOf(bot).length === 3)
      expect(textsOf(bot)).toEqual(['Hello?', 'Anybody there?', 'Bye.'])
      await visitor.shows('No delivery matches')
      await visitor.picture('replayed')
      expect(visitor.faults).toEqual([])
    },
    SLOW,
  )
})

test(
  'an old message is replayed where it stands, and what came while nobody looked is not left out',
  async () => {
    const bot = await startReceiver((request) => (textOf(request) === 'Hello?' ? 503 : 200))
    const client = await createClient(server, { webhooks: [{ url: bot.url }] })
    const { userId, conversationId } = await client.converse()
    await client.say(conversationId, 'Hello?', userId)
    const dead = async () => (await client.call('GET', '/dead-letters')).json.deadLetters.length
    await expect.poll(dead, { timeout: 20_000 }).toBe(1)
    const say = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1) await client.say(conversationId, `message ${n}`)
    }
    await say(0, 60)
    const visitor = await signedInVisitor(server, browser, { path: `clients/${client.id}/deliveries` })
    const { page } = visitor
    const tabs = page.getByRole('navigation', { name: 'State' }).getByRole('link')
    const counts = ['Given up 1', 'Retrying 0', 'Waiting 0']
    await expect.poll(() => tabs.allTextContents()).toEqual(counts)
    await tabs.last().click()
    await visitor.shows('Nothing waits')
    await expect.poll(() => tabs.allTextContents()).toEqual(counts)
    await tabs.first().click()
    await follow(visitor, /^http/)
    // It is on the second page of the timeline.
    const old = page.locator('.entry', { hasText: 'Hello?' })
    await old.getByText('Given up').waitFor()
    bot.answer = () => 200
    await old.getByRole('button', { name: 'Replay' }).click()
    await old.getByText('Delivered', { exact: true }).waitFor()

    const look = (isHidden: boolean) =>
      page.evaluate((hidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden })
        document.dispatchEvent(new Event('visibilitychange'))
      }, isHidden)
    await look(true)
    await say(60, 180)
    await look(false)
    await page.getByText('message 179', { exact: true }).waitFor()
    const texts = await page.locator('.entry .text').allTextContents()
    const numbers = texts.flatMap((text) => Number(/^message (\d+)$/.exec(text)?.[1] ?? []))
    expect(numbers).toEqual(numbers.map((_, n) => (numbers[0] ?? 0) + n))
    await page.getByRole('button', { name: 'Show earlier messages' }).waitFor()
    expect(visitor.faults).toEqual([])
  },
  SLOW,
)

describe('live', () => {
  test('200 messages a second are followed without freezing', async () => {
    const client = await createClient(server)
    const { conversationId } = await client.converse()
    const visitor = await signedInVisitor(server, browser, { path: 'live' })
    const { page } = visitor
    await page.getByText('Live', { exact: true }).last().waitFor()
    // Tasks of more than 50 ms, as browsers count them.
    await page.evaluate(() => {
      const state = { longest: 0 }
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) state.longest = Math.max(state.longest, duration)
      }).observe({ type: 'longtask' })
      Object.assign(window, { state })
    })
    const SECONDS = 2
    for (let second = 0; second < SECONDS; second += 1) {
      const texts = Array.from({ length: 200 }, (_, n) => `message ${n} of second ${second}`)
      const startedAt = performance.now()
      await Promise.all(texts.map((text) => client.say(conversationId, text)))
      const left = 1_000 - (performance.now() - startedAt)
      await page.waitForTimeout(Math.max(0, left))
    }
    // What the server leaves out, it counts.
    const numbers = async () => {
      const texts = await page.locator('.list-foot, p.number').allTextContents()
      return texts.reduce((sum, text) => sum + Number.parseInt(text.replace(/\D/g, ''), 10), 0)
    }
    await expect.poll(numbers).toBeGreaterThanOrEqual(400)
    expect(await page.locator('tbody tr').count()).toBeLessThan(60)
    const longest = await page.evaluate(
      () => (window as unknown as { state: { longest: number } }).state.longest,
    )
    expect(longest).toBeLessThan(500)
    await visitor.picture('live')
    expect(visitor.faults).toEqual([])
  })
})
