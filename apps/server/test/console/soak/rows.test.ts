import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INSTALL_MS, startBrowser } from '../../support/browser.js'
import { signedInVisitor } from '../../support/console.js'
import { cleanUp, sharedServer } from '../../support/server.js'

const server = sharedServer()

let browser: Browser
beforeAll(async () => {
  browser = await startBrowser()
}, INSTALL_MS)
afterAll(async () => {
  await browser?.close()
  await cleanUp()
})

const [FEW, MANY] = [1_000, 100_000]
const PAGE = 5_000

test('a list of 100,000 rows scrolls as fast as one of 1,000, and has few rows in the page', async () => {
  const visitor = await signedInVisitor(server, browser)
  const { page } = visitor
  let total = FEW
  // As many clients would take an hour to create; the list gets its pages from here.
  await page.route('**/admin/v1/clients?*', (route) => {
    const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0)
    const items = Array.from({ length: Math.min(PAGE, total - from) }, (_, n) => ({
      id: `00000000-0000-4000-8000-${String(from + n).padStart(12, '0')}`,
      name: `client-${from + n}`,
      createdAt: '2026-01-01T00:00:00.000Z',
      ...{ integrations: [], webhooks: 1 },
    }))
    return route.fulfill({ json: { items, ...(from + PAGE < total && { next: String(from + PAGE) }) } })
  })
  const count = () =>
    page.evaluate(() => Number(document.querySelector('table')?.getAttribute('aria-rowcount')) - 1)

  /** Milliseconds of a step from the end towards the start, in the middle of all. */
  async function stepOf(rows: number): Promise<number> {
    total = rows
    await visitor.open('clients')
    await page.getByRole('table').waitFor()
    while ((await count()) < rows) {
      await page.evaluate(async () => {
        window.scrollTo(0, document.documentElement.scrollHeight)
        await new Promise(requestAnimationFrame)
      })
    }
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
    await page.getByText(`client-${rows - 1}`).waitFor()
    expect(await page.locator('tbody tr').count()).toBeLessThan(60)
    const step = await page.evaluate(async () => {
      const times: number[] = []
      let last = performance.now()
      // Each step shows other rows.
      for (let n = 0; n < 15; n += 1) {
        window.scrollBy(0, -3_000)
        await new Promise(requestAnimationFrame)
        times.push(performance.now() - last)
        last = performance.now()
      }
      return times.sort((a, b) => a - b)[7] ?? 0
    })
    await page.evaluate(() => window.scrollTo(0, 0))
    await page.getByText('client-0', { exact: true }).waitFor()
    return step
  }

  const few = await stepOf(FEW)
  expect(await stepOf(MANY)).toBeLessThan(few * 2 + 20)
  expect(visitor.faults).toEqual([])
})
