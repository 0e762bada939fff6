import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { INSTALL_MS, startBrowser } from '../support/browser.js'
import { type ConsoleVisitor, enterPassword, visitConsole } from '../support/console.js'
import { CLIENT, IdentityProvider } from '../support/identity-provider.js'
import { callWithKey, PASSWORD } from '../support/operators.js'
import { freePort } from '../support/replicas.js'
import { cleanUp, startProcess, type TestServerProcess } from '../support/server.js'

let browser: Browser
let provider: IdentityProvider
let server: TestServerProcess

beforeAll(async () => {
  browser = await startBrowser()
  const port = await freePort()
  provider = await IdentityProvider.start([`http://127.0.0.1:${port}/admin/v1/oidc/callback`])
  server = await startProcess({
    env: {
      ...{ OIDC_ISSUER: provider.url, OIDC_CLIENT_ID: CLIENT.id, OIDC_CLIENT_SECRET: CLIENT.secret },
      ...{ OIDC_LABEL: 'Sign in with Example', RATE_LIMIT: '0', PORT: String(port) },
    },
  })
}, INSTALL_MS)
afterAll(async () => {
  await browser.close()
  await cleanUp()
  await provider.close()
})

const isIn = ({ page }: ConsoleVisitor) => page.getByRole('navigation', { name: 'Pages' }).waitFor()

describe('the console of a new server', () => {
  test('lets the first operator in by the link that the server printed, once', async () => {
    const [path = ''] = /link\?first#token=[\w.-]+/.exec(server.output()) ?? []
    const visitor = await visitConsole(server, browser, { path })
    await visitor.sees('Create the first operator')
    const ada = { email: 'ada@example.com', password: PASSWORD }
    await enterPassword(visitor, { ...ada, password: 'short' })
    await visitor.page.getByText('must have at least 12 characters').waitFor()
    await enterPassword(visitor, ada)
    await isIn(visitor)
    expect(visitor.page.url()).not.toContain('token')
    await visitor.page.reload()
    await isIn(visitor)
    expect(visitor.faults).toEqual([])
    await visitor.page.context().close()

    const other = await visitConsole(server, browser, { path })
    await enterPassword(other, { ...ada, email: 'eve@example.com' })
    await other.page.getByText('not valid, has expired or was used').waitFor()
    await other.page.context().close()
  })
})

describe('at a provider of OpenID Connect', () => {
  test('somebody who is no operator is refused in words, and an operator comes in', async () => {
    const email = 'bob@example.com'
    provider.people.set('bob', { sub: 'bob', email, email_verified: true })
    const visitor = await visitConsole(server, browser)
    const { page } = visitor
    const signIn = async () => {
      await page.getByRole('link', { name: 'Sign in with Example' }).click()
      await page.getByRole('link', { name: email }).click()
    }
    await signIn()
    await visitor.sees('The sign-in failed')
    expect(await page.textContent('main')).toContain(`no operator with the e-mail address ${email}`)
    await callWithKey(server, 'POST', '/operators', { email, role: 'viewer' })
    // The provider remembers who it is.
    await page.getByRole('link', { name: 'Back to the console' }).click()
    await page.getByRole('link', { name: 'Sign in with Example' }).click()
    await isIn(visitor)
    expect(page.url()).toBe(`${server.url}/console/`)
    await page.context().close()
  })
})
