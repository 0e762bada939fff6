import { type InboundEvent, newId } from '@plugboard/core'
import { afterAll, expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { ClientView } from '../clients/directory.js'
import type { Hub } from '../hub.js'

const endpoint = { identity: '*', sender: 'ada', thread: '*' }
/** Answers to calls, which the provider has begun to tell about. */
const answers: (() => void)[] = []
const channel = acmeChannel(
  {
    deliver: ({ args }) =>
      new Promise((resolve) => {
        const { text } = args as { text: string }
        answers.push(() => resolve({ providerMessageIds: [`theirs of ${text}`] }))
      }),
    parse: ({ body }) => {
      const refersTo = Buffer.from(body).toString()
      const about = { dedupeKey: `receipt ${refersTo}`, endpoint, at: new Date() }
      const event: InboundEvent = { ...about, type: 'delivery', status: 'delivered', refersTo }
      return { events: [event], response: { status: 200 } }
    },
  },
  undefined,
  { content: 'any', maxTextLength: 100, messageIds: true },
)

const record = recordOf()
record.integrations = [integrationOf(record.id)]
const shared = new SharedStore(record)
const stores = [shared.open(), shared.open()] as const
const looks = stores.map((store) => vi.spyOn(store, 'listMessages'))
const hubs = stores.map((store) => openHub(store, [channel])) as [Hub, Hub]
const [hub, other] = hubs
afterAll(() => Promise.all(hubs.map((each) => each.stop(1000))))

const clientOf = async (on: Hub) => (await on.clients.find({ id: record.id })) as ClientView
const tell = async (on: Hub, refersTo: string) =>
  on.ingest.receive(await clientOf(on), 'acme', {
    ...{ method: 'POST', publicUrl: 'https://hub.example/', headers: {}, body: Buffer.from(refersTo) },
  })

test('a receipt that is faster than the answer to its message is of that message, at any process', async () => {
  const at = { name: 'acme', custom: false }
  const { conversationId } = await hub.endpoints.conversationOf(await clientOf(hub), at, endpoint)
  for (const [i, on] of hubs.entries()) {
    const text = newId()
    const { id } = await hub.messages.post(await clientOf(hub), {
      ...{ conversationId, author: 'business', payload: { type: 'text', text } },
    })
    await vi.waitFor(() => expect(answers).toHaveLength(1))
    const before = looks[i]?.mock.calls.length
    const told = tell(on, `theirs of ${text}`)
    await vi.waitFor(() => expect(looks[i]?.mock.calls.length).not.toBe(before))
    answers.pop()?.()
    await told
    const stream = { clientId: record.id, streamId: conversationId }
    const entries = await shared.store.readEntries(stream, 0, 100)
    expect(
      entries.filter(({ payload }) => payload.includes('"delivered"') && payload.includes(id)),
    ).toHaveLength(1)
  }
  const [start, now] = [performance.now(), await tell(other, 'of another program')]
  expect(now).toEqual({ status: 200 })
  // Nothing is being sent, so nothing is waited for.
  expect(performance.now() - start).toBeLessThan(1000)
})
