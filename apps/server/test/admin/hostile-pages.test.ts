import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HOST, INSTALL_MS, startBrowser } from '../support/browser.js'
import { callWithKey, newSession, type SignedIn } from '../support/operators.js'
import { cleanUp, sharedServer } from '../support/server.js'

/** What pages of others can do in the browser of somebody who is signed in to the console. */

const server = sharedServer()

let browser: Browser
let attacker: Server
let port: number
let ada: SignedIn

/** What the attacker's page does, by its path. It says what came of it in its title. */
const pages: Record<string, string> = {}

beforeAll(async () => {
  browser = await startBrowser()
  attacker = createServer(({ url = '' }, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(pages[url] ?? '')
  })
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  port = (attacker.address() as AddressInfo).port
  ada = await newSession(server)
}, INSTALL_MS)
afterAll(async () => {
  await browser.close()
  attacker.close()
  await cleanUp()
})

/** Opens a page of the attacker in the browser of an administrator. */
async function lure(host: string, html: string): Promise<Page> {
  const path = `/${randomUUID()}`
  pages[path] = `<!doctype html><title>waiting</title>${html}`
  const context = await browser.newContext()
  const [name = '', value = ''] = ada.cookie.split('=')
  await context.addCookies([{ name, value, url: server.url, httpOnly: true, sameSite: 'Strict' }])
  const page = await context.newPage()
  await page.goto(`http://${host}:${port}${path}`)
  return page
}

const saying = (script: string) => `<script type="module">
document.title = await (async () => { ${script} })().catch((error) => String(error))
</script>`

async function titleOf(page: Page): Promise<string> {
  await expect.poll(() => page.title()).not.toBe('waiting')
  const title = await page.title()
  await page.context().close()
  return title
}

const isOperator = async (email: string) =>
  (await callWithKey(server, 'GET', `/operators?email=${email}`)).json.items.length > 0

/** Another site, and one that differs in the port alone, to which the browser sends the cookie. */
describe.each([
  ['of another site', HOST],
  ['of the same site, at another port', '127.0.0.1'],
])('a page %s', (_, host) => {
  test('shows the console in no frame', async () => {
    const page = await lure(host, `<iframe src="${server.url}/console/"></iframe>`)
    await expect.poll(() => page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/')
    await page.context().close()
  })

  test('reads nothing, neither by request nor as a script, a style sheet or a stream', async () => {
    const url = `${server.url}/admin/v1`
    const page = await lure(
      host,
      saying(`
        const read = await fetch('${url}/session', { credentials: 'include' }).then((r) => r.text(), () => 'refused')
        const loaded = (name, more) => new Promise((resolve) => {
          const element = Object.assign(document.createElement(name), more)
          element.onload = () => resolve('loaded')
          element.onerror = () => resolve('refused')
          document.head.append(element)
        })
        const script = await loaded('script', { src: '${url}/session' })
        const styles = await loaded('link', { rel: 'stylesheet', href: '${url}/session' })
        const stream = await new Promise((resolve) => {
          const source = new EventSource('${url}/events', { withCredentials: true })
          source.onopen = () => resolve('open')
          source.onerror = () => { source.close(); resolve('refused') }
        })
        return [read, script, styles, stream].join()`),
    )
    expect(await titleOf(page)).toBe('refused,refused,refused,refused')
  })

  test('changes nothing, neither by request nor by form', async () => {
    const [one, two] = [`${randomUUID()}@example.com`, `${randomUUID()}@example.com`]
    const bodyFor = (email: string) => JSON.stringify({ email, role: 'admin' })
    const url = `${server.url}/admin/v1/operators`
    const requests = await lure(
      host,
      saying(`
        const post = (more) => fetch('${url}', {
          method: 'POST', credentials: 'include', body: ${JSON.stringify(bodyFor(one))}, ...more,
        }).then(() => 'sent', () => 'refused')
        return [
          await post({ mode: 'no-cors' }),
          await post({ mode: 'no-cors', headers: { 'content-type': 'application/json' } }),
          await post({ headers: { 'content-type': 'application/json', 'x-csrf-token': 'guess' } }),
        ].join()`),
    )
    expect(await titleOf(requests)).toBe('sent,sent,refused')
    const [before = '', after = ''] = bodyFor(two).replace('}', ',"x":"="}').split('=')
    const form = await lure(
      host,
      `<form method="post" enctype="text/plain" action="${url}">
        <input name='${before}' value='${after}'></form>
        <script>document.forms[0].submit()</script>`,
    )
    await expect.poll(() => form.url()).toBe(url)
    expect(await form.textContent('body')).toMatch(/FORBIDDEN|UNAUTHORIZED|INVALID/)
    await form.context().close()
    for (const email of [one, two]) expect(await isOperator(email)).toBe(false)
    expect((await ada.call('GET', '/session')).status).toBe(200)
  })
})

test('the console itself works with the same cookie', async () => {
  const email = `${randomUUID()}@example.com`
  expect((await ada.call('POST', '/operators', { email, role: 'viewer' })).status).toBe(201)
  expect(await isOperator(email)).toBe(true)
})
