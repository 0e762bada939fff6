import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient, sync } from '@plugboard/client'
import { startEchoBot } from './bot.js'
import { startDemoServer } from './demo-server.js'
import { shopPage } from './shop-page.js'

/** A shop with the chat on its page, a server on a temporary file, and the echo bot. Runs until Ctrl-C. */
const hub = await startDemoServer()
let page = ''
const shop = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
})
shop.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
await once(shop, 'listening')
const url = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`

const { id: clientId, token: clientToken } = await sync(hub.url, {})
let webhookToken = ''
const bot = await startEchoBot({ url: hub.url, clientId, clientToken, webhookToken: () => webhookToken })
const { webhooks } = await createClient({ url: hub.url, clientId, clientToken }).sync({
  channels: {
    web: {
      version: '1.0.0',
      allowedOrigins: [url],
      name: 'Fern & Moss',
      greeting: 'Hello! Ask us anything about plants.',
      colors: { accent: '#1f6f54' },
    },
  },
  webhooks: [{ url: bot.url }],
})
webhookToken = webhooks[0]?.token ?? ''
page = shopPage(`${hub.url}/web/v1/${clientId}.js`)

console.log(`
  The shop, with the chat in its corner:  ${url}
  The chat alone, as a page:              ${hub.url}/chat/${clientId}
  Its script:                             <script src="${hub.url}/web/v1/${clientId}.js" defer></script>

Ctrl-C ends it.`)
openBrowser(url)

await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
shop.closeAllConnections()
shop.close()
await bot.close()
await hub.close()

/** Opens the page where there is somebody to see it. Without a browser, the address above does. */
function openBrowser(address: string): void {
  if (!process.stdout.isTTY) return
  const command = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open'
  spawn(command, [address], { stdio: 'ignore' }).on('error', () => undefined)
}
