import { createHook } from 'node:async_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Channel, defineChannel, type JsonObject } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { integrationOf, recordOf } from '../../../test/support/clients.js'
import { openHub, SharedStore } from '../../../test/support/hub.js'
import type { Hub } from '../../hub.js'
import { NO_CLIENT } from '../../ports/stored-document.js'

const COUNT = 1_000
/** What one may cost, channel sessions aside. */
const MAX_BYTES = 20_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** The least of some looks. */
async function heap(): Promise<number> {
  const seen: number[] = []
  for (let i = 0; i < 5; i += 1) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    seen.push(process.memoryUsage().heapUsed)
  }
  return Math.min(...seen)
}

/** The timers that are set, those included that do not keep the process running. */
class Timers {
  readonly #set = new Set<number>()
  readonly #hook = createHook({
    init: (id, kind) => {
      if (kind === 'Timeout') this.#set.add(id)
    },
    destroy: (id) => {
      this.#set.delete(id)
    },
  }).enable()

  get count(): number {
    return this.#set.size
  }

  end(): void {
    this.#hook.disable()
  }
}

/** Waits for events that never come, as a socket that is idle. */
const quiet = defineChannel({
  ...{ contract: 1, name: 'acme', version: '1.0.0', secrets: [], modes: { listen: [] } },
  config: {
    '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as JsonObject }) },
  },
  capabilities: { content: 'any', maxTextLength: 100 },
  load: async () => ({
    connect: () => undefined,
    verify: () => ({ ok: true }),
    parse: () => ({ events: [], response: { status: 200 } }),
    render: () => [],
    deliver: async () => ({ providerMessageIds: [] }),
    classify: () => ({ kind: 'transient', message: 'no' }),
    async *listen({ connected, signal }) {
      connected()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      yield { events: [] }
    },
  }),
}) as Channel

const shared = () =>
  new SharedStore(
    ...Array.from({ length: COUNT }, () => {
      const record = recordOf()
      const integration = integrationOf(record.id, { token: 'a token of about the usual length' })
      return { ...record, integrations: [{ ...integration, mode: 'listen' as const }] }
    }),
  )
const settings = { cacheSize: 10_000, cacheAgeMs: 0 }

/** A hub that listens for all integrations of a store. */
async function listening(store: SharedStore): Promise<Hub> {
  const hub = openHub(store.open(), [quiet], settings)
  await vi.waitFor(() => expect(hub.listening).toBe(COUNT), { timeout: 60_000 })
  const sources = async () => store.store.listDocuments(NO_CLIENT, 'source', { limit: COUNT })
  const isConnected = ({ data }: { data: string }) => JSON.parse(data).state?.name === 'connected'
  await vi.waitFor(async () => expect((await sources()).filter(isConnected)).toHaveLength(COUNT), {
    timeout: 30_000,
  })
  return hub
}

test(`${COUNT} integrations that listen cost less than ${MAX_BYTES} bytes each`, async () => {
  const store = shared()
  const before = openHub(store.open(), [quiet], { ...settings, delivers: false })
  const heapBefore = await heap()
  const hub = await listening(store)
  const each = ((await heap()) - heapBefore) / COUNT
  console.log(`${Math.round(each)} bytes of heap for each integration that listens`)
  expect(each).toBeLessThan(MAX_BYTES)
  await Promise.all([before.stop(1000), hub.stop(5000)])
}, 120_000)

test(`${COUNT} integrations that listen have no timer each`, async () => {
  const timers = new Timers()
  try {
    const hub = await listening(shared())
    // Those of the hub itself: delivery, housekeeping, and one that looks at all sources.
    await vi.waitFor(() => expect(timers.count).toBeLessThan(20), { timeout: 60_000 })
    await hub.stop(5000)
  } finally {
    timers.end()
  }
}, 120_000)
