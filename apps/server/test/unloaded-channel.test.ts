import { createClient, sync } from '@plugboard/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type CourierProvider,
  startCourierProvider,
  startWithCouriers,
  tellEvents,
} from './support/courier-channel.js'
import { cleanUp } from './support/server.js'

let provider: CourierProvider
beforeAll(async () => {
  provider = await startCourierProvider()
})
afterAll(async () => {
  await provider.close()
  await cleanUp()
})

test('a channel that is not loaded any more is in the log and in health, and its messages wait', async () => {
  const server = await startWithCouriers(provider.url)
  const courier = { version: '1.0.0', account: 'a', token: 'token-of-the-courier' }
  const { id: clientId, token: clientToken } = await sync(server.url, { channels: { courier } })
  const plugboard = createClient({ url: server.url, clientId, clientToken })
  const channel = { name: 'courier', version: '1.0.0' }
  const { conversationId } = await plugboard.endpoints.map({
    channel,
    identity: '*',
    sender: 'ada',
    thread: '*',
  })
  await server.stop()

  const without = await server.restart({
    PLUGBOARD_CHANNELS: './telegraph.mjs',
    PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({ telegraph: { apiUrl: provider.url } }),
  })
  const { id } = await plugboard.messages.post({ conversationId, payload: { type: 'text', text: 'hello' } })
  expect((await plugboard.health()).channels).toMatchObject({
    courier: { status: 'paused', reason: expect.stringContaining('does not load this channel') },
  })
  // The provider repeats the request later.
  expect((await tellEvents(without, { client: clientId, token: courier.token }, {})).status).toBe(503)
  expect(without.output()).toMatch(/"level":40.*"channel":"courier".*is not loaded/)
  await without.stop()

  const again = await server.restart()
  // A change of the configuration sends at once what waits; without one, it takes a minute.
  await plugboard.sync({ channels: { courier: { ...courier, token: 'another-token' } } })
  const state = async () => (await plugboard.messages.deliveries(id))[0]?.state
  await expect.poll(state).toBe('delivered')
  expect((await plugboard.health()).channels).toMatchObject({ courier: { status: 'active' } })
  expect(again.output()).not.toContain('is not loaded')
})
