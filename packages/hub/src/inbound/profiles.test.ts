import { expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { Hub } from '../hub.js'

/** A hub whose people write by a request that has their events. */
function setUp(describePerson: (sender: string) => Promise<{ name?: string } | undefined>) {
  const record = recordOf()
  record.integrations = [integrationOf(record.id)]
  const shared = new SharedStore(record)
  const asked: string[] = []
  const channel = acmeChannel({
    parse: ({ body }) => ({
      events: JSON.parse(Buffer.from(body).toString()).map((event: object) => ({ ...event, at: new Date() })),
      response: { status: 200 },
    }),
    async describePerson({ sender }) {
      asked.push(sender)
      return describePerson(sender)
    },
  })
  let count = 0
  const clientOf = async (hub: Hub) => {
    const client = await hub.clients.find({ id: record.id })
    if (!client) throw new Error('there is no client')
    return client
  }
  return {
    asked,
    open: () => openHub(shared.open(), [channel]),
    async write(hub: Hub, sender: string, person?: { name: string }) {
      count += 1
      const event = {
        ...{ type: 'message', dedupeKey: `m${count}`, content: { type: 'text', text: 'hello' } },
        ...{ endpoint: { identity: '*', sender, thread: '*' }, person },
      }
      await hub.ingest.receive(await clientOf(hub), 'acme', {
        ...{ method: 'POST', publicUrl: 'https://hub.example/', headers: {} },
        body: Buffer.from(JSON.stringify([event])),
      })
    },
    async nameOf(hub: Hub, sender: string) {
      const client = await clientOf(hub)
      const channel = { name: 'acme', custom: false }
      const endpoint = { identity: '*', sender, thread: '*' }
      const { userId } = await hub.endpoints.conversationOf(client, channel, endpoint)
      return (await hub.users.view(client, userId)).facts.givenName
    },
  }
}

test('a person whose events have no name is looked up once', async () => {
  const { open, write, nameOf, asked } = setUp(async () => ({ name: 'Ada Lovelace' }))
  const hub = open()
  await write(hub, 'ada')
  await vi.waitFor(async () => expect(await nameOf(hub, 'ada')).toBe('Ada Lovelace'))
  await write(hub, 'ada')
  await hub.stop(100)
  const next = open()
  await write(next, 'ada')
  await write(next, 'bob')
  await vi.waitFor(() => expect(asked).toEqual(['ada', 'bob']))
  await next.stop(100)
})

test('a person whose event has a name is not looked up, and neither is that name replaced', async () => {
  const { open, write, nameOf, asked } = setUp(async () => ({ name: 'somebody' }))
  const hub = open()
  await write(hub, 'ada', { name: 'Ada' })
  await write(hub, 'ada')
  await write(hub, 'bob')
  await vi.waitFor(() => expect(asked).toEqual(['bob']))
  expect(await nameOf(hub, 'ada')).toBe('Ada')
  await hub.stop(100)
})

test('a lookup that fails or hangs keeps no message waiting, and is repeated after the next start', async () => {
  let answer = (): Promise<{ name: string }> => Promise.reject(new Error('no'))
  const { open, write, nameOf, asked } = setUp(() => answer())
  const hub = open()
  await write(hub, 'ada')
  await vi.waitFor(() => expect(asked).toEqual(['ada']))
  answer = () => new Promise(() => undefined)
  await write(hub, 'bob')
  await write(hub, 'bob')
  await vi.waitFor(() => expect(asked).toEqual(['ada', 'bob']))
  await hub.stop(100)
  answer = async () => ({ name: 'Ada' })
  const next = open()
  await write(next, 'ada')
  await vi.waitFor(async () => expect(await nameOf(next, 'ada')).toBe('Ada'))
  await next.stop(100)
})
