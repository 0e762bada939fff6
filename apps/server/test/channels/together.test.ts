import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { slack } from '../support/providers/slack.js'
import { telegram } from '../support/providers/telegram.js'
import { twilio } from '../support/providers/twilio.js'
import { cleanUp, isSoak, type TestServer } from '../support/server.js'

/** One in a second, to Telegram and Slack. */
const MESSAGES = isSoak ? 50 : 8
const kinds = [telegram, slack, twilio]

let providers: Provider[]
let server: TestServer
const tenants: Tenant[] = []
beforeAll(async () => {
  providers = await Promise.all(kinds.map(startProvider))
  server = await startHub(providers, { MEDIA_LINK_TTL: '1s' })
  for (const provider of providers) tenants.push(await createTenant(server, provider))
})
afterAll(async () => {
  await Promise.all([...tenants.map(({ bot }) => bot.close()), ...providers.map(({ close }) => close())])
  await cleanUp()
})

describe('on a server with all channels', () => {
  const count = Array.from({ length: MESSAGES }, (_, n) => `${n}`)
  const each = kinds.map(({ channel }, i) => ({ channel, i }))

  // Telegram and Slack want a second between two messages to one person: so all three wait together.
  test.concurrent.each(each)(
    'quick messages keep their order, both ways: $channel',
    async ({ i }) => {
      const tenant = tenants[i] as Tenant
      for (const n of count) await tenant.write(1, n)
      const heard = (await tenant.hears(MESSAGES)).filter(({ payload }) => payload.type === 'text')
      expect(heard.map(({ payload }) => payload.text)).toEqual(count)
      for (const { payload } of heard) await tenant.say(1, payload)
      await vi.waitUntil(() => tenant.shownTo(1).length >= MESSAGES, { timeout: 100_000 })
      expect(tenant.shownTo(1).map(({ text }) => text)).toEqual(count)
      expect(tenant.triedAt(1)).toHaveLength(MESSAGES)
    },
    120_000,
  )

  test.each(each)('addresses of files end: $channel', async ({ i }) => {
    const [tenant, provider] = [tenants[i] as Tenant, providers[i] as Provider]
    const before = tenant.heard().length
    await tenant.tell(provider.send(2, randomUUID(), provider.url).told)
    const [heard] = (await tenant.hears(before + 1)).slice(before)
    const url = String(heard?.payload.url).replace(EXTERNAL_URL, server.url)
    await expect.poll(async () => (await fetch(url)).status, { timeout: 10_000 }).toBe(404)
    // It is there, and only its address is over.
    const { status, json } = await tenant.client.call('GET', `/messages/${heard?.id}`)
    expect([status, json.payload.type]).toEqual([200, 'image'])
  })
})
