import { createClient, sync } from '@plugboard/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answered, call } from './support/api.js'
import { type CourierProvider, startCourierProvider, startWithCouriers } from './support/courier-channel.js'
import { textsOf } from './support/fault-load.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, type TestServer } from './support/server.js'

let provider: CourierProvider
let server: TestServer
let sessions = 0
/** How the provider answers whether a token is of its account; 200 by default. */
const checks = new Map<string, number>()
beforeAll(async () => {
  provider = await startCourierProvider()
  provider.answer = ({ path, token }, response) => {
    if (path === '/check') return checks.get(token) ?? 200
    if (path !== '/refresh') return 200
    sessions += 1
    // The first one ends soon.
    const again = sessions === 1 ? { againInMs: 1000 } : {}
    response.writeHead(200).end(JSON.stringify({ session: `session ${sessions}`, ...again }))
    return undefined
  }
  server = await startWithCouriers(provider.url, {}, { appSecret: 'secret of the app', refreshes: true })
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

/** One request to the URL of the channel, with events of several accounts. */
const tellShared = (events: object[], secret = 'secret of the app'): Promise<Answered> =>
  call(server, 'POST', '/webhooks/v1/courier', { body: events, headers: { 'x-courier-app': secret } })

const says = (account: string, text: string) => ({
  ...{ account, type: 'message', dedupeKey: `${account} ${text}` },
  content: { type: 'text', text },
})

/** A client with one integration of each account, and what its bot received. */
async function clientWith(...accounts: string[]) {
  const channels = Object.fromEntries(
    accounts.map((account) => [
      `courier-${account}`,
      { channel: 'courier', enabled: true, version: '1.0.0', account, token: `token-of-${account}` },
    ]),
  )
  const bot = await startReceiver()
  const { id: clientId, token: clientToken } = await sync(server.url, {
    channels,
    webhooks: [{ url: bot.url }],
  })
  const client = createClient({ url: server.url, clientId, clientToken })
  return { client, bot, texts: () => textsOf(bot) }
}

test('one request to the URL of a channel reaches the integrations of several clients, once', async () => {
  const shop = await clientWith('shop-1', 'shop-2')
  const cafe = await clientWith('cafe')
  const events = [says('shop-1', 'a'), says('cafe', 'b'), says('shop-2', 'c'), says('shop-1', 'd')]
  expect(await tellShared(events)).toMatchObject({ status: 200, text: 'thanks' })
  expect((await tellShared(events)).status).toBe(200)
  expect((await tellShared([says('shop-2', 'end'), says('cafe', 'end')])).status).toBe(200)
  await expect.poll(() => [shop.texts().length, cafe.texts().length]).toEqual([4, 2])
  // Two conversations, which have no order between them.
  const of = (...own: string[]) => shop.texts().filter((text) => own.includes(String(text)))
  expect([of('a', 'd'), of('c', 'end')]).toEqual([
    ['a', 'd'],
    ['c', 'end'],
  ])
  expect(cafe.texts()).toEqual(['b', 'end'])
})

test('an account that nobody has, and one that was given up, keep nobody from theirs', async () => {
  const here = await clientWith('here')
  const gone = await clientWith('gone')
  await gone.client.sync({ channels: {} })
  const events = [says('nobody', 'x'), says('gone', 'y'), says('here', 'z')]
  expect((await tellShared(events)).status).toBe(200)
  await expect.poll(here.texts).toEqual(['z'])
  expect(gone.texts()).toEqual([])
})

test('a request without the secret of the app is refused, and stores nothing', async () => {
  const shop = await clientWith('safe')
  expect((await tellShared([says('safe', 'forged')], 'another secret')).status).toBe(401)
  expect((await tellShared([says('safe', 'genuine')])).status).toBe(200)
  await expect.poll(shop.texts).toEqual(['genuine'])
})

test('nobody gets the events of an account that the provider has not confirmed', async () => {
  const statusOf = async ({ client }: Awaited<ReturnType<typeof clientWith>>) =>
    Object.values((await client.health()).channels)[0]?.status
  checks.set('token-of-slow', 500).set('token-of-stolen', 500)
  const slow = await clientWith('slow')
  const thief = await clientWith('stolen')
  // The provider repeats what could not be taken.
  for (const account of ['slow', 'stolen'])
    expect((await tellShared([says(account, 'secret')])).status).toBe(503)
  checks.set('token-of-slow', 200).set('token-of-stolen', 401)
  await expect.poll(() => statusOf(slow), { timeout: 10_000 }).toBe('active')
  await expect.poll(() => statusOf(thief), { timeout: 10_000 }).toBe('paused')
  expect((await tellShared([says('slow', 'secret'), says('stolen', 'secret')])).status).toBe(200)
  await expect.poll(slow.texts).toEqual(['secret'])
  expect(thief.texts()).toEqual([])
  // Credentials that stop working later lose nothing.
  checks.set('token-of-slow', 401)
  expect((await tellShared([says('slow', 'more')])).status).toBe(200)
  await expect.poll(slow.texts).toEqual(['secret', 'more'])
})

test('a channel without such a URL is not found', async () => {
  for (const channel of ['telegram', 'telegraph', 'nothing'])
    expect((await call(server, 'POST', `/webhooks/v1/${channel}`, { body: [] })).status).toBe(404)
})

test('a channel renews what it remembers, and uses it in its deliveries, also after a restart', async () => {
  const shop = await clientWith('renewed')
  await tellShared([says('renewed', 'hello')])
  await expect.poll(shop.texts).toEqual(['hello'])
  const conversationId = String(shop.bot.ofType('message.new')[0]?.json.data.conversationId)
  const refreshes = () => provider.to('/refresh').filter(({ token }) => token === 'token-of-renewed')
  await expect.poll(refreshes).toHaveLength(1)
  const say = async (text: string) => {
    await shop.client.messages.post({ conversationId, payload: { type: 'text', text } })
    const sent = () => provider.to('/send').find(({ body }) => body.content.text === text)
    await expect.poll(sent).toBeDefined()
    return sent()?.body.session
  }
  expect(await say('first')).toMatch(/^session \d+$/)
  await server.stop()
  await server.restart()
  expect(await say('second')).toMatch(/^session \d+$/)
})
