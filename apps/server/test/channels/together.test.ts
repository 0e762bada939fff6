import { randomUUID } from 'node:crypto'
import { fromUuid } from '@plugboard/core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTenant, EXTERNAL_URL, startHub, type Tenant } from '../support/channel-stage.js'
import { kinds } from '../support/providers/kinds.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { cleanUp, isSoak, type TestServer } from '../support/server.js'
import { newKey, officialClient } from '../support/sunshine.js'

/** One in a second, to Telegram and Slack. */
const MESSAGES = isSoak ? 50 : 8

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

const each = kinds.map(({ channel, heardAs = (text: string) => text }, i) => ({ channel, heardAs, i }))

describe('on a server with all channels', () => {
  const count = Array.from({ length: MESSAGES }, (_, n) => `${n}`)

  // Telegram and Slack want a second between two messages to one person: so all wait together.
  test.concurrent.each(each)(
    'quick messages keep their order, both ways: $channel',
    async ({ i, heardAs }) => {
      const tenant = tenants[i] as Tenant
      for (const n of count) await tenant.write(1, n)
      const heard = (await tenant.hears(MESSAGES)).filter(({ payload }) => payload.type === 'text')
      expect(heard.map(({ payload }) => payload.text)).toEqual(count.map(heardAs))
      for (const text of count) await tenant.say(1, { type: 'text', text })
      await vi.waitUntil(() => tenant.shownTo(1).length >= MESSAGES, { timeout: 100_000 })
      expect(tenant.shownTo(1).map(({ text }) => text)).toEqual(count)
      expect(tenant.triedAt(1)).toHaveLength(MESSAGES)
    },
    120_000,
  )

  test.each(['whatsapp', 'twilio', 'vonage'])(
    'Sunshine shows the number for which %s vouches',
    async (channel) => {
      const i = kinds.findIndex((kind) => kind.channel === channel)
      const [tenant, provider] = [tenants[i] as Tenant, providers[i] as Provider]
      const before = tenant.heard().length
      await tenant.write(3, 'who am I?')
      const [heard] = (await tenant.hears(before + 1)).slice(before)
      const key = await newKey(server, { app: fromUuid(tenant.client.id) as string })
      const { user } = await officialClient(server, key).getUser(fromUuid(heard?.authorId ?? '') as string)
      const [digits] = /\d+$/.exec(provider.addressOf(3)) ?? []
      expect(user.identities).toEqual([{ type: 'phoneNumber', value: `+${digits}`, verification: 'channel' }])
    },
  )

  // When the others are done, since they count what the bot hears.
  describe.concurrent('addresses of files end', () => {
    test.each(each)('$channel', async ({ i }) => {
      const [tenant, provider] = [tenants[i] as Tenant, providers[i] as Provider]
      await tenant.tell(provider.send(2, randomUUID(), provider.url).told)
      const withFile = () => tenant.heard().find(({ payload }) => payload.url !== undefined)
      await tenant.bot.until(() => withFile() !== undefined)
      const heard = withFile()
      const url = String(heard?.payload.url).replace(EXTERNAL_URL, server.url)
      await expect.poll(async () => (await fetch(url)).status, { timeout: 10_000 }).toBe(404)
      // It is there, and only its address is over.
      const { status, json } = await tenant.client.call('GET', `/messages/${heard?.id}`)
      expect([status, json.payload.type]).toEqual([200, 'image'])
    })
  })
})
