import { randomUUID } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../support/api.js'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { type ConsoleVisitor, enterPassword, signedInVisitor, visitConsole } from '../support/console.js'
import { callWithKey, createOperator, signIn } from '../support/operators.js'
import { cleanUp, isSoak, sharedServer } from '../support/server.js'

const server = sharedServer()

/** Milliseconds for a test on a busy machine. */
const SLOW = 60_000

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, INSTALL_MS)
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))
afterAll(async () => {
  await browser?.close()
  await cleanUp()
})

/** A client with a conversation that nobody answers. */
async function createScene() {
  const client = await createClient(server, { webhooks: [{ url: 'http://127.0.0.1:9/nobody' }] })
  const { userId, conversationId } = await client.converse()
  await client.say(conversationId, 'Is anybody there?', userId)
  return { client, userId, conversationId }
}

describe('signing in', () => {
  test(
    'takes a password, says in words that it is wrong, and leads where the address says',
    async () => {
      const operator = await createOperator(server, 'viewer')
      const visitor = await visitConsole(server, browser, { path: 'clients' })
      const { page } = visitor
      await visitor.sees('Sign in')
      expect(await visitor.accessibilityFaults()).toEqual([])
      await enterPassword(visitor, { ...operator, password: 'a wrong password' })
      await page.getByRole('alert').getByText('the e-mail address or the password is wrong').waitFor()
      await enterPassword(visitor, operator)
      await visitor.sees('Clients')
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('button', { name: 'Sign out here' }).click()
      await visitor.sees('Sign in')
      expect(visitor.faults).toEqual([])
    },
    SLOW,
  )

  test('ends everywhere when an admin ends it', async () => {
    const operator = await createOperator(server, 'viewer')
    const visitor = await visitConsole(server, browser)
    await enterPassword(visitor, operator)
    await visitor.sees('Overview')
    await callWithKey(server, 'DELETE', `/operators/${operator.id}/sessions`)
    // The page asks again when somebody looks at it.
    await visitor.page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await visitor.sees('Sign in')
    expect(visitor.faults).toEqual([])
  })

  test(
    'by a link shows one client and nothing else',
    async () => {
      const { client } = await createScene()
      const { json } = await callWithKey(server, 'POST', `/clients/${client.id}/link`, { role: 'viewer' })
      const visitor = await visitConsole(server, browser, { path: json.url.split('/console/')[1] })
      const { page } = visitor
      await page.getByRole('button', { name: 'Open' }).click()
      await visitor.sees('Overview')
      await page.getByRole('link', { name: 'Webhooks' }).click()
      await page.getByText('http://127.0.0.1:9').waitFor()
      const pages = page.getByRole('navigation', { name: 'Pages' }).getByRole('link')
      expect(await pages.allTextContents()).not.toContain('Clients')
      expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0)
      const other = await createScene()
      await visitor.open(`clients/${other.client.id}/webhooks`)
      await page.getByRole('alert').first().waitFor()
      expect(await page.getByText('http://127.0.0.1:9').count()).toBe(0)
      await visitor.open('operators')
      await visitor.shows('This page needs the role admin')
    },
    SLOW,
  )
})

describe('every page', () => {
  test(
    'is accessible in light and dark, and fits into 360 pixels',
    async () => {
      const { client, userId, conversationId } = await createScene()
      const of = `clients/${client.id}`
      const paths = {
        overview: '',
        live: 'live',
        clients: 'clients',
        client: of,
        conversations: `${of}/conversations`,
        conversation: `${of}/conversations/${conversationId}`,
        deliveries: `${of}/deliveries?state=pending`,
        channels: `${of}/channels`,
        'new-channel': `${of}/channels/new`,
        webhooks: `${of}/webhooks`,
        people: `${of}/people?find=${userId}&by=user`,
        person: `${of}/people/${userId}`,
        audit: 'audit',
        keys: 'keys',
        operators: 'operators',
        owners: 'owners',
        account: 'account',
        settings: 'settings',
        start: 'start',
        nowhere: 'no/such/page',
      }
      const visitor = await signedInVisitor(server, browser)
      const { page } = visitor
      for (const [name, path] of Object.entries(paths).filter(([name]) => isSoak || SHORT.includes(name))) {
        await show(visitor, path)
        await visitor.picture(name)
        expect(await visitor.accessibilityFaults(), name).toEqual([])
        await page.emulateMedia({ colorScheme: 'dark' })
        await visitor.picture(`${name}-dark`)
        expect(await visitor.accessibilityFaults(['color-contrast']), `${name}, dark`).toEqual([])
        await page.emulateMedia({ colorScheme: 'light' })
        await page.setViewportSize({ width: 360, height: 740 })
        await visitor.picture(`${name}-narrow`)
        const widest = await page.evaluate(() => document.documentElement.scrollWidth)
        expect(widest, `${name}, narrow`).toBe(360)
        await page.setViewportSize({ width: 1280, height: 860 })
      }
      expect(visitor.faults).toEqual([])
    },
    SLOW,
  )
})

test(
  'the menu of a viewer has only pages that a viewer may open',
  async () => {
    const { client } = await createScene()
    const visitor = await signedInVisitor(server, browser, { role: 'viewer', path: `clients/${client.id}` })
    const { page } = visitor
    const menu = page.getByRole('navigation', { name: 'Pages' })
    const names = (await menu.locator('li a').allTextContents()).map((name) => name.trim())
    expect(names).toEqual(expect.arrayContaining(['Overview', 'Clients', 'Live', 'Deliveries', 'People']))
    for (const name of names) {
      await menu.getByRole('link', { name, exact: true }).click()
      await visitor.sees(name)
      await expect.poll(() => page.getByText('Loading …').count()).toBe(0)
      expect(await page.getByRole('main').getByRole('alert').count(), name).toBe(0)
    }
    expect(visitor.faults).toEqual([])
  },
  SLOW,
)

test(
  'an administrator manages keys, owners, clients and the sessions of others',
  async () => {
    const { client, userId } = await createScene()
    const other = await createOperator(server, 'viewer')
    const session = await signIn(server, other)
    const visitor = await signedInVisitor(server, browser, { path: `clients/${client.id}` })
    const { page } = visitor
    const dialog = page.getByRole('dialog')
    await page.getByLabel('Name for people').fill('The Shop')
    await page.getByLabel('Guests may write').check()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { level: 1, name: 'The Shop' }).waitFor()
    expect((await callWithKey(server, 'GET', `/clients/${client.id}`)).json).toMatchObject({
      ...{ displayName: 'The Shop', guests: true, maxStoredBytes: null },
    })

    await page.getByRole('main').getByRole('link', { name: 'API keys' }).click()
    await visitor.shows('No API key of this client')
    await page.getByRole('button', { name: 'New API key' }).click()
    await dialog.getByLabel('Name (optional)').fill('the crm')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await dialog.getByText('The secret is shown only now').waitFor()
    expect(await visitor.accessibilityFaults()).toEqual([])
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'Revoke the key the crm' }).click()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await visitor.shows('No API key of this client')

    await visitor.open(`owners?client=${client.id}`)
    await page.getByRole('button', { name: 'New owner' }).click()
    const email = `${randomUUID()}@example.org`
    await dialog.getByLabel('E-mail').fill(email)
    await dialog.getByLabel('Password').fill('correct horse')
    await dialog.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('button', { name: `Remove ${email}` }).click()
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await visitor.shows('This client has no owner')

    await visitor.open('operators')
    await page.getByRole('button', { name: `Sessions of ${other.email}` }).click()
    await dialog.getByRole('button', { name: /^End the session of/ }).click()
    await dialog.getByText('Not signed in anywhere.').waitFor()
    expect((await session.call('GET', '/session')).status).toBe(401)

    await visitor.open(`clients/${client.id}/people/${userId}`)
    await page.getByRole('button', { name: 'Delete' }).click()
    await dialog.getByRole('button', { name: 'Delete for ever' }).click()
    await visitor.sees('People')
    expect((await callWithKey(server, 'GET', `/clients/${client.id}/people/${userId}`)).status).toBe(404)
    expect(visitor.faults).toEqual([])
  },
  SLOW,
)

/** Of each kind of page one, in the short form. */
const SHORT = ['overview', 'conversations', 'conversation', 'new-channel', 'client']

/** Opens a page, and waits until it has what it shows. */
async function show(visitor: ConsoleVisitor, path: string): Promise<void> {
  await visitor.open(path)
  await visitor.page.getByRole('heading', { level: 1 }).waitFor()
  await expect.poll(() => visitor.page.getByText('Loading …').count()).toBe(0)
}

test('filters are in the address, and can all be removed', async () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
  const { client } = await createScene()
  const config = { url: 'http://127.0.0.1:9/people', secret }
  await callWithKey(server, 'POST', `/clients/${client.id}/integrations`, { channel: 'webhook', config })
  const path = `clients/${client.id}/conversations?integration=webhook&since=2020-01-01T00:00`
  const visitor = await signedInVisitor(server, browser, { path })
  const { page } = visitor
  await page.getByText('No conversation matches').waitFor()
  await page.getByRole('button', { name: 'Remove the filters' }).click()
  await page.locator('tbody tr', { hasText: 'Is anybody there?' }).waitFor()
  expect(new URL(page.url()).search).toBe('')

  await visitor.open('settings?search=RATE_LIMIT')
  await visitor.shows('ACCOUNT_RATE_LIMIT')
  expect(await page.getByText('LOG_LEVEL', { exact: true }).count()).toBe(0)
  await page.getByLabel('Search').fill('no such setting')
  await page.getByText('No setting matches').waitFor()
  expect(new URL(page.url()).search).toBe('?search=no+such+setting')
  expect(visitor.faults).toEqual([])
})

test('all deliveries that are chosen are replayed, the oldest first, however many they are', async () => {
  const { client } = await createScene()
  const visitor = await signedInVisitor(server, browser)
  const { page } = visitor
  const item = (n: number) => ({
    ...{
      entryId: `entry-${n}`,
      conversationId: 'c',
      type: 'message.new',
      state: 'dead',
      reason: 'exhausted',
    },
    ...{ target: { kind: 'webhook', id: 'w', label: 'https://bot.example' }, attempts: 1 },
    ...{ at: new Date(n * 1000).toISOString(), diedAt: new Date(n * 1000).toISOString() },
  })
  // As many that die would take a minute to make.
  let items = Array.from({ length: 150 }, (_, n) => item(150 - n))
  await page.route('**/deliveries?*', (route) => route.fulfill({ json: { items } }))
  const replayed: string[][] = []
  await page.route('**/deliveries/replay', (route) => {
    const wanted: { entryId: string }[] = route.request().postDataJSON().items
    replayed.push(wanted.map(({ entryId }) => entryId))
    items = []
    return route.fulfill({ json: { done: wanted.length, refused: [] } })
  })
  await visitor.open(`clients/${client.id}/deliveries`)
  await page.getByLabel('Select all that are loaded').check()
  await page.getByText('150 deliveries chosen').waitFor()
  await page.getByRole('button', { name: 'Replay', exact: true }).click()
  await visitor.shows('150 deliveries are delivered again')
  expect(replayed.map(({ length }) => length)).toEqual([100, 50])
  expect(replayed.flat()).toEqual(Array.from({ length: 150 }, (_, n) => `entry-${n + 1}`))
  expect(visitor.faults).toEqual([])
})

test('a message that waits for an earlier one says so in a line, and the earlier one why it fails', async () => {
  const { client, conversationId } = await createScene()
  const path = `clients/${client.id}/conversations/${conversationId}`
  const visitor = await signedInVisitor(server, browser, { path })
  const entries = visitor.page.locator('.entry')
  await entries.last().getByText('waits for an earlier message').waitFor()
  expect(await entries.last().getByText('Retrying').count()).toBe(0)
  expect(await entries.last().locator('details[open]').count()).toBe(0)
  await entries.first().locator('details[open]').getByText('Retrying').waitFor()
  expect(visitor.faults).toEqual([])
})

describe('the keyboard', () => {
  test(
    'is enough: it goes to pages, through lists, searches, and can be turned off',
    async () => {
      const { client } = await createScene()
      const visitor = await signedInVisitor(server, browser, { path: `clients/${client.id}` })
      const { page } = visitor
      const keys = async (...pressed: string[]) => {
        for (const key of pressed) await page.keyboard.press(key)
      }
      const focused = () => page.evaluate(() => document.activeElement?.textContent)
      await page.getByText('Name and limit').waitFor()
      await keys('g', 'c')
      await visitor.sees('Conversations')
      await page.locator('tbody tr', { hasText: 'Is anybody there?' }).waitFor()
      await keys('j')
      await expect.poll(focused).toContain('User')
      await keys('Enter')
      await page.waitForURL('**/conversations/*')
      await page.getByText('Is anybody there?').first().waitFor()
      await keys('g', 'l')
      await visitor.sees('Clients')
      await page.getByRole('table').waitFor()
      await keys('/')
      await page.keyboard.type(client.id)
      await expect.poll(() => page.url()).toContain(`search=${client.id}`)
      await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
      await keys('Tab')
      await page.locator('h1').focus()
      await keys('j')
      await expect.poll(focused).toContain(client.id.slice(0, 4))
      await keys('g', 'a')
      await visitor.sees('Audit log')
      await page.getByRole('table').waitFor()
      await keys('j', 'Enter')
      const details = page.getByRole('dialog')
      await details.getByText('Request', { exact: true }).waitFor()
      expect(await details.locator('dt').allTextContents()).toEqual(
        expect.arrayContaining(['Result', 'When', 'Who', 'From', 'Request']),
      )
      await keys('Escape', 'g', 'l')
      await visitor.sees('Clients')
      await keys('?')
      await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
      await page.getByLabel('Use single keys').uncheck()
      await keys('Escape', 'g', 'o', '?')
      expect(await page.getByRole('dialog').count()).toBe(0)
      await visitor.sees('Clients')
      expect(visitor.faults).toEqual([])
    },
    SLOW,
  )

  test('reaches everything by Tab, the page before the menu if one wants', async () => {
    const visitor = await signedInVisitor(server, browser, { path: 'settings' })
    const { page } = visitor
    await visitor.sees('Settings')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search')
  })
})
