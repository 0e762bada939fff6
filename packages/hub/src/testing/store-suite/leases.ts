import assert from 'node:assert/strict'
import { newId } from '@plugboard/core'
import type { Entry } from '../../log/entry.js'
import type { Claimed, Lease, Mark } from '../../log/progress.js'
import { type Target, webhookTarget } from '../../log/target.js'
import { isLost, only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** Who may deliver a stream. */
export const leaseCases: Cases = {
  'the fence rises each time that the stream is taken': async (scene) => {
    const { talk, lease } = await held(scene)
    await giveBack(scene, talk, lease)
    const second = only(await scene.claimDue())
    assert.ok(second.lease.fence > lease.fence)
    await giveBack(scene, talk, second.lease)
    const third = await scene.claimAtAppend(talk, aTarget())
    assert.ok(third.claimed.lease.fence > second.lease.fence)
    await isLost(scene.store, talk, lease)
    await isLost(scene.store, talk, second.lease)
    same(await scene.store.mark(talk, third.claimed.lease, active(2)), 3)
  },

  'a lease ends at its time, and whoever takes the stream then makes the earlier holder lose it': async (
    scene,
  ) => {
    const { talk, lease } = await held(scene)
    if (!lease.until) return same(await scene.claimDue(scene.afterLeases), [])
    const again = only(await scene.claimDue(after(lease.until)))
    same(again.streamId, talk.streamId)
    assert.ok(again.lease.fence > lease.fence)
    await isLost(scene.store, talk, lease)
    same(await scene.store.reclaim(talk, lease), 'lost')
    same(await scene.store.mark(talk, again.lease, active(2)), 2)
  },

  'a reclaim takes the lease anew, and a mark of before is refused': async (scene) => {
    const { talk, target, lease } = await held(scene)
    const { seq } = await scene.say(talk, { owes: [target] })
    const reclaimed = await reclaim(scene, talk, lease)
    same(reclaimed.seq, seq)
    assert.ok(reclaimed.lease.fence > lease.fence)
    await isLost(scene.store, talk, lease)
    same(await scene.claimDue(), [])
    same(await scene.store.mark(talk, reclaimed.lease, active(2)), seq)
  },

  'a lease can be reclaimed any number of times, and only the newest counts': async (scene) => {
    const { talk, lease } = await held(scene)
    const leases = [lease]
    for (let round = 0; round < 3; round += 1)
      leases.push((await reclaim(scene, talk, present(leases.at(-1)))).lease)
    const newest = present(leases.pop())
    for (const old of leases) {
      await isLost(scene.store, talk, old)
      if (old !== leases.at(-1)) same(await scene.store.reclaim(talk, old), 'lost')
    }
    same(await scene.store.mark(talk, newest, { scanned: 2, lanes: {}, nextAt: null }), 2)
  },

  'a reclaim that was not answered can be repeated': async (scene) => {
    const { talk, lease } = await held(scene)
    const first = await reclaim(scene, talk, lease)
    const again = await reclaim(scene, talk, lease)
    same(again.lease.fence, first.lease.fence)
    same(await scene.store.mark(talk, first.lease, active(2)), 2)
    await isLost(scene.store, talk, lease)
  },

  'whoever does not know its lease reclaims it without, with all that a claim says': async (scene) => {
    const { talk, target, lease } = await held(scene)
    const lanes = { [target]: { done: 1, attempt: 1 } }
    await scene.store.mark(talk, lease, { scanned: 2, lanes, nextAt: 'active' })
    const { lease: again, ...claimed } = await reclaim(scene, talk)
    const { clientId, streamId, userId } = talk
    same(claimed, { ...{ clientId, streamId, userId, endpoints: [] }, ...{ scanned: 2, lanes, seq: 2 } })
    await isLost(scene.store, talk, lease)
    await giveBack(scene, talk, again)
    same(await scene.store.reclaim(talk), 'lost')
  },

  'a stream that was given back, was never taken or does not exist cannot be reclaimed': async (scene) => {
    const { talk, lease } = await held(scene)
    await giveBack(scene, talk, lease)
    same(await scene.store.reclaim(talk, lease), 'lost')
    same(await scene.dueStreams(), [talk.streamId])
    const other = await scene.talk()
    await scene.say(other, { owes: [aTarget()] })
    same(await scene.store.reclaim(other, lease), 'lost')
    same(await scene.dueStreams(), [other.streamId])
    same(await scene.store.reclaim({ ...talk, streamId: newId() }, lease), 'lost')
    same(await scene.store.reclaim({ ...talk, clientId: newId() }, lease), 'lost')
  },

  'a reclaim keeps the progress, and a wake-up of before it': async (scene) => {
    const { talk, target, lease } = await held(scene)
    const lanes = { [target]: { done: 1, attempt: 1, blockedUntil: scene.after(60) } }
    await scene.store.mark(talk, lease, { scanned: 2, lanes, nextAt: 'active' })
    await scene.store.wakeClient(talk.clientId, scene.tick())
    const reclaimed = await reclaim(scene, talk, lease)
    same(await scene.store.findProgress(talk), { scanned: 2, lanes })
    await scene.store.mark(talk, reclaimed.lease, { scanned: 2, lanes: {}, nextAt: scene.after(60) })
    same(await scene.dueStreams(scene.tick()), [talk.streamId])
  },
}

/** What happens once time has passed. */
export const leaseEndCases: Cases = {
  'a mark and a reclaim move the end of a lease': async (scene) => {
    const { talk, lease } = await held(scene)
    const first = present(lease.until, 'an end of the lease')
    scene.pass(secondsTo(scene, first) - 1)
    await scene.store.mark(talk, lease, active(2))
    const second = present(lease.until)
    assert.ok(second > first)
    scene.pass(secondsTo(scene, second) - 1)
    const reclaimed = await reclaim(scene, talk, lease)
    assert.ok(present(reclaimed.lease.until) > second)
    scene.pass(2)
    same(await scene.claimDue(), [])
    same(await scene.store.mark(talk, reclaimed.lease, active(2)), 2)
  },

  'a lease that is over can be marked and reclaimed as long as nobody took the stream': async (scene) => {
    const { talk, lease } = await held(scene)
    scene.pass(3600)
    same(await scene.store.mark(talk, lease, active(2)), 2)
    scene.pass(3600)
    const reclaimed = await reclaim(scene, talk, lease)
    assert.ok(reclaimed.lease.fence > lease.fence && present(reclaimed.lease.until) > scene.now)
    same(await scene.claimDue(), [])
    await isLost(scene.store, talk, lease)
    same(await scene.store.mark(talk, reclaimed.lease, active(2)), 2)
  },

  'an append that claims takes over a lease that is over, and its holder loses it': async (scene) => {
    const { talk, target, lease } = await held(scene)
    scene.pass(3600)
    const { claimed } = await scene.claimAtAppend(talk, target)
    assert.ok(claimed.lease.fence > lease.fence)
    await isLost(scene.store, talk, lease)
    same(await scene.store.reclaim(talk, lease), 'lost')
    same(await scene.claimDue(), [])
    same(await scene.store.mark(talk, claimed.lease, active(2)), 3)
  },

  'a stream that was woken after the end of its lease is due when its holder gives it back after all': async (
    scene,
  ) => {
    for (const wake of ['wakeClient', 'replay'] as const) {
      const { talk, target, lease, entry } = await held(scene)
      const { clientId } = talk
      const dead = { reason: 'exhausted', attempts: 1, at: scene.tick(), label: 'url' } as const
      await scene.store.bury(talk, entry.seq, target, dead)
      scene.pass(3600)
      const now = scene.tick()
      if (wake === 'wakeClient') await scene.store.wakeClient(clientId, now)
      else await scene.store.replay({ clientId, entryId: entry.id, target, to: target, now })
      const later = { scanned: 2, lanes: { [target]: { done: 1 } }, nextAt: scene.after(60) }
      same(await scene.store.mark(talk, lease, later), 2)
      assert.ok((await scene.dueStreams(scene.tick())).includes(talk.streamId), `${wake} was lost`)
    }
  },

  'what came while the stream was held goes to whoever takes it after the end of the lease': async (
    scene,
  ) => {
    const { talk, target } = await held(scene)
    await scene.say(talk, { owes: [target] })
    await scene.store.wakeClient(talk.clientId, scene.tick())
    scene.pass(3600)
    const { seq, lease } = only(await scene.claimDue())
    same(seq, 3)
    const later = { scanned: 3, lanes: { [target]: { done: 1 } }, nextAt: scene.after(60) }
    same(await scene.store.mark(talk, lease, later), 3)
    same(await scene.claimDue(), [])
  },
}

const aTarget = (): Target => webhookTarget(newId())

const active = (scanned: number): Mark => ({ scanned, lanes: {}, nextAt: 'active' })

/** A time at which a lease with this end is over for others too. */
const after = (until: Date): Date => new Date(until.getTime() + 1000)

const secondsTo = ({ now }: Scene, then: Date): number => (then.getTime() - now.getTime()) / 1000

/** A conversation with an owed message as its second entry, and the lease of it. */
async function held(scene: Scene): Promise<{ talk: Talk; target: Target; entry: Entry; lease: Lease }> {
  const talk = await scene.talk()
  const target = aTarget()
  const { entry, claimed } = await scene.claimAtAppend(talk, target)
  return { talk, target, entry, lease: claimed.lease }
}

/** Leaves the stream due now. */
async function giveBack({ store, now }: Scene, talk: Talk, lease: Lease): Promise<void> {
  const lanes = { [aTarget()]: { done: 1 } }
  same(await store.mark(talk, lease, { scanned: 2, lanes, nextAt: now }), 2)
}

async function reclaim({ store }: Scene, talk: Talk, lease?: Lease): Promise<Claimed> {
  const reclaimed = await store.reclaim(talk, lease)
  assert.ok(reclaimed !== 'lost', 'the lease was lost')
  return reclaimed
}
