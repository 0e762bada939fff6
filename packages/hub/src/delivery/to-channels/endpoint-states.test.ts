import { type Id, type JsonObject, newId, silentLogger } from '@plugboard/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyring } from '../../../test/support/clients.js'
import { Keyring } from '../../clients/keyring.js'
import type { Sealed } from '../../ports/client-record.js'
import { memoryDatabase } from '../../testing/memory-store.js'
import { EndpointStates, resealEndpointStates, type StateChange } from './endpoint-states.js'

const clientId = newId()
const at = (second: number): Date => new Date(Date.UTC(2026, 10, 22, 8, 0, second))

/** States on a store in which a conversation has one endpoint. */
async function setUp() {
  const store = memoryDatabase().open()
  const ids = { user: newId(), conversation: newId(), endpoint: newId() }
  const entry = () => ({
    ...{ id: newId(), payload: '{}', at: at(0), owes: [], claim: false },
    type: 'conversation.new' as const,
  })
  const place = await store.mapEndpoint({
    ...{ clientId, ids, at: at(0), channel: { name: 'acme', custom: false } },
    endpoint: { identity: '*', sender: 'ada', thread: '*' },
    events: { user: entry, conversation: entry },
  })
  let bytes = 0
  const measure = (_: Id, change: number): void => {
    bytes += change
  }
  const options = { store, measure, log: silentLogger }
  const states = new EndpointStates({ ...options, keyring })
  return {
    ...{ store, states, place, options },
    bytes: () => bytes,
    record: (change: Partial<StateChange>) =>
      states.record({ clientId, ...place }, { seq: 1, at: at(1), opensWindow: true, ...change }),
    read: () => states.read(clientId, place.endpointId),
    stored: () => store.findDocument(clientId, 'endpoint', { id: place.endpointId }),
  }
}

describe('the state of an endpoint', () => {
  test('has the newest context and the last time that the person wrote', async () => {
    const { record, read } = await setUp()
    expect(await read()).toEqual({})
    await record({ seq: 1, at: at(1), context: { token: 'a' } })
    await record({ seq: 2, at: at(2) })
    await record({ seq: 3, at: at(3), opensWindow: false })
    expect(await read()).toEqual({ lastInboundAt: at(2), context: { value: { token: 'a' }, at: at(1) } })
  })

  test('is that of the newest event, in whichever order and however often they arrive', async () => {
    const event = fc.record({ seq: fc.nat(6), second: fc.nat(3), context: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 6 }), async (events) => {
        const { record, read } = await setUp()
        for (const { seq, second, context } of events)
          await record({ seq, at: at(second), ...(context && { context: { seq, second } }) })
        const newest = events
          .filter(({ context }) => context)
          .sort((a, b) => a.second - b.second || a.seq - b.seq)
          .at(-1)
        const last = Math.max(...events.map(({ second }) => second))
        expect(await read()).toEqual({
          lastInboundAt: at(last),
          ...(newest && {
            context: { value: { seq: newest.seq, second: newest.second }, at: at(newest.second) },
          }),
        })
      }),
    )
  })

  test('keeps a context as nobody can read it, and counts it as storage', async () => {
    const { record, stored, bytes } = await setUp()
    await record({ context: { token: 'very-secret' } })
    const data = (await stored())?.data ?? ''
    expect(data).not.toContain('very-secret')
    expect(bytes()).toBe(Buffer.byteLength(data))
  })

  test('does not take a context of more than 4 kB, and keeps the one before', async () => {
    const { record, read } = await setUp()
    const ofSize = (size: number): JsonObject => ({ a: 'x'.repeat(size - 8) })
    await record({ seq: 1, context: ofSize(4096) })
    await record({ seq: 2, at: at(2), context: ofSize(4097) })
    expect(await read()).toEqual({ lastInboundAt: at(2), context: { value: ofSize(4096), at: at(1) } })
  })

  test('goes with its conversation', async () => {
    const { states, record, stored, place, bytes } = await setUp()
    await record({ context: { token: 'a' } })
    await states.removeOf(clientId, place.conversationId)
    expect([await stored(), bytes()]).toEqual([undefined, 0])
  })

  test('is not made for a conversation that was deleted in between, or has lost the endpoint', async () => {
    const deleted = await setUp()
    const event = { ...{ id: newId(), payload: '{}', at: at(0), owes: [], claim: false } }
    await deleted.store.deleteConversation(clientId, deleted.place.conversationId, {
      ...event,
      type: 'conversation.deleted',
    })
    await deleted.record({ context: { token: 'a' } })
    const left = await setUp()
    await left.store.removeEndpoint(clientId, left.place.conversationId, left.place.endpointId)
    await left.record({ context: { token: 'a' } })
    expect([await deleted.stored(), await left.stored()]).toEqual([undefined, undefined])
  })

  test('of two processes that write at once has what is newest of both', async () => {
    const { record, read } = await setUp()
    const seconds = [3, 1, 4, 0, 2]
    await Promise.all(seconds.map((second) => record({ at: at(second), context: { second } })))
    expect(await read()).toEqual({ lastInboundAt: at(4), context: { value: { second: 4 }, at: at(4) } })
  })

  test('is encrypted anew by a rotation of the key, and lost without it', async () => {
    const { record, options, place, store } = await setUp()
    await record({ context: { token: 'a' } })
    const other = new Keyring(new Uint8Array(32).fill(9))
    const states = new EndpointStates({ ...options, keyring: other })
    expect(await states.read(clientId, place.endpointId)).toEqual({ lastInboundAt: at(1) })
    const again = (sealed: Sealed, of: string): Sealed => other.seal(keyring.open(sealed, of), of)
    await resealEndpointStates(store, clientId, again)
    expect(await states.read(clientId, place.endpointId)).toMatchObject({
      context: { value: { token: 'a' } },
    })
  })
})
