import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTenant, startHubProcess, type Tenant } from './support/channel-stage.js'
import { kinds } from './support/providers/kinds.js'
import { type Provider, type Sent, startProvider, type Told } from './support/providers/provider.js'
import { cleanUp, type TestServerProcess } from './support/server.js'

/** Slack waits no longer; the others wait for more. */
const DEADLINE_MS = 3000
/** Slack sends an app 30,000 events in an hour at most, which is eight in a second. */
const AT_ONCE = 20
const PATIENT = { timeout: 20_000 }
const choices = [
  { title: 'Small', value: 'size-s' },
  { title: 'Large', value: 'size-l' },
]

/** What a provider was in the middle of when the server was killed. */
interface World {
  provider: Provider
  tenant: Tenant
  told: Told
  question: string
  carousel: string
}

let server: TestServerProcess
const providers: Provider[] = []
const tenants = new Map<string, Tenant>()
const each = kinds.map(({ channel }) => ({ channel }))
const tenantAt = (channel: string) => tenants.get(channel) as Tenant
const providerAt = (channel: string) => providers.find((provider) => provider.channel === channel) as Provider

beforeAll(async () => {
  providers.push(...(await Promise.all(kinds.map(startProvider))))
  server = await startHubProcess(providers, {
    LOG_LEVEL: 'warn',
    CHANNEL_RETRY_DELAYS: Array(100).fill('300ms').join(),
  })
  for (const provider of providers) tenants.set(provider.channel, await createTenant(server, provider))
}, 60_000)
afterAll(async () => {
  await Promise.all([...tenants.values()].map(({ bot }) => bot.close()))
  await Promise.all(providers.map((provider) => provider.close()))
  await cleanUp()
})

const textsHeard = (tenant: Tenant, { heardAs = (text) => text }: Provider, texts: readonly string[]) => {
  const meant = new Map(texts.map((text) => [heardAs(text), text]))
  return tenant.heard().map(({ payload: { text = '' } }) => meant.get(text) ?? text)
}

test.each(each)(
  'many concurrent requests are answered within the deadline, and all of them are stored: $channel',
  async ({ channel }) => {
    const [tenant, provider] = [tenantAt(channel), providerAt(channel)]
    const texts = Array.from({ length: AT_ONCE }, (_, i) => `at once ${i}`)
    const times = await Promise.all(
      texts.map(async (text, i) => {
        const start = performance.now()
        expect((await tenant.write(1000 + i, text)).status).toBe(200)
        return performance.now() - start
      }),
    )
    await tenant.hears(AT_ONCE)
    expect(textsHeard(tenant, provider, texts).sort()).toEqual(texts.sort())
    expect(Math.max(...times)).toBeLessThan(DEADLINE_MS)
    tenant.bot.requests.length = 0
  },
)

describe('a server that is killed and starts again', () => {
  const worlds = new Map<string, World>()
  const worldOf = (channel: string) => worlds.get(channel) as World
  const itemsFor = (cards: number) =>
    Array.from({ length: cards }, (_, i) => ({
      ...{ title: `Card ${i + 1}.`, subtitle: 'x'.repeat(400), actions: [] },
    }))
  const isLastOf =
    (cards: number) =>
    ({ text }: Sent) =>
      text.includes(`Card ${cards}.`)

  beforeAll(async () => {
    await Promise.all(kinds.map(({ channel }) => begin(channel)))
    await server.kill()
    for (const { tenant, provider } of worlds.values()) {
      tenant.bot.answer = () => 200
      tenant.bot.requests.length = 0
      provider.answerInstead = () => undefined
    }
    await server.restart()
  }, 90_000)

  /** A question that was asked, a carousel of which the last part is refused, and what the bot does not take. */
  async function begin(channel: string): Promise<void> {
    const [tenant, provider] = [tenantAt(channel), providerAt(channel)]
    const isLast = isLastOf(provider.cards)
    const question = await tenant.say(2, { type: 'single-choice', text: 'Size?', choices })
    await vi.waitFor(() => expect(tenant.shownTo(2)).toHaveLength(1), PATIENT)
    provider.answerInstead = (sent) => (sent && isLast(sent) ? provider.refusals.broken : undefined)
    const carousel = await tenant.say(3, { type: 'carousel', items: itemsFor(provider.cards) })
    await vi.waitFor(() => expect(tenant.triedAt(3).filter(isLast)[1]).toBeDefined(), PATIENT)
    tenant.bot.answer = () => 503
    const told = provider.write(1, 'the last words', randomUUID())
    expect((await tenant.tell(told)).status).toBe(200)
    worlds.set(channel, { provider, tenant, told, question, carousel })
  }

  test.each(each)(
    'has the message to which it had just responded, and delivers it to the bot once: $channel',
    async ({ channel }) => {
      const { tenant, provider, told } = worldOf(channel)
      const texts = ['the last words', 'and the first']
      const conversation = await tenant.conversationWith(1)
      const { json } = await tenant.client.call('GET', `/messages/conversation/${conversation}`)
      const stored = json.map(({ payload }: { payload: { text: string } }) => payload.text)
      expect(stored).toEqual([(provider.heardAs ?? String)('the last words')])
      expect((await tenant.tell(provider.again(told))).status).toBe(200)
      await tenant.write(1, 'and the first')
      await tenant.hears(2)
      expect(textsHeard(tenant, provider, texts)).toEqual(texts)
    },
  )

  test.each(each)(
    'knows what an answer means to a question that it asked before: $channel',
    async ({ channel }) => {
      const { tenant, provider, question } = worldOf(channel)
      const before = tenant.heard().length
      await tenant.tell(provider.press(2, tenant.shownTo(2)[0] as Sent, 1, randomUUID()))
      const [heard] = (await tenant.hears(before + 1)).slice(before)
      const payload = { type: 'quick_reply', text: 'Large', payload: 'size-l', messageId: question }
      expect(heard?.payload).toEqual(payload)
    },
  )

  test.each(each)(
    'sends no part of a carousel a second time that had arrived: $channel',
    async ({ channel }) => {
      const { tenant, provider, carousel } = worldOf(channel)
      await expect.poll(async () => (await tenant.delivery(carousel)).state, PATIENT).toBe('delivered')
      const isLast = isLastOf(provider.cards)
      const earlier = tenant.triedAt(3).filter((sent) => !isLast(sent))
      expect(earlier.length).toBeGreaterThan(0)
      expect(new Set(earlier.map(({ text }) => text)).size).toBe(earlier.length)
      const shown = tenant.shownTo(3).map(({ text }) => text)
      for (const { title } of itemsFor(provider.cards))
        expect(shown.filter((text) => text.includes(title))).toHaveLength(1)
    },
  )
})
