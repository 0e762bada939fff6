import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { cleanUp, sharedServer } from '../support/server.js'
import { accessibilityFaults, botSays, openShop, type Shop } from '../support/shop.js'
import { customerToken } from '../support/web.js'

const server = sharedServer()

let browser: Browser
let shop: Shop
beforeAll(async () => {
  browser = await startBrowser()
  shop = await openShop(server, browser, {
    greeting: { en: 'Hello!', ar: 'مرحبا!', de: 'Hallo!' },
    colors: { accent: '#1f6f54' },
  })
}, INSTALL_MS)
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  await browser?.close()
  await shop?.close()
  await cleanUp()
})

test('a page loads the chat when it is opened, and again when there is something to read', async () => {
  const visitor = await shop.visit()
  const { page, context } = visitor
  const files: string[] = []
  context.on('request', (request) => {
    if (request.url().includes('/assets/')) files.push(request.url())
  })
  await page.getByRole('button', { name: 'Open chat' }).waitFor()
  expect(files).toEqual([])
  await visitor.open()
  expect(files.length).toBe(1)
  await visitor.write('Call me back')
  const conversationId = await visitor.conversationOf('Call me back')

  // Closed, the chat still counts, in the badge and in the title.
  await page.keyboard.press('Escape')
  await botSays(shop, conversationId, { type: 'text', text: 'We will.' })
  await page.getByRole('button', { name: 'Open chat (1)' }).waitFor()
  await expect.poll(() => page.title()).toBe('(1) Shop')

  // So it does on the next page, without being opened.
  await page.reload()
  await page.getByRole('button', { name: 'Open chat (1)' }).waitFor()
  await botSays(shop, conversationId, { type: 'text', text: 'Soon.' })
  await page.getByRole('button', { name: 'Open chat (2)' }).waitFor()
  await visitor.picture('unread')
  const marked = page.waitForResponse((response) => response.url().endsWith('/read'))
  await page.getByRole('button', { name: 'Open chat (2)' }).click()
  await visitor.sees('Soon.')
  await expect.poll(() => page.title()).toBe('Shop')
  expect((await marked).status()).toBeLessThan(300)

  // What was read is read: nothing to load on the page after that.
  await page.keyboard.press('Escape')
  files.length = 0
  await page.reload()
  await page.getByRole('button', { name: 'Open chat', exact: true }).waitFor()
  expect(files).toEqual([])
})

test('everything can be done with the keyboard alone', async () => {
  const visitor = await shop.visit()
  const { page, chat } = visitor
  const focused = () =>
    page.evaluate(() => {
      const { activeElement } = document
      const inner = activeElement?.shadowRoot?.activeElement ?? activeElement
      return inner?.getAttribute('aria-label') ?? inner?.textContent?.trim() ?? ''
    })
  await page.getByRole('button', { name: 'Open chat' }).waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Open chat')
  await page.keyboard.press('Enter')
  await expect.poll(focused).toBe('Write a message')
  await page.keyboard.type('By keyboard')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('in two lines')
  await page.keyboard.press('Enter')
  await expect.poll(() => visitor.texts()).toEqual(['> By keyboard\nin two lines'])
  // The menu lists the chats once there is one.
  await visitor.sees('Sent')
  for (let n = 0; n < 8 && (await focused()) !== 'Menu'; n += 1) await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  await expect.poll(focused).toBe('Your chats')
  await page.keyboard.press('Escape')
  expect(await focused()).toBe('Menu')
  await page.keyboard.press('Escape')
  await expect.poll(focused).toBe('Open chat')
  expect(await chat.isVisible()).toBe(false)
})

describe('on a phone', () => {
  const phone = {
    viewport: { width: 390, height: 740 },
    hasTouch: true,
    isMobile: true,
    reducedMotion: 'reduce' as const,
  }

  test('the chat fills the screen, and nothing behind it can be reached', async () => {
    const visitor = await shop.visit(phone)
    const { page, chat } = visitor
    await visitor.open()
    expect(await chat.boundingBox()).toMatchObject({ x: 0, y: 0, width: 390, height: 740 })
    expect(await chat.getAttribute('aria-modal')).toBe('true')
    for (let n = 0; n < 12; n += 1) {
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement?.localName)).toBe('plugboard-chat')
    }
    await visitor.write('From the bus')
    await botSays(shop, await visitor.conversationOf('From the bus'), {
      type: 'text',
      text: 'Welcome aboard.',
    })
    await visitor.sees('Welcome aboard.')
    await visitor.picture('phone')
    const sizes = await chat
      .getByRole('button')
      .evaluateAll((buttons) =>
        buttons
          .map((button) => button.getBoundingClientRect())
          .map(({ width, height }) => Math.min(width, height)),
      )
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(24)
    expect(await accessibilityFaults(page)).toEqual([])
    await chat.getByRole('button', { name: 'Close chat' }).click()
    await page.getByRole('button', { name: 'Open chat' }).waitFor()
  })
})

describe('in other languages and colours', () => {
  test.each([
    ['ar', 'rtl', 'فتح الدردشة', 'مرحبا!', 'dark'],
    ['de', 'ltr', 'Chat öffnen', 'Hallo!', 'dark'],
    ['hi', 'ltr', 'चैट खोलें', 'Hello!', 'light'],
  ] as const)('%s', async (lang, direction, open, greeting, colorScheme) => {
    const visitor = await shop.visit({ path: `/?lang=${lang}`, colorScheme, locale: lang })
    const { page, chat } = visitor
    await page.getByRole('button', { name: open }).click()
    await visitor.sees(greeting)
    expect(await chat.getAttribute('dir')).toBe(direction)
    expect(await chat.getAttribute('lang')).toBe(lang)
    await chat.getByRole('textbox').fill(`In ${lang}`)
    await page.keyboard.press('Enter')
    await botSays(shop, await visitor.conversationOf(`In ${lang}`), {
      type: 'single-choice',
      text: 'Which?',
      choices: [{ title: 'One', value: '1' }],
    })
    await visitor.sees('One')
    await visitor.picture(`language-${lang}`)
    expect(await accessibilityFaults(page)).toEqual([])
    const background = await chat.evaluate((panel) => getComputedStyle(panel).backgroundColor)
    expect(background).toBe(colorScheme === 'dark' ? 'rgb(23, 25, 30)' : 'rgb(255, 255, 255)')
  })

  test('a page may decide on dark, and on colours and shapes of its own', async () => {
    const visitor = await shop.visit({ path: '/?theme=dark' })
    const { page, chat } = visitor
    await page.evaluate(() => {
      const sheet = new CSSStyleSheet()
      sheet.replaceSync(
        'plugboard-chat { --plugboard-accent: rgb(90, 20, 160) } plugboard-chat::part(send) { border-radius: 3px }',
      )
      document.adoptedStyleSheets = [sheet]
    })
    await visitor.open()
    const send = chat.getByRole('button', { name: 'Send' })
    await chat.getByRole('textbox').fill('x')
    await expect
      .poll(() =>
        send.evaluate((button) => [
          getComputedStyle(button).backgroundColor,
          getComputedStyle(button).borderRadius,
        ]),
      )
      .toEqual(['rgb(90, 20, 160)', '3px'])
    expect(await chat.evaluate((panel) => getComputedStyle(panel).backgroundColor)).toBe('rgb(23, 25, 30)')
  })

  test('nothing moves for those who do not want it', async () => {
    const visitor = await shop.visit({ reducedMotion: 'reduce' })
    await visitor.open()
    expect(await visitor.chat.evaluate((panel) => getComputedStyle(panel).animationName)).toBe('none')
  })
})

describe('a page', () => {
  test('opens, closes, sends, hears, and removes the chat', async () => {
    const visitor = await shop.visit({ path: '/?button=none' })
    const { page, chat } = visitor
    await page.waitForFunction(() => 'Plugboard' in window)
    await page.evaluate(() => {
      const heard: unknown[] = []
      Object.assign(window, { heard })
      for (const event of ['open', 'close', 'unread'] as const) {
        window.Plugboard?.on(event, (data: unknown) => heard.push([event, data]))
      }
      window.Plugboard?.on('message', ({ isMine, payload }) => heard.push(['message', isMine, payload]))
      window.Plugboard?.send('From the page')
    })
    const conversationId = await visitor.conversationOf('From the page')
    await chat.waitFor().catch((e) => {
      console.log(visitor.faults)
      throw e
    })
    expect(await page.getByRole('button', { name: /chat/i }).and(page.locator('.launcher')).count()).toBe(0)
    await page.evaluate(() => window.Plugboard?.close())
    await chat.waitFor({ state: 'hidden' })
    await botSays(shop, conversationId, { type: 'text', text: 'Heard you.' })
    const heard = () => page.evaluate(() => (window as unknown as { heard: unknown[] }).heard)
    await expect.poll(heard).toEqual([
      ['open', undefined],
      ['message', true, { type: 'text', text: 'From the page' }],
      ['close', undefined],
      ['unread', 1],
      ['message', false, { type: 'text', text: 'Heard you.' }],
    ])
    await page.evaluate(() => window.Plugboard?.toggle())
    await visitor.sees('Heard you.')
    await page.evaluate(() => window.Plugboard?.destroy())
    expect(await page.locator('plugboard-chat').count()).toBe(0)
  })

  test('signs a customer in, who keeps what was said as a guest; signing out leaves nothing', async () => {
    const visitor = await shop.visit()
    const { page, chat } = visitor
    await visitor.open()
    await visitor.write('I am nobody')
    const asGuest = await visitor.conversationOf('I am nobody')
    const token = await customerToken({ sub: 'ada-of-the-page' })
    await page.evaluate((jwt) => window.Plugboard?.identify(jwt), token)
    await expect
      .poll(() => page.evaluate(() => JSON.stringify(localStorage).includes('\\"isGuest\\":false')))
      .toBe(true)
    await visitor.sees('I am nobody')
    await visitor.write('I am Ada')
    expect(await visitor.conversationOf('I am Ada')).toBe(asGuest)

    await page.evaluate(() => window.Plugboard?.identify(null))
    await expect.poll(() => visitor.texts()).toEqual([])
    await expect
      .poll(() =>
        page.evaluate(async () => {
          const kept = Object.entries(localStorage).filter(([, value]) => /token|userId/.test(value))
          const open = indexedDB.open(
            Object.keys(localStorage).find((key) => key.startsWith('plugboard:')) ?? 'x',
          )
          const database = await new Promise<IDBDatabase>((resolve) => {
            open.onsuccess = () => resolve(open.result)
          })
          const stores = [...database.objectStoreNames]
          database.close()
          return [kept, stores.length]
        }),
      )
      .toEqual([[], expect.any(Number)])
    await page.reload()
    await page.getByRole('button', { name: /chat$/ }).first().waitFor()
    expect(await chat.getByText('I am').count()).toBe(0)
  })
})

test('a token of the site that is not valid makes nobody a customer, and the page hears of it', async () => {
  const visitor = await shop.visit()
  const { page } = visitor
  await page.waitForFunction(() => 'Plugboard' in window)
  await page.evaluate(() => {
    window.Plugboard?.on('expired', () => {
      document.title += ' Expired'
      // A page that has no other token.
      window.Plugboard?.identify('no token')
    })
    window.Plugboard?.identify('no token')
  })
  await visitor.open()
  await visitor.write('Still a guest')
  await visitor.conversationOf('Still a guest')
  expect(await page.title()).toBe('Shop Expired')
  expect(visitor.faults.join('\n')).toMatch(/the token of identify is not valid: .*token/)
})

test('a page that the client does not allow, or with an unknown client, finds the reason in the console', async () => {
  const closed = await openShop(server, browser, { allowedOrigins: ['https://shop.example'] })
  const visitor = await closed.visit()
  await expect.poll(() => visitor.faults.join('\n')).toContain(`${closed.url} is not one of allowedOrigins`)
  const script = `${server.url}/web/v1/nobody.js`
  await visitor.page.evaluate(
    (src) => document.body.append(Object.assign(document.createElement('script'), { src })),
    script,
  )
  await expect.poll(() => visitor.faults.join('\n')).toContain('404 (Not Found)')
  await closed.close()
})

test('a form comes before the chat, and says what is missing', async () => {
  const strict = await openShop(server, browser, {
    form: {
      fields: [
        { name: 'name', label: 'Your name', isRequired: true },
        { name: 'email', label: 'E-mail', type: 'email', isRequired: true },
      ],
    },
  })
  const visitor = await strict.visit()
  const { page, chat } = visitor
  await visitor.open()
  await chat.getByRole('button', { name: 'Start chat' }).click()
  await visitor.sees('Please fill this in.')
  expect(await accessibilityFaults(page)).toEqual([])
  await visitor.picture('form')
  await chat.getByRole('textbox', { name: 'Your name' }).fill('Ada')
  await chat.getByRole('textbox', { name: 'E-mail' }).fill('ada')
  await visitor.sees(/Please enter an e-mail address/)
  await chat.getByRole('textbox', { name: 'E-mail' }).fill('ada@shop.example')
  await chat.getByRole('button', { name: 'Start chat' }).click()
  await visitor.write('Done')
  await visitor.conversationOf('Done')
  // It is asked once.
  await page.reload()
  await visitor.sees('Done')
  await strict.close()
})

test('where storage is blocked, the chat works until the page is left', async () => {
  const visitor = await shop.visit({
    before: () => {
      for (const name of ['localStorage', 'sessionStorage', 'indexedDB'] as const) {
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException('blocked', 'SecurityError')
          },
        })
      }
      Object.defineProperty(window, 'BroadcastChannel', { value: undefined })
      Object.defineProperty(navigator, 'locks', { value: undefined })
    },
  })
  await visitor.open()
  await visitor.write('No storage')
  await botSays(shop, await visitor.conversationOf('No storage'), { type: 'text', text: 'No problem.' })
  await visitor.sees('No problem.')
  expect(visitor.faults).toEqual([])
})

describe('the chat alone', () => {
  const address = () => `${server.url}/chat/${shop.site.client.id}`

  test('is a page', async () => {
    const visitor = await shop.visit()
    const { page } = visitor
    await page.goto(address())
    const chat = page.getByRole('main', { name: 'Fern & Moss' })
    await chat.getByRole('textbox').fill('Only chat')
    await page.keyboard.press('Enter')
    await botSays(shop, await visitor.conversationOf('Only chat'), { type: 'text', text: 'All of it.' })
    await chat.getByText('All of it.').waitFor()
    await visitor.picture('page')
    expect(await accessibilityFaults(page)).toEqual([])
    expect(await page.title()).toBe('Fern & Moss')
  })

  test('is in a frame of the shop, and tells the shop what is unread while the frame is hidden', async () => {
    const visitor = await shop.visit({ path: '/?button=none&allow=frame-src+HUB' })
    const { page } = visitor
    await page.evaluate((src) => {
      const told: unknown[] = []
      Object.assign(window, { told })
      window.addEventListener('message', ({ data, origin }) => told.push([origin, data]))
      const frame = Object.assign(document.createElement('iframe'), { src, width: 400, height: 500 })
      document.body.append(frame)
    }, address())
    const chat = page.frameLocator('iframe').getByRole('main')
    await chat.getByRole('textbox').fill('In a frame')
    await chat.getByRole('textbox').press('Enter')
    const conversationId = await visitor.conversationOf('In a frame')
    await page.locator('iframe').evaluate((frame) => {
      frame.style.display = 'none'
    })
    // The chat observes itself, too, and observers are called in the order of their creation.
    await page
      .frameLocator('iframe')
      .locator('body')
      .evaluate(
        (body) =>
          new Promise<void>((resolve) => {
            new IntersectionObserver(([entry]) => {
              if (entry?.isIntersecting === false) resolve()
            }).observe(body)
          }),
      )
    await botSays(shop, conversationId, { type: 'text', text: 'Still there?' })
    const told = () => page.evaluate(() => (window as unknown as { told: unknown[] }).told.at(-1))
    await expect.poll(told).toEqual([server.url, { type: 'plugboard:unread', count: 1 }])
    await page.locator('iframe').evaluate((frame) => {
      frame.style.display = 'block'
    })
    await expect.poll(told).toEqual([server.url, { type: 'plugboard:unread', count: 0 }])
  })
})
