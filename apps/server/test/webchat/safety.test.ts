import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { attach, botSays, openShop, type Shop, type Visitor } from '../support/shop.js'
import { customerToken } from '../support/web.js'

const server = sharedServer()

let browser: Browser
let shop: Shop
beforeAll(async () => {
  browser = await startBrowser()
  shop = await openShop(server, browser)
}, INSTALL_MS)
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  await browser?.close()
  await shop?.close()
  await cleanUp()
})

/** Everything that this browser keeps of a visitor. */
const kept = ({ page }: Visitor): Promise<string> =>
  page.evaluate(async () => {
    const key = Object.keys(localStorage).find((name) => name.startsWith('plugboard:'))
    const name = (await indexedDB.databases()).find((each) => each.name?.startsWith('plugboard:'))?.name
    const queue = await new Promise<unknown>((resolve) => {
      if (name === undefined) return resolve([])
      const open = indexedDB.open(name)
      open.onsuccess = () => {
        const all = open.result.transaction('queue').objectStore('queue').getAll()
        all.onsuccess = () => {
          open.result.close()
          resolve(all.result)
        }
      }
    })
    return JSON.stringify([key === undefined ? null : localStorage.getItem(key), queue])
  })

const identify = ({ page }: Visitor, token: string | null): Promise<void> =>
  page.evaluate((jwt) => window.Plugboard?.identify(jwt), token)

describe('what is hostile in a message', () => {
  const link = 'javascript:window.ran=1'
  const hostile: object[] = [
    { type: 'text', text: '<img src=x onerror="window.ran=1">' },
    { type: 'text', markdown: true, text: `[a](${link}) <svg onload=window.ran=1> ![b](${link}) <${link}>` },
    { type: 'text', markdown: true, text: '[a](https://a.example/"onclick="window.ran=1)' },
    { type: 'image', image: link, title: '"><script>window.ran=1</script>' },
    { type: 'image', image: 'data:image/svg+xml,<svg onload="window.ran=1"/>' },
    { type: 'video', video: 'data:text/html,<script>window.ran=1</script>' },
    { type: 'audio', audio: 'blob:null/1' },
    { type: 'file', file: link, title: 'care.pdf' },
    { type: 'card', title: 'Card', image: link, actions: [{ action: 'Open URL', title: 'Go', url: link }] },
    { type: 'location', latitude: 1e308, longitude: -1e308, title: '<b>', address: '</a><script>' },
    { type: 'dropdown', message: '<b>', options: [{ label: '<option>', value: '"' }] },
    { type: 'single-choice', text: '<b>', choices: [{ title: '<b>', value: '"' }] },
    { type: 'odd', choices: [{ title: 'Odd choice', value: { toString: 1 } }] },
    { type: 'odd', text: { toString: 1 }, title: [[]] },
    { type: '__proto__', constructor: { prototype: 1 } },
  ]

  test('runs nothing, links nowhere else, and takes no other message along', async () => {
    const visitor = await shop.visit()
    const { page, chat } = visitor
    await visitor.open()
    await visitor.write('Attack me')
    const conversationId = await visitor.conversationOf('Attack me')
    for (const payload of hostile) {
      const { status } = await shop.site.client.call('POST', '/messages', { conversationId, payload })
      expect(status).toBeOneOf([201, 400])
    }
    await botSays(shop, conversationId, { type: 'text', text: 'Still here.' })
    await visitor.sees('Still here.')
    const look = () =>
      chat.evaluate((panel) =>
        [...panel.querySelectorAll('a, img, audio, video, source, iframe, object, script')].map(
          (element) =>
            element.getAttribute('href') ?? element.getAttribute('src') ?? element.tagName.toLowerCase(),
        ),
      )
    for (const address of await look()) expect(address).toMatch(/^(https?:|mailto:|tel:)/)
    expect(await page.evaluate(() => 'ran' in window)).toBe(false)
    await page.reload()
    await visitor.sees('Still here.')
    expect(await page.evaluate(() => 'ran' in window)).toBe(false)
    expect(visitor.faults.filter((fault) => !/Content Security Policy|violates/.test(fault))).toEqual([])
  })
})

describe('the queue', () => {
  test('of somebody who was never here is sent when the page is opened again, though the chat is not', async () => {
    const visitor = await shop.visit()
    await visitor.page.route(/\/sessions$/, (route) => route.abort())
    await visitor.open()
    await visitor.write('Is anybody there?')
    await expect.poll(() => kept(visitor)).toContain('Is anybody there?')
    await visitor.page.close()
    await shop.openTab(visitor.context)
    await visitor.conversationOf('Is anybody there?')
  })

  test('keeps nothing of who signs out, whatever is just being sent', async () => {
    const visitor = await shop.visit()
    await visitor.open()
    await visitor.write('First')
    await visitor.conversationOf('First')
    await visitor.sees('Sent')
    // The hub takes the file, and its answer comes late.
    let answer = (): void => undefined
    const late = new Promise<void>((resolve) => {
      answer = resolve
    })
    await visitor.page.route(/\/uploads$/, async (route) => {
      const response = await route.fetch()
      await late
      await route.fulfill({ response }).catch(() => undefined)
    })
    const asked = visitor.page.waitForRequest(/\/uploads$/)
    await attach(visitor, {
      name: 'secret.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('my secret'),
    })
    await asked
    const ended = visitor.page.waitForResponse(
      (response) => response.request().method() === 'DELETE' && response.url().endsWith('/session'),
    )
    await identify(visitor, null)
    await ended
    await expect.poll(() => kept(visitor)).not.toContain('secret')
    answer()
    await visitor.page.waitForTimeout(500)
    expect(await kept(visitor)).not.toContain('secret')
    await visitor.open()
    await visitor.write('Somebody else')
    await visitor.conversationOf('Somebody else')
    expect(await visitor.texts()).toEqual(['> Somebody else'])
  })
})

describe('a known customer', () => {
  test('is signed in again though the session of before has ended', async () => {
    const visitor = await shop.visit()
    await visitor.page.waitForFunction(() => 'Plugboard' in window)
    await identify(visitor, await customerToken({ sub: 'returns' }))
    await visitor.open()
    await visitor.write('I come back')
    await visitor.conversationOf('I come back')
    await visitor.sees('Sent')
    const { token } = JSON.parse(JSON.parse(await kept(visitor))[0])
    await visitor.page.close()
    await shop.site.call('DELETE', '/session', { token, origin: shop.url })
    const back = await shop.openTab(visitor.context)
    await back.page.waitForFunction(() => 'Plugboard' in window)
    await identify(back, await customerToken({ sub: 'returns' }))
    await back.open()
    await back.sees('I come back')
  })

  test('does not see what the customer before wrote, though the token of the site is not valid', async () => {
    const visitor = await shop.visit()
    await visitor.page.waitForFunction(() => 'Plugboard' in window)
    await identify(visitor, await customerToken({ sub: 'ada' }))
    await visitor.open()
    await visitor.write('I am Ada')
    await visitor.conversationOf('I am Ada')
    // The conversations of Ada come after Bob has.
    const came = visitor.page.waitForResponse(
      async (response) => response.url().endsWith('/sessions') && response.status() === 200,
    )
    const asked = visitor.page.waitForRequest(/\/conversations\?/)
    await visitor.page.route(
      /\/conversations\?/,
      async (route) => {
        const response = await route.fetch()
        await came
        await route.fulfill({ response })
      },
      { times: 1 },
    )
    await visitor.page.reload()
    await asked
    await identify(visitor, await customerToken({ sub: 'bob', iat: 1_000_000, exp: 1_003_600 }))
    await came
    await visitor.write('I am Bob')
    await visitor.conversationOf('I am Bob')
    await visitor.chat.getByRole('button', { name: 'Menu' }).click()
    await visitor.chat.getByRole('button', { name: 'Your chats' }).click()
    await visitor.chat.getByRole('navigation').getByText('I am Bob').waitFor()
    expect(await visitor.chat.getByText('I am Ada').count()).toBe(0)
    await visitor.chat.getByRole('button', { name: 'Back' }).click()
    expect(await visitor.texts()).toEqual(['> I am Bob'])
  })

  test('who is identified while a message is under way is signed in, and the message is sent once', async () => {
    const visitor = await shop.visit()
    await visitor.open()
    await visitor.write('As a guest')
    const conversationId = await visitor.conversationOf('As a guest')
    await visitor.sees('Sent')
    // The hub has ended the session of the guest when the message reaches it.
    const signedIn = visitor.page.waitForResponse(/\/sessions$/)
    await visitor.page.route(
      /\/messages$/,
      async (route) => {
        await signedIn
        await route.continue()
      },
      { times: 1 },
    )
    await visitor.page.evaluate(() => {
      window.Plugboard?.on('expired', () => {
        document.title = 'Expired'
      })
    })
    const waits = visitor.page.waitForRequest(/\/messages$/)
    await visitor.write('On the way')
    await waits
    await identify(visitor, await customerToken({ sub: 'on-the-way' }))
    expect(await visitor.conversationOf('On the way')).toBe(conversationId)
    await visitor.sees('Sent')
    expect(await visitor.texts()).toEqual(['> As a guest', '> On the way'])
    expect(await visitor.page.title()).toBe('Shop')
  })

  test('who is identified anew in another tab keeps what is written here', async () => {
    const first = await shop.visit()
    await first.page.waitForFunction(() => 'Plugboard' in window)
    await identify(first, await customerToken({ sub: 'writes' }))
    await first.open()
    const field = first.chat.getByRole('textbox', { name: 'Write a message' })
    await field.fill('A long story that')
    const second = await shop.openTab(first.context)
    const answered = second.page.waitForResponse(/\/sessions$/)
    await second.page.waitForFunction(() => 'Plugboard' in window)
    await identify(second, await customerToken({ sub: 'writes' }))
    await second.open()
    await answered
    await second.chat.getByRole('textbox').waitFor()
    await first.page.waitForTimeout(300)
    expect(await field.inputValue()).toBe('A long story that')
  })
})

test('a page that has filled its storage has a chat', async () => {
  const visitor = await shop.visit({
    before: () => {
      const real = Storage.prototype.setItem
      Storage.prototype.setItem = function (key, value) {
        if (value.length > 10) throw new DOMException('full', 'QuotaExceededError')
        real.call(this, key, value)
      }
    },
  })
  await visitor.open()
  await visitor.write('No room')
  await visitor.conversationOf('No room')
  await visitor.sees('Sent')
  expect(visitor.faults).toEqual([])
})
