import { type Id, newId } from '@plugboard/core'
import type { Claimed, Store, StreamRef } from '@plugboard/hub'
import { describe, expect, test } from 'vitest'
import { openStore, say, talk, target, temporaryPath } from '../../test/temporary.js'
import { sqliteStore } from '../index.js'

/** A store whose clock goes by hand. */
async function scene() {
  const clock = { ms: Date.now() }
  const store = await openStore({ path: await temporaryPath(), now: () => new Date(clock.ms) })
  const now = () => new Date(clock.ms)
  const due = async (except: readonly Id[] = [], limit = 100) => {
    const { claimed } = await store.claimDue({ now: now(), limit, except })
    return claimed.map(({ streamId }) => streamId)
  }
  return { store, clock, now, due }
}

/** Makes a new conversation of the client due at this time. */
async function owing(store: Store, clientId: Id, at: Date): Promise<StreamRef> {
  const stream = await talk(store, clientId, at)
  await say(store, stream, { at, owes: [target()] })
  return stream
}

describe('a stream whose holder does not mark it', () => {
  test('goes to the next who asks after a minute, and the holder loses it', async () => {
    const { store, clock, now, due } = await scene()
    const stream = await owing(store, newId(), now())
    const { claimed } = await store.claimDue({ now: now(), limit: 1, except: [] })
    clock.ms += 59_000
    expect(await due()).toEqual([])
    clock.ms += 2000
    expect(await due()).toEqual([stream.streamId])
    const [{ lease } = { lease: { fence: 0 } }] = claimed
    expect(await store.mark(stream, lease, { scanned: 2, lanes: {}, nextAt: null })).toBe('lost')
    clock.ms += 120_000
    expect(await due()).toEqual([stream.streamId])
  })

  test('stays with a holder who does', async () => {
    const { store, clock, now, due } = await scene()
    const stream = await owing(store, newId(), now())
    const { claimed } = await store.claimDue({ now: now(), limit: 1, except: [] })
    for (let minute = 0; minute < 10; minute += 1) {
      clock.ms += 50_000
      const [{ lease } = { lease: { fence: 0 } }] = claimed
      await store.mark(stream, lease, { scanned: 2, lanes: { [target()]: { done: 1 } }, nextAt: 'active' })
      expect(await due()).toEqual([])
    }
  })
})

describe('what is due, with clients left out', () => {
  test('is found behind what was passed over before, and before it', async () => {
    const { store, clock, now, due } = await scene()
    const [loud, quiet] = [newId(), newId()]
    const streams = []
    for (let index = 0; index < 20; index += 1) streams.push(await owing(store, loud, now()))
    clock.ms += 10
    expect(await due([loud])).toEqual([])
    const behind = await owing(store, quiet, now())
    expect(await due([loud])).toEqual([behind.streamId])
    const before = await owing(store, quiet, new Date(clock.ms - 1000))
    expect(await due([loud])).toEqual([before.streamId])
    expect(await due([], 5)).toEqual(streams.slice(0, 5).map(({ streamId }) => streamId))
    expect(await due([quiet])).toEqual(streams.slice(5).map(({ streamId }) => streamId))
  })

  test('is found when another client is left out than before', async () => {
    const { store, clock, now, due } = await scene()
    const [first, second] = [newId(), newId()]
    const [a, b] = [await owing(store, first, now()), await owing(store, second, now())]
    clock.ms += 10
    expect(await due([first, second])).toEqual([])
    expect(await due([first])).toEqual([b.streamId])
    expect(await due([second])).toEqual([a.streamId])
  })

  test('is found when it was woken', async () => {
    const { store, clock, now, due } = await scene()
    const [loud, quiet] = [newId(), newId()]
    await owing(store, loud, now())
    const stream = await owing(store, quiet, now())
    const { claimed } = await store.claimDue({ now: now(), limit: 1, except: [loud] })
    const [{ lease } = { lease: { fence: 0 } }] = claimed
    const nextAt = new Date(clock.ms + 3_600_000)
    await store.mark(stream, lease, { scanned: 2, lanes: { [target()]: { done: 1 } }, nextAt })
    clock.ms += 10
    expect(await due([loud])).toEqual([])
    await store.wakeClient(quiet, new Date(clock.ms - 5))
    expect(await due([loud])).toEqual([stream.streamId])
  })
})

describe('progress', () => {
  /** Streams with a message each that is owed, and is being delivered. */
  async function owingStreams(count: number) {
    const path = await temporaryPath()
    const store = await sqliteStore({ path })
    const streams = await Promise.all(Array.from({ length: count }, () => talk(store)))
    const claimed = await Promise.all(
      streams.map(async (stream) => {
        const { claimed } = await say(store, stream, { owes: [target()], claim: true })
        return claimed as Claimed
      }),
    )
    const delivered = (stream: Claimed) =>
      store.mark(stream, stream.lease, { scanned: stream.seq, lanes: {}, nextAt: null })
    const reopen = async () => {
      await store.close()
      return openStore({ path })
    }
    return { store, claimed, delivered, reopen }
  }

  const dueIn = async (store: Store) => {
    const { claimed } = await store.claimDue({ now: new Date(), limit: 10_000, except: [] })
    return claimed.map(({ streamId }) => streamId).sort()
  }

  test('is not lost with a batch that failed', async () => {
    const { store, claimed, delivered, reopen } = await owingStreams(4)
    const [first, second, third, fourth] = claimed as [Claimed, Claimed, Claimed, Claimed]
    await delivered(first)
    const broken = say(store, third, { payload: null as unknown as string })
    const [, failure] = await Promise.allSettled([delivered(second), broken, delivered(third)])
    expect(failure).toMatchObject({ status: 'rejected' })
    expect(await store.backlog(10_000)).toMatchObject({ streams: 1 })
    expect(await dueIn(await reopen())).toEqual([fourth.streamId])
  })

  test('is there in another process, also of many streams', async () => {
    const { store, claimed, delivered, reopen } = await owingStreams(2500)
    expect(await store.backlog(10_000)).toMatchObject({ streams: 2500 })
    const [left, ...others] = claimed
    for (const stream of others.slice(0, 300)) await delivered(stream)
    await Promise.all(others.slice(300).map(delivered))
    expect(await store.backlog(10_000)).toMatchObject({ streams: 1 })
    const again = await reopen()
    expect(await again.backlog(10_000)).toMatchObject({ streams: 1 })
    expect(await dueIn(again)).toEqual([left?.streamId])
  })

  test('goes with its stream', async () => {
    const { store, claimed, reopen } = await owingStreams(2)
    const [gone, left] = claimed as [Claimed, Claimed]
    while (!(await store.purgeClient(gone.clientId, 100)));
    expect(await store.backlog(10_000)).toMatchObject({ streams: 1 })
    expect(await dueIn(await reopen())).toEqual([left.streamId])
  })
})
