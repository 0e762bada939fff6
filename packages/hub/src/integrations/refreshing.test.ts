import type { CallContext, Failure, Id, IntegrationState, JsonObject } from '@plugboard/core'
import { afterEach, expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { Hub } from '../hub.js'
import { NO_CLIENT } from '../ports/stored-document.js'

const hubs: Hub[] = []
afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.stop(1000)))
})

test('an integration is refreshed after its setup, and again when the channel asks for it', async () => {
  const { sync, calls } = setUp(async ({ state }) => {
    const known = await state.read({ isFresh: true })
    const count = Number(known?.value.count ?? 0) + 1
    await state.write({ count }, known?.version)
    return count < 3 ? { again: new Date(Date.now() + 1000) } : undefined
  })
  await sync('a')
  await eventually(() => expect(calls).toHaveLength(3))
})

test('of several processes, one refreshes at a time, and another continues after it ended', async () => {
  let [running, most] = [0, 0]
  const { sync, calls, shared, channel } = setUp(async () => {
    running += 1
    most = Math.max(most, running)
    await new Promise((resolve) => setTimeout(resolve, 50))
    running -= 1
    return { again: new Date(Date.now() + 1000) }
  })
  for (let i = 0; i < 2; i += 1) hubs.push(openHub(shared.open(), [channel]))
  await sync('a')
  await eventually(() => expect(calls).toHaveLength(2))
  await Promise.all(hubs.splice(0).map((hub) => hub.stop(1000)))
  const before = calls.length
  hubs.push(openHub(shared.open(), [channel]))
  await eventually(() => expect(calls.length).toBeGreaterThan(before))
  expect(most).toBe(1)
})

test('the state belongs to the configuration, and is sealed in the store', async () => {
  const { sync, states, shared, id } = setUp(async ({ state, integration }) => {
    const { token } = integration.config as { token: string }
    await state.write({ of: token }, (await state.read())?.version)
    return undefined
  })
  await sync('a')
  await eventually(async () => expect(await states.at(-1)?.read()).toMatchObject({ value: { of: 'a' } }))
  const old = states.at(-1)
  await sync('b')
  await eventually(async () => expect(await states.at(-1)?.read()).toMatchObject({ value: { of: 'b' } }))
  // A call that still has the old configuration neither reads the new state nor replaces it.
  expect(await old?.read({ isFresh: true })).toBe(undefined)
  expect(await old?.write({ of: 'old' }, 1)).toBe(false)
  const [kept] = await shared.store.listDocuments(id, 'integration-state', { limit: 10 })
  expect(kept?.data).not.toContain('"b"')
  expect(await shared.store.listDocuments(NO_CLIENT, 'refresh', { limit: 10 })).toEqual([])
})

test('a call that still has a former configuration begins no state, and replaces none', async () => {
  const { sync, states, shared, id } = setUp(async () => undefined)
  const stateAfter = async (token: string | undefined) => {
    const before = states.length
    await sync(token)
    return vi.waitFor(() => states[before] ?? expect.fail('not refreshed'), { timeout: 10_000 })
  }
  const [first, second] = [await stateAfter('a'), await stateAfter('b')]
  expect(await first.write({ of: 'a' }, undefined)).toBe(false)
  expect(await second.write({ of: 'b' }, undefined)).toBe(true)
  expect(await first.write({ of: 'a' }, undefined)).toBe(false)
  expect(await second.read({ isFresh: true })).toMatchObject({ value: { of: 'b' } })

  const third = await stateAfter('c')
  expect(await third.write({ of: 'c' }, undefined)).toBe(true)
  expect(await second.write({ of: 'b' }, 1)).toBe(false)
  expect(await third.read({ isFresh: true })).toMatchObject({ value: { of: 'c' } })

  await sync(undefined)
  await shared.store.removeDocument(id, 'integration-state', await idOfState(shared, id))
  expect(await third.write({ of: 'c' }, undefined)).toBe(false)
})

test('a state is changed by compare-and-set, and is small', async () => {
  const { sync, states } = setUp(async () => undefined)
  await sync('a')
  await eventually(() => expect(states.length).toBeGreaterThan(0))
  const [state] = states
  if (!state) throw new Error('there is no state')
  expect(await state.write({ n: 1 }, undefined)).toBe(true)
  expect(await state.write({ n: 2 }, undefined)).toBe(false)
  const { version } = (await state.read()) ?? {}
  const results = await Promise.all([state.write({ n: 3 }, version), state.write({ n: 4 }, version)])
  expect(results.sort()).toEqual([false, true])
  const large = state.write({ text: 'x'.repeat(16 * 1024) }, (await state.read())?.version)
  await expect(large).rejects.toMatchObject({ code: 'INVALID' })
})

test('credentials that are refused pause the integration; after the next sync it is refreshed again', async () => {
  let failure: Failure | undefined = { kind: 'auth', message: 'the token was revoked' }
  const { sync, health, calls } = setUp(async () => {
    if (failure) throw failure
    return undefined
  })
  await sync('a')
  await eventually(async () =>
    expect(await health()).toMatchObject([{ status: 'paused', reason: 'the token was revoked' }]),
  )
  failure = undefined
  const before = calls.length
  await sync('a')
  await eventually(() => expect(calls.length).toBeGreaterThan(before))
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
})

test('a failure is retried later and shown in health', async () => {
  const { sync, health, shared } = setUp(async () => {
    throw { kind: 'transient', message: 'cannot be reached' }
  })
  await sync('a')
  await eventually(async () =>
    expect(await health()).toMatchObject([
      { status: 'active', lastFailure: { message: 'cannot be reached' } },
    ]),
  )
  const [kept] = await shared.store.listDocuments(NO_CLIENT, 'refresh', { limit: 10 })
  const { dueAt, failures } = JSON.parse(kept?.data ?? '{}') as { dueAt: number; failures: number }
  expect(failures).toBe(1)
  expect(dueAt).toBeGreaterThan(Date.now() + 30_000)
})

test('what is planned for an integration that was deleted goes with it', async () => {
  const { sync, shared, id, calls, channel } = setUp(async ({ state }) => {
    await state.write({ token: 't' }, (await state.read())?.version)
    return { again: new Date(Date.now() + 1000) }
  })
  await sync('a')
  await eventually(() => expect(calls).toHaveLength(1))
  await sync(undefined)
  hubs.push(openHub(shared.open(), [channel]))
  await eventually(async () => {
    expect(await shared.store.listDocuments(NO_CLIENT, 'refresh', { limit: 10 })).toEqual([])
    expect(await shared.store.listDocuments(id, 'integration-state', { limit: 10 })).toEqual([])
  })
})

async function idOfState({ store }: SharedStore, clientId: Id): Promise<Id> {
  const [kept] = await store.listDocuments(clientId, 'integration-state', { limit: 10 })
  return kept?.id ?? expect.fail('there is no state')
}

const eventually = <T>(claim: () => T | Promise<T>): Promise<T> => vi.waitFor(claim, { timeout: 10_000 })

/** A hub with a client, and a channel whose `refresh` does what the test says. */
function setUp(refresh: (context: CallContext<unknown, unknown>) => Promise<{ again: Date } | undefined>) {
  const calls: JsonObject[] = []
  const states: IntegrationState[] = []
  const channel = acmeChannel({
    async refresh(context) {
      calls.push(context.integration.config as JsonObject)
      states.push(context.state)
      return refresh(context)
    },
    classify: (error) => error as Failure,
  })
  const record = recordOf()
  const shared = new SharedStore(record)
  const hub = openHub(shared.open(), [channel])
  hubs.push(hub)
  const client = async (id: Id) => {
    const found = await hub.clients.find({ id })
    if (!found) throw new Error('there is no client')
    return found
  }
  const sync = (token: string | undefined) => {
    const channels = token ? [{ name: 'acme', isEnabled: true, config: { token } }] : []
    return hub.sync.run(record.id, 'test', { channels, webhooks: [] })
  }
  const health = async () => hub.health.list(await client(record.id))
  return { sync, health, calls, states, shared, channel, id: record.id }
}
