import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callOf, refusal } from '../../../../packages/channel-telegram/test/fake-telegram.js'
import { createTenant, EXTERNAL_URL, seed, startHub } from '../support/channel-stage.js'
import { type Provider, startProvider } from '../support/providers/provider.js'
import { telegram } from '../support/providers/telegram.js'
import { cleanUp, type TestServer } from '../support/server.js'
import { inboundBehaviour } from './inbound.js'
import { outboundBehaviour } from './outbound.js'

inboundBehaviour(telegram)
outboundBehaviour(telegram)

describe('a bot of Telegram', () => {
  let provider: Provider
  let server: TestServer
  beforeAll(async () => {
    provider = await startProvider(telegram)
    server = await startHub([provider])
  })
  afterAll(async () => {
    await provider.close()
    await cleanUp()
  })

  const callsOf = (token: string | undefined, wanted: string) =>
    provider.calls.flatMap((call) => {
      const { token: by, method, args } = callOf(call) ?? {}
      return by === token && method === wanted && args ? [args] : []
    })

  test('gets the webhook URL and a secret, and loses them when the integration is deleted', async () => {
    const { credentials, path, sync, bot, health } = await createTenant(server, provider)
    const { botToken } = credentials
    expect(callsOf(botToken, 'setWebhook')).toEqual([
      {
        url: EXTERNAL_URL + path,
        secret_token: expect.stringMatching(/^[\w-]{32,256}$/),
        allowed_updates: expect.arrayContaining(['message', 'callback_query', 'message_reaction']),
      },
    ])
    expect(await health()).toMatchObject({ configured: true, webhookUrl: EXTERNAL_URL + path })
    expect((await health()).setup).toBe(undefined)
    await sync()
    expect(callsOf(botToken, 'setWebhook')).toHaveLength(1)
    await sync(null)
    await expect.poll(() => callsOf(botToken, 'deleteWebhook').length).toBe(1)
    await bot.close()
  })

  test('that gets another token calls with the secret of that one, and the old one is taken back', async () => {
    const tenant = await createTenant(server, provider)
    const next = telegram.credentials()
    expect((await tenant.sync(next)).status).toBe(200)
    await expect.poll(() => callsOf(next.botToken, 'setWebhook').length).toBe(1)
    await expect.poll(() => callsOf(tenant.credentials.botToken, 'deleteWebhook').length).toBe(1)
    const told = telegram.write(1, 'hi', 'abcdef')
    expect((await tenant.tell(told)).status).toBe(401)
    expect((await tenant.tell(told, { as: next })).status).toBe(200)
    await tenant.bot.close()
  })

  test('gets no file from inside when Telegram refuses its address', async () => {
    const visits: string[] = []
    const inside = createServer(({ url }, response) => {
      visits.push(String(url))
      response.end('secret')
    })
    await once(inside.listen(0, '0.0.0.0'), 'listening')
    const bots = await startProvider(telegram)
    bots.answerInstead = (_, call) =>
      callOf(call)?.method === 'sendPhoto'
        ? refusal(400, 'Bad Request: wrong file identifier/HTTP URL specified')
        : undefined
    // All of loopback is closed behind EXTERNAL_URL, and open here where the stand-in for Telegram is.
    const hub = await startHub([bots], { ALLOW_PRIVATE_TARGETS: '127.0.0.1' })
    const tenant = await createTenant(hub, bots)
    const image = `http://127.0.0.2:${(inside.address() as AddressInfo).port}/latest/meta-data`
    await tenant.say(1, { type: 'image', image })
    await expect.poll(() => tenant.shownTo(1).map(({ text }) => text), { timeout: 10_000 }).toEqual([image])
    expect(visits).toEqual([])
    await Promise.all([hub.stop(), bots.close(), tenant.bot.close()])
    inside.close()
  })

  test('belongs to one client, until that one gives it up', async () => {
    const first = await createTenant(server, provider)
    const channels = { telegram: { version: '1.0.0', ...first.credentials } }
    const { status, text } = await seed(server, { channels })
    expect([status, text]).toEqual([409, expect.stringContaining('channels.telegram')])
    expect(text).not.toContain(first.credentials.botToken)
    expect(callsOf(first.credentials.botToken, 'setWebhook')).toHaveLength(1)
    await first.sync(null)
    expect((await seed(server, { channels })).status).toBe(200)
    await expect.poll(() => callsOf(first.credentials.botToken, 'setWebhook').length).toBe(2)
    await first.bot.close()
  })
})
