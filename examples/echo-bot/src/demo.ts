import { randomBytes } from 'node:crypto'
import { createClient, sync } from '@plugboard/client'
import { startEchoBot } from './bot.js'
import { startDemoServer } from './demo-server.js'
import { startPerson } from './person.js'

/**
 * The whole way of a message on this machine: a server on a temporary file, the echo bot, and a person who writes
 * through the generic-webhook channel.
 */
const LINES = ['Hello!', 'Is anybody there?', 'Grüße, 你好, 👋', 'Bye.']
const STARTED_AT = Date.now()

const server = await startDemoServer()
try {
  tell('server', `listens on ${server.url}, on a temporary file`)
  await talk(server.url)
  tell('demo', 'done: each line went person → channel → server → bot, and its answer all the way back')
  console.log(`
What to try next:
  npx -y pnpm@12 start      a server that stays, on ./data/plugboard.db
  http://127.0.0.1:3100/docs   its API, once it runs
  examples/echo-bot/src/bot.ts   the bot of this demo, to begin yours with`)
} finally {
  await server.close()
}

async function talk(url: string): Promise<void> {
  const { id: clientId, token: clientToken } = await sync(url, {})
  let webhookToken = ''
  const bot = await startEchoBot({ url, clientId, clientToken, webhookToken: () => webhookToken })
  tell('bot', `listens on ${bot.url}`)
  const secret = randomBytes(32).toString('base64')
  const person = await startPerson({ name: 'ada', secret, url: `${url}/webhooks/v1/${clientId}/webhook` })
  const { webhooks } = await createClient({ url, clientId, clientToken }).sync({
    channels: { webhook: { version: '1.0.0', url: person.url, secret } },
    webhooks: [{ url: bot.url }],
  })
  webhookToken = webhooks[0]?.token ?? ''
  for (const line of LINES) {
    tell('person', line)
    tell('bot', await person.say(line))
  }
  await Promise.all([bot.close(), person.close()])
}

function tell(who: string, what: string): void {
  const seconds = ((Date.now() - STARTED_AT) / 1000).toFixed(3)
  console.log(`${seconds.padStart(7)} s  ${who.padEnd(7)} ${what}`)
}
