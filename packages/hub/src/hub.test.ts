import { type Failure, newId } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { acmeChannel } from '../test/support/acme-channel.js'
import { integrationOf, keyring, recordOf } from '../test/support/clients.js'
import { openHub, SharedStore } from '../test/support/hub.js'
import { assertKey } from './clients/key-fingerprint.js'
import { Keyring } from './clients/keyring.js'
import type { NewEntry } from './log/entry.js'
import { memoryDatabase } from './testing/memory-store.js'

test('an integration whose credentials are refused pauses, says so, and resumes with the next sync', async () => {
  const { hub, say, client, attempts, outcomes, health } = await setUp({ token: 'old' })
  outcomes.push(refused)
  await say()
  await say()
  await vi.waitFor(() => expect(health()).toEqual(['pause']))
  await settle()
  expect(attempts).toEqual(['old'])
  expect(await hub.health.list(await client())).toMatchObject([{ status: 'paused', reason: 'wrong token' }])
  await hub.sync.run((await client()).id, 'test', { channels: [acme('new')], webhooks: [] })
  await vi.waitFor(() => expect(attempts).toEqual(['old', 'new', 'new']))
  await hub.stop(1000)
})

test('a refusal that comes after the sync which put it right pauses nothing', async () => {
  const { hub, say, client, attempts, outcomes, health } = await setUp({ token: 'old' })
  let fail = (_: Failure): void => undefined
  outcomes.push(new Promise<Failure>((resolve) => (fail = resolve)))
  await say()
  await vi.waitFor(() => expect(attempts).toEqual(['old']))
  await hub.sync.run((await client()).id, 'test', { channels: [acme('new')], webhooks: [] })
  fail(refused)
  await vi.waitFor(() => expect(attempts).toEqual(['old', 'new']), { timeout: 5000 })
  expect(health()).not.toContain('pause')
  expect(await hub.health.list(await client())).toMatchObject([{ status: 'active' }])
  await hub.stop(1000)
})

test('a store that was made with another key is refused', async () => {
  const store = memoryDatabase().open()
  await assertKey(store, keyring)
  await assertKey(store, keyring)
  const another = new Keyring(new Uint8Array(32).fill(8))
  await expect(assertKey(store, another)).rejects.toMatchObject({ code: 'CONFLICT' })
})

const refused: Failure = { kind: 'auth', message: 'wrong token' }
const acme = (token: string) => ({ name: 'acme', isEnabled: true, config: { token } })

/** Waits long enough for background work to happen. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50))

const firstEntry = (type: NewEntry['type']): NewEntry => ({
  ...{ id: newId(), type, payload: '{}', at: new Date(), owes: [], claim: false },
})

/** A hub with one client, whose one conversation is at an endpoint of a channel that answers as the test says. */
async function setUp(config: object) {
  const record = recordOf()
  record.integrations = [integrationOf(record.id, config)]
  const shared = new SharedStore(record)
  const { conversationId } = await shared.store.mapEndpoint({
    ...{ clientId: record.id, at: new Date(), channel: { name: 'acme', custom: false } },
    endpoint: { identity: '*', sender: 'ada', thread: '*' },
    ids: { user: newId(), conversation: newId(), endpoint: newId() },
    events: { user: () => firstEntry('user.new'), conversation: () => firstEntry('conversation.new') },
  })
  const attempts: unknown[] = []
  const outcomes: (Failure | Promise<Failure>)[] = []
  const channel = acmeChannel({
    async deliver(_, { integration }) {
      attempts.push((integration.config as { token: string }).token)
      const failure = await outcomes.shift()
      if (failure) throw failure
      return { providerMessageIds: [] }
    },
    classify: (error) => error as Failure,
  })
  const hub = openHub(shared.open(), [channel])
  const client = async () => {
    const found = await hub.clients.find({ id: record.id })
    if (!found) throw new Error('there is no client')
    return found
  }
  return {
    ...{ hub, client, attempts, outcomes },
    say: async () =>
      hub.messages.post(await client(), {
        conversationId,
        author: 'business',
        payload: { type: 'text', text: 'hi' },
      }),
    /** What happened to integrations. */
    health: () => shared.events,
  }
}
