import { newId } from '@plugboard/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { recordOf } from '../../test/support/clients.js'
import type { ClientView } from '../clients/directory.js'
import type { TargetState } from '../delivery/targets/target-state.js'
import type { Dead, Entry } from '../log/entry.js'
import type { Claimed } from '../log/progress.js'
import { webhookTarget } from '../log/target.js'
import type { ClientRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { Deliveries } from './deliveries.js'
import { Timeline, type TimelineDelivery } from './timeline.js'

const now = new Date('2026-03-01T12:00:00Z')
const later = (seconds: number): Date => new Date(now.getTime() + 1000 * seconds)

const hook = { id: newId(), url: 'https://bot.example/hook', format: 'messaging-v1', token: 'secret' }
const target = webhookTarget(hook.id)

let store: Store
let record: ClientRecord
let states: Map<typeof hook.id, TargetState>
const stream = () => ({ clientId: record.id, streamId })
let streamId = newId()

beforeEach(async () => {
  store = memoryDatabase({ now: () => now, leaseMs: 60_000 }).open()
  record = recordOf()
  states = new Map()
  streamId = newId()
  await store.insertClient(record)
  const event = {
    id: newId(),
    type: 'conversation.new' as const,
    payload: '{}',
    at: now,
    owes: [],
    claim: false,
  }
  await store.createConversation({ id: streamId, clientId: record.id, createdAt: now }, event)
})

/** A message that is owed to the webhook, and the lease if this took it. */
async function post(claim = false): Promise<{ entry: Entry; claimed: Claimed | undefined }> {
  const entry = {
    id: newId(),
    type: 'message' as const,
    author: 'business' as const,
    payload: '{"type":"text"}',
    at: now,
    claim,
  }
  const appended = await store.append({
    ...stream(),
    kind: 'conversation',
    entry,
    resolve: () => ({ owes: [target] }),
  })
  if (!appended) throw new Error('the conversation is not there')
  return appended as { entry: Entry; claimed: Claimed | undefined }
}

/** Deliveries of the messages, the newest message first. */
async function read(
  changes: Partial<ClientRecord> = {},
  webhook: object = hook,
): Promise<TimelineDelivery[]> {
  const client = {
    id: record.id,
    record: { ...record, ...changes },
    webhooks: [webhook],
    integrations: new Map(),
  } as unknown as ClientView
  const options = { store, now: () => now, monitor: { read: async () => states } }
  const deliveries = new Deliveries(options as unknown as ConstructorParameters<typeof Deliveries>[0])
  const timeline = new Timeline({ ...options, deliveries, channels: { isLoaded: () => true } })
  const items = await timeline.read(client, streamId, { limit: 10 })
  return items.flatMap((item) => item.deliveries)
}

const deadOf = (fields: Partial<Dead>): Dead => ({
  reason: 'exhausted',
  attempts: 3,
  at: now,
  label: hook.url,
  ...fields,
})

describe('what holds a delivery back', () => {
  test('nobody has taken it yet: the backlog', async () => {
    await post()
    expect(await read()).toMatchObject([
      { state: 'pending', held: { by: 'backlog', since: now }, label: hook.url },
    ])
  })

  test('a process has the conversation: its lease', async () => {
    await post(true)
    expect(await read()).toMatchObject([{ held: { by: 'lease', until: later(60) } }])
  })

  test('its own next attempt: nothing else', async () => {
    const { claimed } = await post(true)
    const nextAt = later(30)
    const lanes = { [target]: { done: 1, attempt: 2, blockedUntil: nextAt, error: 'answered 500' } }
    await store.mark(stream(), claimed?.lease ?? { fence: 0 }, { scanned: 2, lanes, nextAt })
    await post()
    const [second, first] = await read()
    expect(first).toMatchObject({ state: 'retrying', nextAttemptAt: nextAt, error: 'answered 500' })
    expect(first?.held).toBeUndefined()
    expect(second).toMatchObject({
      held: { by: 'lane', until: nextAt, reason: expect.stringContaining('answered 500') },
    })
    states.set(hook.id, { consecutiveFailures: 5, circuit: { since: now, until: later(9) } })
    expect((await read())[1]?.held).toMatchObject({ by: 'circuit', since: now, until: later(9) })
    states.set(hook.id, { consecutiveFailures: 5, circuit: { since: now, until: now } })
    expect((await read())[1]?.held).toBeUndefined()
  })

  test('an operator: before everything else', async () => {
    await post(true)
    const [paused] = await read({}, { ...hook, pausedAt: later(-5) })
    expect(paused?.held).toMatchObject({ by: 'pause', since: later(-5) })
    const [disabled] = await read({ disabled: { at: later(-9), reason: 'unpaid' } })
    expect(disabled?.held).toMatchObject({
      by: 'pause',
      since: later(-9),
      reason: 'the client is disabled: unpaid',
    })
  })

  test('the person, who has to write: the window; unless it was discarded', async () => {
    const { entry, claimed } = await post(true)
    await store.bury(stream(), entry.seq, target, deadOf({ reason: 'window-closed', error: 'no template' }))
    await store.mark(stream(), claimed?.lease ?? { fence: 0 }, { scanned: 2, lanes: {}, nextAt: null })
    expect(await read()).toMatchObject([
      { state: 'dead', reason: 'window-closed', held: { by: 'window', reason: 'no template' } },
    ])
    await store.discard(record.id, entry.id, target)
    const [discarded] = await read()
    expect([discarded?.state, discarded?.held]).toEqual(['cancelled', undefined])
  })

  test('nothing, once it is delivered', async () => {
    const { claimed } = await post(true)
    await store.mark(stream(), claimed?.lease ?? { fence: 0 }, { scanned: 2, lanes: {}, nextAt: null })
    const [delivered] = await read()
    expect([delivered?.state, delivered?.held]).toEqual(['delivered', undefined])
  })
})

test('what was deleted before it was sent is cancelled, and what was sent stays delivered', async () => {
  const [{ entry: sent, claimed }, { entry: unsent }] = [await post(true), await post()]
  const attempt = { at: now, durationMs: 1, outcome: 'delivered' as const }
  await store.recordAttempts([{ ...stream(), seq: sent.seq, target, ...attempt }])
  await store.deleteMessages(record.id, streamId, 'all', now)
  await store.mark(stream(), claimed?.lease ?? { fence: 0 }, { scanned: unsent.seq, lanes: {}, nextAt: null })
  expect((await read()).map(({ state }) => state)).toEqual(['cancelled', 'delivered'])
})
