import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { clientOf } from '../support/api.js'
import { readEvents } from '../support/event-reader.js'
import { newDatabase, startReplicas, usualTopologies } from '../support/replicas.js'
import { cleanUp, type TestServer } from '../support/server.js'
import {
  createSite,
  customerToken,
  SHOP,
  siteOf,
  type TestSite,
  type TestVisitor,
  visit,
} from '../support/web.js'

afterAll(cleanUp)

describe.each(usualTopologies())('the web chat at two replicas on one database, %s', (_, mongodbUrl) => {
  let servers: [TestServer, TestServer]
  let here: TestSite
  let there: TestSite
  beforeAll(async () => {
    servers = await startReplicas(2, newDatabase(mongodbUrl()))
    here = await createSite(servers[0])
    there = siteOf(servers[1], clientOf(servers[1], here.client), here.client.id)
  }, 60_000)

  const follow = async ({ token }: TestVisitor, site: TestSite, lastId?: string) => {
    const url = `${site.server.url}/web/v1/${site.client.id}/events`
    const reader = await readEvents(url, { origin: SHOP, authorization: `Bearer ${token}` }, lastId)
    onTestFinished(() => reader.end())
    const texts = () => reader.events.flatMap(({ data }) => data.payload?.text ?? [])
    return { reader, texts }
  }

  test('tells a visitor at one what is said at the other, also in a conversation that begins there', async () => {
    const visitor = await visit(here)
    const atOther: TestVisitor = { ...visitor, ...(await visit(there, { guest: visitor.token })) }
    expect(atOther.userId).toBe(visitor.userId)
    const first = await visitor.start()
    const { reader, texts } = await follow(visitor, here)
    await there.client.say(first, 'from the bot')
    await expect.poll(texts, { timeout: 10_000 }).toEqual(['from the bot'])
    const second = await atOther.start()
    await atOther.say(second, 'from another tab')
    await expect.poll(texts, { timeout: 10_000 }).toEqual(['from the bot', 'from another tab'])
    reader.end()
    await there.client.say(first, 'meanwhile')
    const again = await follow(visitor, there, reader.lastId)
    await expect.poll(again.texts, { timeout: 10_000 }).toEqual(['meanwhile'])
  })

  test('signs in at one whom the other knows as a guest, and ends the guest’s token at both', async () => {
    const guest = await visit(here)
    const id = await guest.start()
    const customer = await visit(there, { token: await customerToken({ sub: id }), guest: guest.token })
    expect((await customer.call('GET', '/conversations')).json.conversations).toMatchObject([{ id }])
    for (const site of [here, there])
      expect((await site.call('GET', '/conversations', { token: guest.token })).status).toBe(401)
  })
})
