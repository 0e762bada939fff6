import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { WebChat } from '@plugboard/webchat'
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { axeFaults } from './axe.js'
import { type Receiver, startReceiver } from './receiver.js'
import { isSoak, type TestServer } from './server.js'
import { createSite, type TestSite } from './web.js'

declare global {
  interface Window {
    Plugboard?: WebChat
  }
}

/** Where the pictures of the chat lie in the long form of the tests, to be looked at. Not part of the repository. */
const PICTURES = fileURLToPath(new URL('../../../../screenshots/', import.meta.url))

/** A web shop whose pages have the chat, and allow nothing but the scripts and the connections of the hub. */
export interface Shop {
  readonly url: string
  readonly site: TestSite
  /** What the bot of the shop gets. */
  readonly bot: Receiver
  /** The payloads of what visitors sent, in order. */
  heard(): Record<string, unknown>[]
  /** Somebody opens the page of the shop, in a browser that was never there. */
  visit(options?: VisitOptions): Promise<Visitor>
  /** Another page in the same browser. */
  openTab(context: BrowserContext, path?: string): Promise<Visitor>
  close(): Promise<void>
}

export interface VisitOptions extends BrowserContextOptions {
  /** Of the page: `/?lang=ar`. */
  path?: string
  /** Runs in each page before everything else. */
  before?: () => void
}

/** A person in front of the page. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  readonly chat: Locator
  /** What the page forbade, and what went wrong in it. */
  readonly faults: string[]
  open(): Promise<void>
  write(text: string): Promise<void>
  /** The texts of all messages, those of the visitor with `>`. */
  texts(): Promise<string[]>
  /** Waits until a text is shown. */
  sees(text: string | RegExp): Promise<void>
  /** The conversation of the last message that the bot got with this text. */
  conversationOf(text: string): Promise<string>
  picture(name: string): Promise<void>
}

/** What pages allow. `?allow=img-src+HUB` adds to it. */
const STRICT = "default-src 'none'; script-src HUB; connect-src HUB"

/** `?lang=ar&theme=dark`: language of the page, and attributes of the script. */
function pageOf(wishes: URLSearchParams, script: string): string {
  const lang = escapeHtml(wishes.get('lang') ?? 'en')
  const attributes = ['theme', 'language', 'button']
    .filter((name) => wishes.has(name))
    .map((name) => ` data-${name}="${escapeHtml(wishes.get(name) ?? '')}"`)
  return `<!doctype html>
<html lang="${lang}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Shop</title>
<main><h1>Shop</h1><button>Buy</button></main>
<script src="${script}"${attributes.join('')} defer></script>
</html>`
}

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)

/** Opens a shop at a hub. `config` is that of the channel; `hub` is where browsers reach it. */
export async function openShop(
  server: Pick<TestServer, 'url'>,
  browser: Browser,
  config: object = {},
  hub = server.url,
): Promise<Shop> {
  const bot = await startReceiver()
  let script = ''
  const pages = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://shop')
    response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': [STRICT, ...searchParams.getAll('allow')].join('; ').replaceAll('HUB', hub),
    })
    response.end(pageOf(searchParams, script))
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
  const site = await createSite(
    server,
    { name: 'Fern & Moss', allowedOrigins: [url], ...config },
    { webhooks: [{ url: bot.url }] },
  )
  script = `${hub}/web/v1/${site.client.id}.js`

  async function openTab(context: BrowserContext, path = '/'): Promise<Visitor> {
    const page = await context.newPage()
    const visitor = visitorOf(page, bot)
    await page.goto(url + path)
    return visitor
  }

  return {
    ...{ url, site, bot, openTab },
    heard: () =>
      bot.ofType('message.new').flatMap(({ json: { data } }) => {
        const { message } = data as { message?: { authorId?: string; payload: Record<string, unknown> } }
        return message?.authorId ? [message.payload] : []
      }),
    async visit({ path, before, ...options } = {}) {
      const context = await browser.newContext({ viewport: { width: 900, height: 760 }, ...options })
      // A busy machine is slow.
      context.setDefaultTimeout(20_000)
      if (before) await context.addInitScript(before)
      return openTab(context, path)
    },
    async close() {
      pages.closeAllConnections()
      await new Promise((resolve) => pages.close(resolve))
    },
  }
}

function visitorOf(page: Page, bot: Receiver): Visitor {
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  const chat = page.locator('plugboard-chat .panel')
  const visitor: Visitor = {
    ...{ page, chat, faults, context: page.context() },
    async open() {
      await page
        .getByRole('button', { name: /^Open chat/ })
        .click()
        .catch((e) => {
          console.log(faults)
          throw e
        })
      await chat.getByRole('textbox').first().waitFor()
    },
    async write(text) {
      await chat.getByRole('textbox', { name: 'Write a message' }).fill(text)
      await page.keyboard.press('Enter')
    },
    texts: () =>
      chat.locator('.message:not(.greeting)').evaluateAll((messages) =>
        messages.map((message) => {
          const text = message.querySelector('.prose, .file, .card, canvas, img')?.textContent ?? ''
          return message.classList.contains('mine') ? `> ${text}` : text
        }),
      ),
    sees: (text) => chat.getByText(text).last().waitFor(),
    async conversationOf(text) {
      const ofText = () =>
        bot.ofType('message.new').findLast(({ json }) => json.data.message?.payload.text === text)
      await bot.until(() => ofText() !== undefined)
      return String(ofText()?.json.data.conversationId)
    },
    async picture(name) {
      if (!isSoak) return
      await mkdir(PICTURES, { recursive: true })
      await page.screenshot({ path: `${PICTURES}${name}.png`, animations: 'disabled' })
    },
  }
  return visitor
}

/** Posts a message of the bot. */
export async function botSays(shop: Shop, conversationId: string, payload: object): Promise<string> {
  const { status, json } = await shop.site.client.call('POST', '/messages', { conversationId, payload })
  expect(status).toBe(201)
  return json.id
}

/** A visitor sends a file. */
export async function attach(
  { chat }: Visitor,
  file: { name: string; mimeType: string; buffer: Buffer },
): Promise<void> {
  await chat.locator('input[type=file]').setInputFiles(file)
  await chat.getByRole('list', { name: 'Files to send' }).waitFor()
  await chat.locator('.send').click()
}

/** What axe finds wrong with the chat. */
export const accessibilityFaults = (page: Page): Promise<string[]> =>
  axeFaults(page, { within: ['plugboard-chat'] })
