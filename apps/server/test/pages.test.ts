import { readFile } from 'node:fs/promises'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { call, createClient } from './support/api.js'
import { HOST, INSTALL_MS, startBrowser } from './support/browser.js'
import { cleanUp, sharedServer } from './support/server.js'

const server = sharedServer()
/** As another machine would call it: plain HTTP under a name. */
const origin = `http://${HOST}:${new URL(server.url).port}`
const PHONE = { viewport: { width: 390, height: 844 } }

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, INSTALL_MS)
afterAll(async () => {
  await browser?.close()
  await cleanUp()
})

/** A page that was opened, and what went wrong in it. */
async function open(path: string, options: BrowserContextOptions = {}) {
  const page = await browser.newPage(options)
  onTestFinished(() => page.close())
  const faults: string[] = []
  page.on('pageerror', ({ message }) => faults.push(message))
  page.on('requestfailed', (request) => faults.push(request.url()))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(origin + path)
  return { page, faults }
}

const isTooWide = (page: Page) =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
const brightness = (page: Page) =>
  page.evaluate<number>(
    'getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0)',
  )

describe('the home page', () => {
  test('says that the server runs, in which version, and what to do next', async () => {
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
    const { page, faults } = await open('/')
    expect(await page.title()).toBe('Plugboard')
    const text = await page.textContent('main')
    for (const part of ['Running and ready', version, `${origin}/api/v1/sync`]) expect(text).toContain(part)
    await page.getByRole('link', { name: 'API reference' }).click()
    await page.getByRole('heading', { level: 1, name: 'Messaging API' }).waitFor()
    expect(faults).toEqual([])
  })

  test('has no script, and a policy that allows none', async () => {
    const { headers, text } = await call(server, 'GET', '/', { headers: { accept: 'text/html,*/*;q=0.8' } })
    expect(text).not.toMatch(/<script|javascript:| on\w+=/)
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/)
    expect(headers.get('content-security-policy')).not.toContain('unsafe-inline')
  })

  test.each([undefined, '*/*', 'application/json'])(
    'is JSON for programs, which accept %s',
    async (accept) => {
      const { status, json } = await call(server, 'GET', '/', { headers: accept ? { accept } : {} })
      expect(status).toBe(200)
      expect(json).toMatchObject({ name: 'Plugboard', status: 'ok', documentation: `${server.url}/docs` })
      expect((await call(server, 'GET', new URL(json.openapi).pathname)).status).toBe(200)
    },
  )
})

describe.each(['/', '/docs'])('the page %s', (path) => {
  test('fits the width of a phone, and is light or dark, as the reader prefers', async () => {
    const { page } = await open(path, { ...PHONE, colorScheme: 'light' })
    await page.getByRole('heading', { level: 1, name: 'Plugboard' }).waitFor()
    expect(await isTooWide(page)).toBe(false)
    expect(await brightness(page)).toBeGreaterThan(600)
    await page.emulateMedia({ colorScheme: 'dark' })
    await expect.poll(() => brightness(page)).toBeLessThan(200)
  })
})

describe('the API reference', () => {
  test('takes the credentials of a client, and tries a request with them', async () => {
    const client = await createClient(server)
    const { page, faults } = await open('/docs')
    await page.getByRole('button', { name: 'Authorize' }).first().click()
    for (const [scheme, value] of [
      ['messagingClientId', client.id],
      ['messagingClientToken', client.token],
    ] as const) {
      const form = page.locator('.auth-container', { hasText: scheme })
      await form.getByRole('textbox').fill(value)
      await form.getByRole('button', { name: 'Apply credentials' }).click()
    }
    await page.getByRole('button', { name: 'Close' }).last().click()
    const operation = page.locator('#operations-clients-messagingCheckCredentials')
    await operation.locator('.opblock-summary-control').click()
    await operation.getByRole('button', { name: 'Execute' }).click()
    const answer = operation.locator('.live-responses-table')
    await answer.waitFor()
    expect(await answer.textContent()).toMatch(/200[\s\S]*OK/)
    expect(faults).toEqual([])
  })

  test('leads to the other APIs', async () => {
    const { page, faults } = await open('/docs')
    await page.getByRole('navigation').getByRole('link', { name: 'Sunshine API' }).click()
    await page.getByRole('heading', { level: 1, name: 'Sunshine API' }).waitFor()
    expect(await page.locator('.opblock-tag').count()).toBeGreaterThan(5)
    expect(faults).toEqual([])
  })
})
