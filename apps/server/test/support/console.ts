import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { axeFaults } from './axe.js'
import { createOperator, type TestOperator } from './operators.js'
import { isSoak, type TestServer } from './server.js'

/** Where the pictures of the console lie in the long form of the tests, to be looked at. Not part of the repository. */
const PICTURES = fileURLToPath(new URL('../../../../screenshots/', import.meta.url))

/** Somebody in front of the console. */
export interface ConsoleVisitor {
  readonly page: Page
  /** What the page forbade, and what went wrong in it. */
  readonly faults: string[]
  /** Goes to a page: `clients`. */
  open(path: string): Promise<void>
  /** The heading of the page that is shown. */
  heading(): Promise<string>
  /** Waits until a page with this heading is shown. */
  sees(heading: string | RegExp): Promise<void>
  /** Waits until a text is shown. */
  shows(text: string | RegExp): Promise<void>
  picture(name: string): Promise<void>
  /** What axe finds wrong with the page, by all rules or by these. */
  accessibilityFaults(rules?: readonly string[]): Promise<string[]>
}

/** Opens the console in a browser that was never there. Nobody is signed in. */
export async function visitConsole(
  server: Pick<TestServer, 'url'>,
  browser: Browser,
  { path = '', ...options }: BrowserContextOptions & { path?: string } = {},
): Promise<ConsoleVisitor> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })
  // A busy machine is slow.
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    // A refused request is in the console too; pages show those in words.
    const isAnswer = message.text().startsWith('Failed to load resource')
    if (['error', 'warning'].includes(message.type()) && !isAnswer) faults.push(message.text())
  })
  const visitor: ConsoleVisitor = {
    ...{ page, faults },
    async open(to) {
      await page.goto(`${server.url}/console/${to}`)
    },
    heading: async () => (await page.getByRole('heading', { level: 1 }).textContent()) ?? '',
    sees: (heading) => page.getByRole('heading', { level: 1, name: heading }).waitFor(),
    shows: (text) => page.getByText(text).filter({ visible: true }).first().waitFor(),
    async picture(name) {
      if (!isSoak) return
      await mkdir(PICTURES, { recursive: true })
      await page.screenshot({ path: `${PICTURES}console-${name}.png`, animations: 'disabled' })
    },
    accessibilityFaults: (rules) => axeFaults(page, { rules }),
  }
  await visitor.open(path)
  return visitor
}

/** Enters e-mail and password. */
export async function enterPassword(
  { page }: ConsoleVisitor,
  { email, password }: Pick<TestOperator, 'email' | 'password'>,
): Promise<void> {
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
}

/** A new operator who has signed in. */
export async function signedInVisitor(
  server: Pick<TestServer, 'url'>,
  browser: Browser,
  { role = 'admin', ...options }: BrowserContextOptions & { role?: string; path?: string } = {},
): Promise<ConsoleVisitor> {
  const visitor = await visitConsole(server, browser, options)
  await enterPassword(visitor, await createOperator(server, role))
  await visitor.page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' })
  return visitor
}
