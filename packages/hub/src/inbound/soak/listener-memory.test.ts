import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Channel, defineChannel, type JsonObject } from '@plugboard/core'
import { expect, test, vi } from 'vitest'
import { integrationOf, recordOf } from '../../../test/support/clients.js'
import { openHub, SharedStore } from '../../../test/support/hub.js'

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

const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

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

test(`${COUNT} integrations that listen cost less than ${MAX_BYTES} bytes each, and no timer`, async () => {
  const clients = Array.from({ length: COUNT }, () => {
    const record = recordOf()
    const integration = integrationOf(record.id, { token: 'a token of about the usual length' })
    return { ...record, integrations: [{ ...integration, mode: 'listen' as const }] }
  })
  const shared = new SharedStore(...clients)
  const settings = { cacheSize: 10_000, cacheAgeMs: 0 }
  const before = openHub(shared.open(), [quiet], { ...settings, delivers: false })
  const [heapBefore, timersBefore] = [await heap(), timers()]
  const hub = openHub(shared.open(), [quiet], settings)
  await vi.waitFor(() => expect(hub.listening).toBe(COUNT), { timeout: 60_000 })
  await vi.waitFor(
    async () => {
      const last = await hub.clients.find({ id: clients.at(-1)?.id as never })
      expect(last && (await hub.health.list(last))).toMatchObject([{ listening: { state: 'connected' } }])
    },
    { timeout: 30_000 },
  )
  const each = ((await heap()) - heapBefore) / COUNT
  console.log(`${Math.round(each)} bytes of heap for each integration that listens`)
  expect(each).toBeLessThan(MAX_BYTES)
  // Those of the hub itself: delivery, housekeeping, and one that looks at all sources.
  expect(timers() - timersBefore).toBeLessThan(10)
  await Promise.all([before.stop(1000), hub.stop(5000)])
}, 120_000)
