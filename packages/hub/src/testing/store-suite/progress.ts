import { newId } from '@plugboard/core'
import type { LaneState, Lease, Mark } from '../../log/progress.js'
import { endpointTarget, replayLane, type Target, webhookTarget } from '../../log/target.js'
import { isLost, only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** How far the deliveries of a stream are, and who may write it. */
export const progressCases: Cases = {
  'a stream that was never delivered has no lanes, and an unknown one has no progress': async (scene) => {
    const talk = await scene.talk()
    const { scanned, lanes } = present(await scene.store.findProgress(talk))
    same([scanned <= 1, lanes], [true, {}])
    same(await scene.store.findProgress({ ...talk, streamId: newId() }), undefined)
  },

  'a lane is kept with all that is known of it': async (scene) => {
    const { talk, lease } = await held(scene)
    const full: LaneState = {
      done: 1,
      attempt: 3,
      part: 2,
      blockedUntil: scene.after(60),
      since: scene.after(-60),
      error: 'HTTP 500: "no\nway" \u{1f600}',
    }
    const lanes = {
      [endpointTarget(newId())]: full,
      [replayLane(1, scene.after(-60), webhookTarget(newId()))]: { done: 0 },
    }
    await scene.store.mark(talk, lease, { scanned: 2, lanes, nextAt: 'active' })
    same(await scene.store.findProgress(talk), { scanned: 2, lanes })
  },

  'a mark changes the lanes that it names, whole, removes those that are null and leaves the others': async (
    scene,
  ) => {
    const { talk, lease } = await held(scene)
    const [a, b, c] = [aTarget(), aTarget(), aTarget()]
    const state: LaneState = { done: 1, attempt: 2, part: 1, error: 'no' }
    await scene.store.mark(talk, lease, { scanned: 1, lanes: { [a]: state, [b]: state }, nextAt: 'active' })
    await scene.store.mark(talk, lease, {
      scanned: 2,
      lanes: { [b]: { done: 2 }, [c]: state },
      nextAt: 'active',
    })
    same(await scene.store.findProgress(talk), {
      scanned: 2,
      lanes: { [a]: state, [b]: { done: 2 }, [c]: state },
    })
    await scene.store.mark(talk, lease, {
      scanned: 2,
      lanes: { [a]: null, [aTarget()]: null },
      nextAt: 'active',
    })
    same(await scene.store.findProgress(talk), { scanned: 2, lanes: { [b]: { done: 2 }, [c]: state } })
  },

  'a mark is answered with the newest number of the stream': async (scene) => {
    const { talk, lease } = await held(scene)
    same(await scene.store.mark(talk, lease, active(1)), 2)
    await scene.say(talk)
    same(await scene.store.mark(talk, lease, active(2)), 3)
  },

  'with `active` the stream stays with its holder': async (scene) => {
    const { talk, lease } = await held(scene)
    same(await scene.store.mark(talk, lease, active(2)), 2)
    same(await scene.claimDue(), [])
    same(await scene.store.mark(talk, lease, active(2)), 2)
  },

  'with a time the stream is given back, and is due then with its lanes': async (scene) => {
    const { talk, lease, target } = await held(scene)
    const lanes = { [target]: { done: 1, attempt: 1, blockedUntil: scene.after(60) } }
    same(await scene.store.mark(talk, lease, { scanned: 2, lanes, nextAt: scene.after(60) }), 2)
    same(await scene.claimDue(scene.after(59)), [])
    const claimed = only(await scene.claimDue(scene.after(60)))
    same([claimed.streamId, claimed.scanned, claimed.lanes], [talk.streamId, 2, lanes])
  },

  'with null the stream is given back and is not due any more': async (scene) => {
    const { talk, lease } = await held(scene)
    same(await scene.store.mark(talk, lease, { scanned: 2, lanes: {}, nextAt: null }), 2)
    same(await scene.claimDue(scene.afterLeases), [])
    const { entry, claimed } = await scene.claimAtAppend(talk, aTarget())
    same([claimed.scanned, claimed.lanes, claimed.seq], [2, {}, entry.seq])
  },

  'a holder who has not looked at the newest entry learns its number, and keeps the stream': async (
    scene,
  ) => {
    for (const nextAt of [null, scene.after(60)]) {
      const { talk, lease } = await held(scene)
      const { seq } = await scene.say(talk, { owes: [aTarget()] })
      same(await scene.store.mark(talk, lease, { scanned: seq - 1, lanes: {}, nextAt }), seq)
      same(await scene.claimDue(), [])
      same((await scene.store.findProgress(talk))?.scanned, seq - 1)
      same(await scene.store.mark(talk, lease, { scanned: seq, lanes: {}, nextAt: null }), seq)
      same(await scene.claimDue(scene.after(120)), [])
    }
  },

  'who gave the stream back is answered `lost`, and writes nothing': async (scene) => {
    const { talk, lease, target } = await held(scene)
    await scene.store.mark(talk, lease, {
      scanned: 2,
      lanes: { [target]: { done: 1 } },
      nextAt: scene.after(60),
    })
    await isLost(scene.store, talk, lease)
    same(await scene.claimDue(), [])
    same((await scene.dueStreams(scene.after(60))).length, 1)
  },

  'who never took the stream is answered `lost`, and writes nothing': async (scene) => {
    const { lease } = await held(scene)
    const talk = await scene.talk()
    await scene.say(talk, { owes: [aTarget()] })
    await isLost(scene.store, talk, lease)
    same(await scene.dueStreams(), [talk.streamId])
    same(await scene.store.mark({ ...talk, streamId: newId() }, lease, active(2)), 'lost')
  },

  'an older fence than that of the lease is answered `lost`, and writes nothing': async (scene) => {
    const { talk, lease } = await held(scene)
    await isLost(scene.store, talk, { ...lease, fence: lease.fence - 1 })
    same(await scene.store.mark(talk, lease, active(2)), 2)
  },

  'readEntries gives the entries after a number, in order, and no more than asked for': async (scene) => {
    const talk = await scene.talk()
    for (let index = 0; index < 5; index += 1)
      await scene.say(talk, { type: index % 2 ? 'conversation.started' : 'message' })
    const all = await scene.entries(talk)
    same(all.length, 6)
    same(await scene.store.readEntries(talk, 0, 3), all.slice(0, 3))
    same(await scene.store.readEntries(talk, 3, 2), all.slice(3, 5))
    same(await scene.store.readEntries(talk, 5, 10), all.slice(5))
    same(await scene.store.readEntries(talk, 6, 10), [])
    same(await scene.store.readEntries({ ...talk, streamId: newId() }, 0, 10), [])
  },
}

const aTarget = (): Target => webhookTarget(newId())

const active = (scanned: number): Mark => ({ scanned, lanes: {}, nextAt: 'active' })

/** A conversation with an owed message as its second entry, and the lease of it. */
async function held(scene: Scene): Promise<{ talk: Talk; target: Target; lease: Lease }> {
  const talk = await scene.talk()
  const target = aTarget()
  const { claimed } = await scene.claimAtAppend(talk, target)
  return { talk, target, lease: claimed.lease }
}
