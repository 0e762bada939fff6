import { newId } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { integrationOf, recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { Hub } from '../hub.js'
import type { NewEntry } from '../log/entry.js'

const firstEntry = (type: NewEntry['type']): NewEntry => ({
  ...{ id: newId(), type, payload: '{}', at: new Date(), owes: [], claim: false },
})

test('reports to several processes, before and after a restart, send the second form of each part once', async () => {
  const record = recordOf()
  record.integrations = [integrationOf(record.id)]
  const shared = new SharedStore(record)
  const endpoint = { identity: '*', sender: 'ada', thread: '*' }
  const { conversationId } = await shared.store.mapEndpoint({
    ...{ clientId: record.id, at: new Date(), channel: { name: 'acme', custom: false }, endpoint },
    ids: { user: newId(), conversation: newId(), endpoint: newId() },
    events: { user: () => firstEntry('user.new'), conversation: () => firstEntry('conversation.new') },
  })
  const sent: { deliveryId: string; args: unknown }[] = []
  let isUp = true
  const channel = acmeChannel({
    render: () => ['one', 'two'].map((file) => ({ call: 'send', args: { file } })),
    secondForm: ({ call, args }) => {
      const { file } = args as { file?: string }
      return file === undefined ? undefined : { call, args: { link: file } }
    },
    parse: ({ body }) => ({
      events: JSON.parse(Buffer.from(body).toString()).map((event: object) => ({ ...event, at: new Date() })),
      response: { status: 200 },
    }),
    async deliver({ args }, { deliveryId }) {
      if (!isUp) throw new Error('down')
      sent.push({ deliveryId, args })
      return { providerMessageIds: [] }
    },
  })
  const open = () => openHub(shared.open(), [channel], { channelSchedule: { delaysMs: Array(500).fill(20) } })
  const clientOf = async (hub: Hub) => {
    const client = await hub.clients.find({ id: record.id })
    if (!client) throw new Error('there is no client')
    return client
  }
  let hubs = [open(), open()]
  const [first] = hubs as [Hub]
  await first.messages.post(await clientOf(first), {
    ...{ conversationId, author: 'business', payload: { type: 'text', text: 'two files' } },
  })
  await vi.waitFor(() => expect(sent).toHaveLength(2))
  const failure = { kind: 'invalid', message: 'too large' }
  const refusals = sent.map(({ deliveryId }) => ({
    ...{
      type: 'delivery',
      dedupeKey: `refused ${deliveryId}`,
      deliveryId,
      endpoint,
      status: 'failed',
      failure,
    },
    isContentRefused: true,
  }))
  const report = (hub: Hub) =>
    clientOf(hub).then((client) =>
      hub.ingest.receive(client, 'acme', {
        ...{ method: 'POST', publicUrl: 'https://hub.example/', headers: {} },
        body: Buffer.from(JSON.stringify(refusals)),
      }),
    )
  isUp = false
  await Promise.all(hubs.map(report))
  await Promise.all(hubs.map((hub) => hub.stop(100)))
  isUp = true
  hubs = [open(), open()]
  await Promise.all([...hubs, ...hubs].map(report))
  await vi.waitFor(
    () => expect(sent.slice(2).map(({ args }) => args)).toEqual([{ link: 'one' }, { link: 'two' }]),
    {
      timeout: 5000,
    },
  )
  await Promise.all(hubs.map(report))
  await Promise.all(hubs.map((hub) => hub.stop(1000)))
  expect(sent).toHaveLength(4)
})
