import { afterAll, expect, test } from 'vitest'
import { clientOf, createClient } from '../support/api.js'
import { cleanUp, startProcess } from '../support/server.js'
import { closeSockets, guestWithConversation } from '../support/sockets.js'

afterAll(closeSockets)
afterAll(cleanUp)

test('a server that was killed, or stopped, has its sockets again, of the same users, who miss nothing', async () => {
  const server = await startProcess()
  const client = await createClient(server)
  const { page, creds, conversationId } = await guestWithConversation(server, client.id)
  await client.say(conversationId, 'before')
  await expect.poll(() => page.texts()).toEqual(['before'])
  // Stored, and perhaps not sent.
  await client.say(conversationId, 'last')
  await server.kill()
  const again = await server.restart()
  await clientOf(again, client).say(conversationId, 'after')
  await expect.poll(() => page.texts()).toEqual(['before', 'last', 'after'])
  expect(page.logins.map(({ userId }) => userId)).toEqual([creds.userId, creds.userId])

  const reason = new Promise((resolve) => page.socket.once('disconnect', resolve))
  expect(await again.stop()).toBe(0)
  // Its client connects again, which it would not do if the server had sent it away.
  expect(await reason).toBe('transport close')
  expect(page.socket.active).toBe(true)
}, 60_000)
