import { afterAll, describe, expect, test } from 'vitest'
import { createClient } from './support/api.js'
import { converseMany, forAll, textsOf } from './support/fault-load.js'
import { startReceiver } from './support/receiver.js'
import { cleanUp, isSoak, startServer } from './support/server.js'

afterAll(cleanUp)

/** More than `WEBHOOK_CONCURRENCY`. */
const CONVERSATIONS = isSoak ? 200 : 50

describe(`a tenant beside one whose webhook hangs in ${CONVERSATIONS} conversations`, () => {
  test('gets all of its messages during that time', async () => {
    // Attempts at the webhook that hangs do not end by themselves as long as the test lasts.
    const server = await startServer({
      env: { WEBHOOK_TIMEOUT: '120s', LEASE_TIME: '6m', WEBHOOK_CONCURRENCY: '32' },
    })
    let answered = 0
    const hanging = await startReceiver((_request, response) => {
      response.on('finish', () => {
        answered += 1
      })
      return undefined
    })
    const bot = await startReceiver()
    const a = await createClient(server, { webhooks: [{ url: hanging.url }] })
    const b = await createClient(server, { webhooks: [{ url: bot.url }] })
    const conversations = { a: await converseMany(a, CONVERSATIONS), b: await converseMany(b, CONVERSATIONS) }
    await forAll(conversations.a, (id) => a.say(id, 'of a'))
    await hanging.until((requests) => requests.length > 0)
    await forAll(conversations.b, (id) => b.say(id, `to ${id}`))
    await bot.until(() => bot.ofType('message.new').length >= CONVERSATIONS)
    expect(textsOf(bot).sort()).toEqual(conversations.b.map((id) => `to ${id}`).sort())
    expect(answered).toBe(0)
    expect(hanging.requests.length).toBeLessThanOrEqual(32)
    expect(textsOf(hanging).every((text) => text === undefined || text === 'of a')).toBe(true)
  })
})
