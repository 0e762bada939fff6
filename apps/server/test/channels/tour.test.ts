import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startTourBot } from '../../../../examples/tour-bot/src/bot.js'
import { type TourFiles, tourOf } from '../../../../examples/tour-bot/src/tour.js'
import { createTenant, startHub, type Tenant } from '../support/channel-stage.js'
import { kinds } from '../support/providers/kinds.js'
import { type Person, type Provider, startProvider } from '../support/providers/provider.js'
import { cleanUp, type TestServer } from '../support/server.js'

const files: TourFiles = {
  ...{ image: 'https://files.example/picture.png', audio: 'https://files.example/sound.mp3' },
  ...{ video: 'https://files.example/film.mp4', document: 'https://files.example/document.pdf' },
}
/** Each look at what a stop shows takes ten requests. */
const WAIT = { timeout: 60_000, interval: 250 }
const stops = [...tourOf(files).values()]
/** What each stop shows: the menu, and then its messages but for those that are removed. */
const shownAt = stops.map(({ steps }) => [
  'dropdown',
  ...steps.filter(({ isRemoved }) => !isRemoved).map(({ content }) => content.type),
])

let providers: Provider[]
let server: TestServer
beforeAll(async () => {
  providers = await Promise.all(kinds.map(startProvider))
  server = await startHub(providers, { LOG_LEVEL: 'warn' })
})
afterAll(async () => {
  await Promise.all(providers.map((provider) => provider.close()))
  await cleanUp()
})

test.each(kinds.map(({ channel }, index) => ({ channel, index })))(
  'the tour bot shows everything by $channel',
  { timeout: 120_000 },
  async ({ channel, index }) => {
    const provider = providers[index] as Provider
    const tenant = await createTenant(server, provider)
    const { client, credentials } = tenant
    let webhookToken = ''
    const bot = await startTourBot({
      ...{ url: server.url, clientId: client.id, clientToken: client.token },
      ...{ webhookToken: () => webhookToken, files },
    })
    const synced = await client.call('POST', '/sync', {
      channels: { [channel]: { version: '1.0.0', enabled: true, ...credentials } },
      webhooks: [{ url: bot.url }],
    })
    webhookToken = synced.json.webhooks[0].token

    // A person for each stop, since providers limit how fast one person gets messages.
    const types = await Promise.all(stops.map((_, stop) => visit(tenant, provider, stop + 1, stop)))
    expect(types).toEqual(shownAt)
    expect(provider.refused).toEqual([])
    await bot.close()
    await tenant.bot.close()
  },
)

/** A person asks for the menu and picks this stop. Returns the types of all that the bot then showed. */
async function visit(tenant: Tenant, provider: Provider, person: Person, stop: number): Promise<string[]> {
  const conversationId = await tenant.conversationWith(person)
  const ofBot = async (): Promise<{ id: string; payload: { type: string } }[]> => {
    const { json } = await tenant.client.call('GET', `/messages/conversation/${conversationId}`)
    return json.filter(({ authorId }: { authorId: string | null }) => authorId === null).reverse()
  }
  await tenant.write(person, 'hello')
  await vi.waitUntil(() => tenant.shownTo(person).length > 0, WAIT)
  const menu = tenant.shownTo(person).at(-1)
  if (!menu) throw new Error('no menu')
  await tenant.tell(provider.press(person, menu, stop, randomUUID()))
  // A message that is removed is there for a moment.
  return vi.waitFor(async () => {
    const messages = await ofBot()
    const types = messages.map(({ payload }) => payload.type)
    expect(types).toEqual(shownAt[stop])
    const deliveries = await Promise.all(messages.map(({ id }) => tenant.delivery(id)))
    expect(deliveries).toEqual(messages.map(() => expect.objectContaining({ state: 'delivered' })))
    return types
  }, WAIT)
}
