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
import { Timeline, type TimelineDelivery, type TimelineItem, type TimelinePage } from './timeline.js'

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
async function post(
  claim = false,
  { owes = [target], text = '' } = {},
): Promise<{ entry: Entry; claimed: Claimed | undefined }> {
  const entry = {
    id: newId(),
    type: 'message' as const,
    author: 'business' as const,
    payload: JSON.stringify({ type: 'text', text }),
    at: now,
    claim,
  }
  const appended = await store.append({
    ...stream(),
    kind: 'conversation',
    entry,
    resolve: () => ({ owes }),
  })
  if (!appended) throw new Error('the conversation is not there')
  return appended as { entry: Entry; claimed: Claimed | undefined }
}

/** Deliveries of the messages, the newest message first. */
async function read(
  changes: Partial<ClientRecord> = {},
  webhook: object = hook,
): Promise<TimelineDelivery[]> {
  const items = await page({ limit: 10 }, changes, webhook)
  return items.flatMap((item) => item.deliveries)
}

async function page(
  which: TimelinePage,
  changes: Partial<ClientRecord> = {},
  webhook: object = hook,
): Promise<TimelineItem[]> {
  const client = {
    id: record.id,
    record: { ...record, ...changes },
    webhooks: [webhook],
    integrations: new Map(),
  } as unknown as ClientView
  const options = { store, now: () => now, monitor: { read: async () => states } }
  const deliveries = new Deliveries(options as unknown as ConstructorParameters<typeof Deliveries>[0])
  const timeline = new Timeline({ ...options, deliveries, channels: { isLoaded: () => true } })
  return timeline.read(client, streamId, which)
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

describe('a page ends', () => {
  const seqsOf = (items: readonly TimelineItem[]) => items.map(({ entry }) => entry.seq)

  /** The numbers on each page, from the newest to the first entry. */
  async function backwards(): Promise<number[][]> {
    const pages: number[][] = []
    for (let before: number | undefined; before !== 1; before = pages.at(-1)?.at(-1))
      pages.push(seqsOf(await page({ limit: 100, ...(before !== undefined && { before }) })))
    return pages
  }

  /** The same from the first one on. */
  async function forwards(last: number): Promise<number[][]> {
    const pages: number[][] = []
    for (let after = 0; after < last; after = pages.at(-1)?.[0] ?? last)
      pages.push(seqsOf(await page({ limit: 100, after })))
    return pages
  }

  test('with the attempts that have room, however many webhooks answer each with a text', async () => {
    const owes = Array.from({ length: 100 }, () => webhookTarget(newId()))
    for (let count = 0; count < 5; count += 1) {
      const { entry } = await post(false, { owes })
      const attempts = owes.flatMap((to) =>
        Array.from({ length: 10 }, (_, i) => ({
          ...{ ...stream(), seq: entry.seq, target: to, at: later(i), durationMs: 1 },
          ...{ outcome: 'transient' as const, response: 'no' },
        })),
      )
      await store.recordAttempts(attempts)
    }
    expect(await backwards()).toEqual([
      [6, 5],
      [4, 3],
      [2, 1],
    ])
    expect(await forwards(6)).toEqual([[3, 2, 1], [5, 4], [6]])
    const [newest] = await page({ limit: 100 })
    expect(newest?.deliveries.map(({ attempts }) => attempts.length)).toEqual(owes.map(() => 10))
  })

  test('with the message that brings it to a mebibyte', async () => {
    for (let count = 0; count < 5; count += 1) await post(false, { text: 'x'.repeat(600_000) })
    expect(await backwards()).toEqual([
      [6, 5],
      [4, 3],
      [2, 1],
    ])
    expect(await forwards(6)).toEqual([[3, 2, 1], [5, 4], [6]])
  })
})
