import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createTenant, startHubProcess, type Tenant } from './support/channel-stage.js'
import { type Provider, type Sent, startProvider, type Told } from './support/providers/provider.js'
import { slack } from './support/providers/slack.js'
import { telegram } from './support/providers/telegram.js'
import { twilio } from './support/providers/twilio.js'
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

describe.each([telegram, slack, twilio])('a server with $channel', (kind) => {
  let provider: Provider
  let server: TestServerProcess
  let tenant: Tenant
  beforeAll(async () => {
    provider = await startProvider(kind)
    server = await startHubProcess([provider])
    tenant = await createTenant(server, provider)
  })
  afterAll(async () => {
    await tenant.bot.close()
    await provider.close()
    await cleanUp()
  })

  test('answers many concurrent requests within the deadline, and stores all of them', async () => {
    const texts = Array.from({ length: AT_ONCE }, (_, i) => `at once ${i}`)
    const times = await Promise.all(
      texts.map(async (text, i) => {
        const start = performance.now()
        expect((await tenant.write(1000 + i, text)).status).toBe(200)
        return performance.now() - start
      }),
    )
    const heard = await tenant.hears(AT_ONCE)
    expect(heard.map(({ payload }) => payload.text).sort()).toEqual(texts.sort())
    expect(Math.max(...times)).toBeLessThan(DEADLINE_MS)
    tenant.bot.requests.length = 0
  })

  describe('that is killed and starts again', () => {
    const items = Array.from({ length: kind.cards }, (_, i) => ({
      ...{ title: `Card ${i + 1}.`, subtitle: 'x'.repeat(400), actions: [] },
    }))
    const isLastCard = ({ text }: Sent) => text.includes(`Card ${kind.cards}.`)
    let told: Told
    let question: string
    let carousel: string
    beforeAll(async () => {
      question = await tenant.say(2, { type: 'single-choice', text: 'Size?', choices })
      await vi.waitFor(() => expect(tenant.shownTo(2)).toHaveLength(1), PATIENT)
      provider.answerInstead = (sent) => (sent && isLastCard(sent) ? kind.refusals.broken : undefined)
      carousel = await tenant.say(3, { type: 'carousel', items })
      await vi.waitFor(() => expect(tenant.triedAt(3).filter(isLastCard)[1]).toBeDefined(), PATIENT)
      tenant.bot.answer = () => 503
      told = provider.write(1, 'the last words', randomUUID())
      expect((await tenant.tell(told)).status).toBe(200)
      await server.kill()
      tenant.bot.answer = () => 200
      tenant.bot.requests.length = 0
      provider.answerInstead = () => undefined
      await server.restart()
    }, 60_000)

    test('has the message to which it had just responded, and delivers it to the bot once', async () => {
      const conversation = await tenant.conversationWith(1)
      const messages = await tenant.client.call('GET', `/messages/conversation/${conversation}`)
      expect(messages.json.map(({ payload }: { payload: object }) => payload)).toEqual([
        { type: 'text', text: 'the last words' },
      ])
      expect((await tenant.tell(provider.again(told))).status).toBe(200)
      await tenant.write(1, 'and the first')
      const heard = await tenant.hears(2)
      expect(heard.map(({ payload }) => payload.text)).toEqual(['the last words', 'and the first'])
    })

    test('knows what an answer means to a question that it asked before', async () => {
      const before = tenant.heard().length
      await tenant.tell(provider.press(2, tenant.shownTo(2)[0] as Sent, 1, randomUUID()))
      const [heard] = (await tenant.hears(before + 1)).slice(before)
      const payload = { type: 'quick_reply', text: 'Large', payload: 'size-l', messageId: question }
      expect(heard?.payload).toEqual(payload)
    })

    test('sends no part of a carousel a second time that had arrived', async () => {
      await expect.poll(async () => (await tenant.delivery(carousel)).state, PATIENT).toBe('delivered')
      const earlier = tenant.triedAt(3).filter((sent) => !isLastCard(sent))
      expect(earlier.length).toBeGreaterThan(0)
      expect(new Set(earlier.map(({ text }) => text)).size).toBe(earlier.length)
      const shown = tenant.shownTo(3).map(({ text }) => text)
      for (const { title } of items) expect(shown.filter((text) => text.includes(title))).toHaveLength(1)
    })
  })
})
