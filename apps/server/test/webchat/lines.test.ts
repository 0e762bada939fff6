import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { type Line, startLine } from '../support/line.js'
import { cleanUp, isSoak, startServer, type TestServer } from '../support/server.js'
import { botSays, openShop, type Shop, type Visitor } from '../support/shop.js'

/** How often the connection is interrupted, in one way or another. */
const INTERRUPTIONS = isSoak ? 100 : 5

let server: TestServer
let line: Line
let browser: Browser
let shop: Shop
beforeAll(async () => {
  browser = await startBrowser()
  server = await startServer({ env: { RATE_LIMIT: '0' } })
  line = await startLine(server.url)
  shop = await openShop(server, browser, {}, line.url)
  // From now on the server is reached through the line alone.
  await server.stop()
  server = await server.restart({ EXTERNAL_URL: line.url })
}, INSTALL_MS)
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  await browser?.close()
  await shop?.close()
  await line?.close()
  await cleanUp()
})

test('what is written offline survives closing the page, and is sent once', async () => {
  const visitor = await shop.visit()
  await visitor.open()
  await visitor.write('Before')
  await visitor.conversationOf('Before')
  line.cut()
  await visitor.write('While away')
  await visitor.write('Still away')
  await visitor.sees(/You are offline|Sending|Will be sent/)
  await expect.poll(() => visitor.texts()).toEqual(['> Before', '> While away', '> Still away'])
  await visitor.sees('You are offline. Messages are sent as soon as you are back.')
  await visitor.picture('offline')
  await visitor.page.close()

  line.restore()
  const back = await shop.openTab(visitor.context)
  await back.page.getByRole('button', { name: /chat/ }).first().waitFor()
  const conversationId = await back.conversationOf('Still away')
  const { json } = await shop.site.client.call('GET', `/messages/conversation/${conversationId}?limit=100000`)
  const texts = (json as { payload: { text: string } }[]).map(({ payload }) => payload.text).reverse()
  expect(texts).toEqual(['Before', 'While away', 'Still away'])
})

test('what is written just before the page is left is sent by the next one', async () => {
  const visitor = await shop.visit()
  await visitor.open()
  await visitor.write('Here for a moment')
  const conversationId = await visitor.conversationOf('Here for a moment')
  await visitor.sees('Sent')
  // The page does not live until the database of the browser has stored it.
  await visitor.page.evaluate(() => {
    IDBObjectStore.prototype.put = () => new Promise(() => {}) as never
  })
  await visitor.write('And off')
  await visitor.page.reload()
  expect(await visitor.conversationOf('And off')).toBe(conversationId)
  await visitor.sees('And off')
  await expect
    .poll(() => visitor.page.evaluate(() => Object.keys(localStorage).join()))
    .not.toContain('queue')
})

test('what is written before the chats of the visitor could be loaded goes to the one they have', async () => {
  const visitor = await shop.visit()
  const { page } = visitor
  await visitor.open()
  await visitor.write('Loaded')
  const conversationId = await visitor.conversationOf('Loaded')
  await visitor.sees('Sent')
  await page.route(/\/conversations\?/, (route) => route.abort('internetdisconnected'))
  await page.reload()
  await visitor.sees(/You are offline/)
  const failed = page.waitForEvent('requestfailed')
  await visitor.write('Not loaded')
  await failed
  await page.unroute(/\/conversations\?/)
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  expect(await visitor.conversationOf('Not loaded')).toBe(conversationId)
  await expect.poll(() => visitor.texts()).toEqual(['> Loaded', '> Not loaded'])
})

test('a new chat that is begun offline is a new one, also after closing the page', async () => {
  const visitor = await shop.visit()
  await visitor.open()
  await visitor.write('The first chat')
  const first = await visitor.conversationOf('The first chat')
  await visitor.sees('Sent')
  line.cut()
  await visitor.chat.getByRole('button', { name: 'Menu' }).click()
  await visitor.chat.getByRole('button', { name: 'New chat' }).click()
  await visitor.write('Another matter')
  await visitor.write('and its details')
  await expect.poll(() => visitor.texts()).toEqual(['> Another matter', '> and its details'])
  await visitor.page.close()

  line.restore()
  await shop.openTab(visitor.context)
  const second = await visitor.conversationOf('and its details')
  expect(second).not.toBe(first)
  expect(await visitor.conversationOf('Another matter')).toBe(second)
})

test('a chat that is opened without a network starts when it is back', async () => {
  const visitor = await shop.visit()
  const { page } = visitor
  const started = shop.bot.ofType('conversation.started').length
  await page.route('**/sessions', (route) => route.abort('internetdisconnected'))
  const failed = page.waitForEvent('requestfailed')
  await visitor.open()
  await failed
  await page.unroute('**/sessions')
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  // Nothing was written: the bot hears of the visitor, and may say hello.
  await shop.bot.until(() => shop.bot.ofType('conversation.started').length > started)
  const { conversationId } = shop.bot.ofType('conversation.started').at(-1)?.json.data ?? {}
  await botSays(shop, String(conversationId), { type: 'text', text: 'Welcome.' })
  await visitor.sees('Welcome.')
})

test('tabs share one connection, and another one takes over when its tab is closed', async () => {
  const first = await shop.visit()
  const streams: string[] = []
  first.context.on('request', (request) => {
    if (/\/events(\?|$)/.test(request.url())) streams.push(request.url())
  })
  await first.open()
  await first.write('In the first tab')
  const conversationId = await first.conversationOf('In the first tab')
  const second = await shop.openTab(first.context)
  await second.open()
  await second.sees('In the first tab')
  await botSays(shop, conversationId, { type: 'text', text: 'To both.' })
  await Promise.all([first.sees('To both.'), second.sees('To both.')])
  await second.write('In the second tab')
  await first.sees('In the second tab')
  expect(streams.length).toBe(1)

  await first.page.close()
  await expect.poll(() => streams.length).toBe(2)
  await botSays(shop, conversationId, { type: 'text', text: 'To the other.' })
  await second.sees('To the other.')
})

test('who signs out in one tab is signed out in all', async () => {
  const first = await shop.visit()
  await first.open()
  await first.write('My secret')
  await first.conversationOf('My secret')
  const second = await shop.openTab(first.context)
  await second.open()
  await second.sees('My secret')
  await first.chat.getByRole('button', { name: 'Menu' }).click()
  const forget = first.chat.getByRole('button', { name: 'Forget me on this device' })
  await forget.click()
  await first.sees('Forget this chat on this device?')
  await first.sees('My secret')
  await forget.click()
  for (const { page, chat } of [first, second]) {
    await page.getByRole('button', { name: 'Open chat' }).waitFor()
    await expect.poll(() => chat.getByText('My secret').count()).toBe(0)
  }
  expect(await first.page.evaluate(() => JSON.stringify(localStorage))).not.toContain('token')
})

test('a visitor whom the hub no longer knows is told, and becomes nobody else without a word', async () => {
  const visitor = await shop.visit()
  await visitor.open()
  await visitor.write('Remember me')
  await visitor.conversationOf('Remember me')
  await visitor.page.evaluate(() => {
    for (const [key, value] of Object.entries(localStorage)) {
      if (key.startsWith('plugboard:'))
        localStorage.setItem(key, value.replace(/"token":"[^"]*"/, '"token":"forged"'))
    }
  })
  await visitor.page.reload()
  await visitor.sees('Your session has ended.')
  await visitor.chat.getByRole('button', { name: 'Start a new chat' }).click()
  await visitor.write('A new start')
  await visitor.conversationOf('A new start')
  expect(await visitor.texts()).toEqual(['> A new start'])
})

/** Ways in which a connection is lost, and comes back. */
const ways: Record<string, (visitor: Visitor) => Promise<void>> = {
  'the connection is cut': async () => {
    line.cut()
    line.restore()
  },
  'the connection is away for a while': async ({ page }) => {
    line.cut()
    await page.waitForTimeout(300)
    line.restore()
  },
  'the browser is offline': async ({ context, page }) => {
    await context.setOffline(true)
    await page.waitForTimeout(200)
    await context.setOffline(false)
  },
  'the page is loaded again': async ({ page }) => {
    await page.reload()
  },
  'the server starts again': async () => {
    await server.stop()
    server = await server.restart({ EXTERNAL_URL: line.url })
  },
}

test(`after ${INTERRUPTIONS} interruptions the visitor sees exactly the log`, async () => {
  const visitor = await shop.visit()
  await visitor.open()
  await visitor.write('Start')
  const conversationId = await visitor.conversationOf('Start')
  let posted = 0
  let isPosting = true
  const posting = (async () => {
    while (isPosting) {
      const payload = { type: 'text', text: `Bot ${posted + 1}` }
      const answer = await shop.site.client
        .call('POST', '/messages', { conversationId, payload }, { 'idempotency-key': `bot-${posted + 1}` })
        .catch(() => undefined)
      if (answer?.status === 201) posted += 1
      await visitor.page.waitForTimeout(20)
    }
  })()
  for (let n = 1; n <= INTERRUPTIONS; n += 1) {
    const names = Object.keys(ways)
    // Each once, then at random.
    const name = n <= names.length ? names[n - 1] : names[Math.floor(Math.random() * names.length)]
    await ways[name ?? '']?.(visitor)
    await visitor.chat.getByRole('textbox').waitFor()
    await visitor.write(`Visitor ${n}`)
  }
  isPosting = false
  await posting

  const log = async (): Promise<string[]> => {
    const { json } = await shop.site.client.call(
      'GET',
      `/messages/conversation/${conversationId}?limit=100000`,
    )
    return (json as { authorId?: string; payload: { text: string } }[])
      .map(({ authorId, payload }) => (authorId ? `> ${payload.text}` : payload.text))
      .reverse()
  }
  await expect
    .poll(async () => (await log()).filter((text) => text.startsWith('> ')).length, { timeout: 60_000 })
    .toBe(INTERRUPTIONS + 1)
  const whole = await log()
  expect(new Set(whole).size).toBe(whole.length)
  expect(whole.length).toBe(posted + INTERRUPTIONS + 1)
  // A page that was loaded again has the last page of the log; scrolling brings the rest.
  const messages = visitor.chat.getByRole('region', { name: 'Messages' })
  const earlier = messages.getByRole('button', { name: 'Show earlier messages' })
  await expect
    .poll(
      async () => {
        await messages.evaluate((element) => element.scrollTo({ top: 0 }))
        // Nothing scrolls any more where a page could not be loaded.
        await earlier.click({ timeout: 200 }).catch(() => undefined)
        return visitor.texts()
      },
      { timeout: 60_000 },
    )
    .toEqual(whole)
}, 3_600_000)
