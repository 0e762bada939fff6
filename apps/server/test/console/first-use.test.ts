import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FakeTelegram, fakeTelegram } from '../../../../packages/channel-telegram/test/fake-telegram.js'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { visitConsole } from '../support/console.js'
import { PASSWORD } from '../support/operators.js'
import { cleanUp, startProcess, type TestServerProcess } from '../support/server.js'

let bots: FakeTelegram
let server: TestServerProcess
/** Milliseconds for a test on a busy machine. */
const SLOW = 60_000

let browser: Browser
beforeAll(async () => {
  bots = await fakeTelegram({ isLocal: true })
  // A process, since that prints the link.
  server = await startProcess({
    env: {
      LOG_LEVEL: 'info',
      PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({ telegram: { apiRoot: bots.url } }),
    },
  })
  browser = await startBrowser()
}, INSTALL_MS)
afterAll(async () => {
  await browser?.close()
  await cleanUp()
  await bots?.close()
})

const TOKEN = '7654321:AAHmadeUpTokenOfTheFirstBot-x0123456'

test(
  'from an empty server to the first answer, with nothing but the console',
  async () => {
    // The server prints the link when it starts.
    const path = /\/console\/(link\?first#token=[\w.-]+)/.exec(server.output())?.[1]
    const visitor = await visitConsole(server, browser, { path: path ?? 'no link' })
    const { page } = visitor
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
    await visitor.sees('Create the first operator')
    await page.getByLabel('E-mail').fill('ada@example.com')
    await page.getByLabel('Password').fill(PASSWORD)
    await press('Create and sign in')

    await visitor.sees('Overview')
    await page.getByText('This server has no client yet').waitFor()
    expect(await page.getByText('Everybody is being answered').count()).toBe(0)
    await visitor.picture('empty')
    await page.getByRole('link', { name: 'Begin' }).click()
    await visitor.sees('First message')
    await page.getByLabel('Name').fill('first-bot')
    await press('Create the client')
    const dialog = page.getByRole('dialog', { name: 'The client is created' })
    await dialog.getByText('The token is shown only now').waitFor()
    await press('Done')

    await page.getByRole('button', { name: /^Telegram/ }).click()
    await page.getByLabel('Bot token').fill('no token at all')
    await press('Add and check')
    await page.getByRole('alert').getByText('1 field was not accepted').waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.ariaInvalid)).toBe('true')
    expect(await visitor.accessibilityFaults()).toEqual([])
    await visitor.picture('first-channel')
    await page.getByLabel('Bot token').fill(TOKEN)
    await press('Add and check')

    await page.getByText('Write to the bot on telegram now').waitFor()
    await page.getByText('Working').waitFor()
    bots.push(TOKEN, {
      message: {
        ...{ message_id: 1, date: Math.floor(Date.now() / 1000), text: 'Is anybody there?' },
        chat: { id: 501, type: 'private' },
        from: { id: 501, is_bot: false, first_name: 'Ada' },
      },
    })
    await page.getByRole('link', { name: 'Answer it' }).click()
    // Called by name, not by the number of the chat.
    await visitor.sees('Ada')
    await page.getByText('Is anybody there?', { exact: true }).waitFor()
    await page.getByLabel('Message as the business').fill('Yes!')
    await press('Send')
    await visitor.shows('Delivered')
    await visitor.picture('first-answer')
    expect(bots.sent.map(({ args }) => [String(args.chat_id), args.text])).toEqual([['501', 'Yes!']])
    expect(visitor.faults).toEqual([])
  },
  SLOW,
)
