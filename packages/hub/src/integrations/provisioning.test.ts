import { type Failure, type Id, newId } from '@plugboard/core'
import { afterEach, expect, test, vi } from 'vitest'
import { acmeChannel } from '../../test/support/acme-channel.js'
import { recordOf } from '../../test/support/clients.js'
import { openHub, SharedStore } from '../../test/support/hub.js'
import type { Hub } from '../hub.js'

const hubs: Hub[] = []
afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.stop(1000)))
})

const auth: Failure = { kind: 'auth', message: 'wrong token', field: 'token' }
const transient: Failure = { kind: 'transient', message: 'cannot be reached' }

test('a new integration is set up at the provider, and then active', async () => {
  const { hub, sync, health, calls, shared, id } = setUp()
  await sync('a')
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
  expect(calls).toEqual(['check a', 'provision a'])
  await eventually(() => expect(shared.events).toEqual(['create', 'configure', 'start', 'initialize']))
  await sync('a')
  await settle()
  expect(calls).toHaveLength(2)
  expect(await hub.health.list(await client(hub, id))).toHaveLength(1)
})

test('a provider that refuses new credentials makes the sync fail, and nothing is stored', async () => {
  const { sync, health, outcomes, shared } = setUp()
  outcomes.check = auth
  await expect(sync('a')).rejects.toMatchObject({
    code: 'INVALID',
    issues: [{ path: ['channels', 'acme', 'token'] }],
  })
  expect([await health(), shared.events]).toEqual([[], []])
  // But for what the next start is to load.
  const meta = [...shared.database.meta()].filter(([key, value]) => value && !key.startsWith('channel:'))
  expect(meta).toEqual([])
})

test('an unreachable provider does not fail a sync: the integration is pending until it is set up', async () => {
  const { sync, health, outcomes, calls } = setUp()
  outcomes.check = transient
  outcomes.provision = transient
  await sync('a')
  expect(await health()).toMatchObject([{ status: 'pending', reason: 'cannot be reached' }])
  await eventually(() => expect(calls.filter((call) => call === 'provision a').length).toBeGreaterThan(2))
  outcomes.provision = { kind: 'invalid', message: 'an https address is needed' }
  await eventually(async () =>
    expect(await health()).toMatchObject([{ status: 'pending', reason: 'an https address is needed' }]),
  )
  outcomes.provision = undefined
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
  expect((await health())[0]?.reason).toBe(undefined)
})

test('a sync does not wait for a provider that does not answer', async () => {
  const { sync, health, outcomes } = setUp()
  outcomes.check = new Promise(() => undefined)
  outcomes.provision = transient
  const start = Date.now()
  await sync('a')
  expect(Date.now() - start).toBeLessThan(1000)
  expect((await health())[0]?.status).toBe('pending')
})

test('credentials that fail during the setup pause the integration, until the next sync', async () => {
  const { sync, health, outcomes, calls } = setUp()
  outcomes.provision = auth
  await sync('a')
  await eventually(async () =>
    expect(await health()).toMatchObject([{ status: 'paused', reason: 'wrong token' }]),
  )
  const tries = calls.length
  await settle()
  expect(calls).toHaveLength(tries)
  outcomes.provision = undefined
  await sync('a')
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
})

test('a process that ends leaves it to the next one', async () => {
  const { hub, sync, outcomes, shared, channel, health } = setUp()
  outcomes.provision = transient
  await sync('a')
  await hub.stop(100)
  outcomes.provision = undefined
  hubs.push(openHub(shared.open(), [channel]))
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
})

test('a process with an outdated cache sets up the current configuration', async () => {
  const { hub: idle, shared, id, channel, calls, health } = setUp()
  await idle.stop(0)
  const taking = openHub(shared.open(), [channel], { delivers: false })
  const delivering = openHub(shared.open(), [channel], { cacheAgeMs: 60_000 })
  hubs.push(taking, delivering)
  await client(delivering, id)
  const acme = { name: 'acme', isEnabled: true, config: { account: 'a', token: 'secret' } }
  await taking.sync.run(id, 'test', { channels: [acme], webhooks: [] })
  await eventually(() => expect(calls).toContain('provision a'))
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
})

test('what was set up is taken back when it is removed, or when another account takes its place', async () => {
  const { sync, calls, health } = setUp()
  await sync('a')
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
  await sync('b')
  await eventually(() => expect(calls).toContain('provision b'))
  expect(calls.indexOf('unprovision a')).toBeLessThan(calls.indexOf('provision b'))
  expect(calls).toContain('unprovision a')
  await sync(undefined)
  await eventually(() => expect(calls.at(-1)).toBe('unprovision b'))
})

test('new credentials of the same account take nothing back', async () => {
  const { sync, calls, health } = setUp()
  await sync('a', 'first')
  await eventually(async () => expect(await health()).toMatchObject([{ status: 'active' }]))
  await sync('a', 'second')
  await eventually(() => expect(calls.filter((call) => call === 'provision a')).toHaveLength(2))
  expect(calls).not.toContain('unprovision a')
})

test('an account is one client’s alone, until that client gives it up', async () => {
  const { hub, sync, other, calls } = setUp()
  await sync('a')
  await eventually(() => expect(calls).toContain('provision a'))
  await expect(sync('a', 'x', other.id)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('channels.acme'),
  })
  expect((await client(hub, other.id)).integrations.size).toBe(0)
  await sync('b')
  await sync('a', 'x', other.id)
  await eventually(() => expect(calls.filter((call) => call === 'provision a')).toHaveLength(2))
  await settle()
  // It is the other's now.
  expect(calls.lastIndexOf('unprovision a')).toBeLessThan(calls.lastIndexOf('provision a'))
  await expect(sync('a')).rejects.toMatchObject({ code: 'CONFLICT' })
})

test('of two clients that claim an account concurrently, one gets it', async () => {
  const { sync, other, health } = setUp()
  const results = await Promise.allSettled([sync('a'), sync('a', 'x', other.id)])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  expect((await health()).length + (await health(other.id)).length).toBe(1)
})

test('a claim whose client does not have the account any more is taken over', async () => {
  const { hub, sync, shared, id, other } = setUp()
  await sync('a')
  const meta = shared.database.meta()
  const [[key = '', value = ''] = []] = [...meta].filter(([key]) => key.startsWith('account:'))
  await hub.clients.delete(id)
  await shared.store.putMeta(key, value.replace(/ .*/, ' 1000'))
  await sync('a', 'x', other.id)
  expect(meta.get(key)?.startsWith(other.id)).toBe(true)
})

const eventually = <T>(claim: () => T | Promise<T>): Promise<T> => vi.waitFor(claim, { timeout: 10_000 })
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))

async function client(hub: Hub, id: Id) {
  const found = await hub.clients.find({ id })
  if (!found) throw new Error('there is no client')
  return found
}

/** A hub with two clients, and a channel whose calls end as the test says. */
function setUp() {
  const calls: string[] = []
  type Outcome = Failure | Promise<Failure> | undefined
  const outcomes: { check?: Outcome; provision?: Outcome; unprovision?: Outcome } = {}
  const call =
    (name: keyof typeof outcomes) =>
    async ({ integration }: { integration: { config: unknown } }): Promise<void> => {
      calls.push(`${name} ${(integration.config as { account: string }).account}`)
      const failure = await outcomes[name]
      if (failure) throw failure
    }
  const channel = {
    ...acmeChannel({
      ...{ check: call('check'), provision: call('provision'), unprovision: call('unprovision') },
      classify: (error) => error as Failure,
    }),
    account: (config: unknown) => (config as { account: string }).account,
  }
  const [record, other] = [recordOf(), recordOf({ id: newId() })]
  const shared = new SharedStore(record, other)
  const hub = openHub(shared.open(), [channel])
  hubs.push(hub)
  const sync = (account: string | undefined, token = 'secret', id: Id = record.id) => {
    const channels = account ? [{ name: 'acme', isEnabled: true, config: { account, token } }] : []
    return hub.sync.run(id, 'test', { channels, webhooks: [] })
  }
  const health = async (id: Id = record.id) => hub.health.list(await client(hub, id))
  return { hub, sync, health, calls, outcomes, shared, channel, id: record.id, other }
}
