import { type Id, newId } from '@plugboard/core'
import type { PullLane, PullOffer } from '../../log/pull-lane.js'
import { atOnce, only, present, same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

export const offerOf = (scene: Scene, fields: Partial<PullOffer> = {}): PullOffer => ({
  ...{ webhookId: newId(), streamId: newId(), after: 0, upTo: 1, at: scene.tick() },
  ...fields,
})

/** The lane as it is, and when it changed. */
async function laneOf({ store }: Scene, clientId: Id, offer: PullOffer): Promise<PullLane> {
  return only(await store.findPulls(clientId, [offer]))
}

/** Takes what is waiting, as a reader does that acknowledges it. */
function acknowledged({ dueAt: _, heldTo: __, ...lane }: PullLane, since: Date): PullLane {
  return { ...lane, done: lane.upTo, since, version: lane.version + 1 }
}

/** What waits for the readers of pull webhooks. */
export const pullCases: Cases = {
  'what is offered waits, and is due at once': async (scene) => {
    const clientId = newId()
    const userId = newId()
    const offer = offerOf(scene, { after: 3, upTo: 7, userId })
    const { webhookId, streamId, at } = offer
    const now = scene.tick()
    await scene.store.offerPulls(clientId, [offer], now)
    const lane = {
      ...{ clientId, webhookId, streamId, userId, done: 3, upTo: 7, since: at, dueAt: now },
      ...{ fence: 0, given: [], version: 1 },
    }
    same(await scene.store.findPulls(clientId, [offer, offerOf(scene)]), [lane])
    same(await scene.store.duePulls(clientId, webhookId, { now, limit: 9 }), { lanes: [lane] })
    const early = new Date(now.getTime() - 1)
    same(await scene.store.duePulls(clientId, webhookId, { now: early, limit: 9 }), {
      lanes: [],
      nextAt: now,
    })
    same(await scene.store.pullBacklog(clientId, webhookId, 9), { lanes: 1, isMore: false, oldest: at })
  },

  'a further offer makes more wait, an earlier one changes nothing, also when it was acknowledged': async (
    scene,
  ) => {
    const clientId = newId()
    const offer = offerOf(scene, { upTo: 2 })
    const { store } = scene
    const offerUpTo = (after: number, upTo: number) =>
      store.offerPulls(clientId, [{ ...offer, after, upTo, at: scene.tick() }], scene.tick())
    await offerUpTo(0, 2)
    const first = await laneOf(scene, clientId, offer)
    await offerUpTo(0, 2)
    await offerUpTo(0, 1)
    same(await laneOf(scene, clientId, offer), first)
    await offerUpTo(4, 5)
    same(await laneOf(scene, clientId, offer), { ...first, upTo: 5, version: 2 })
    const idle = acknowledged(await laneOf(scene, clientId, offer), scene.tick())
    same(await store.replacePulls([idle]), [true])
    await offerUpTo(0, 2)
    await offerUpTo(4, 5)
    same(await laneOf(scene, clientId, offer), idle)
    same(await store.pullBacklog(clientId, offer.webhookId, 9), { lanes: 0, isMore: false })
    const now = scene.tick()
    await store.offerPulls(clientId, [{ ...offer, after: 8, upTo: 9, at: now }], now)
    const next = { ...idle, done: 8, upTo: 9, since: now, dueAt: now, given: [], version: 4 }
    same(await laneOf(scene, clientId, offer), next)
  },

  'several offers at once, also of one lane, are all there': async (scene) => {
    const [clientId, webhookId, streamId] = [newId(), newId(), newId()]
    const one = (after: number) => offerOf(scene, { webhookId, streamId, after, upTo: after + 1 })
    const replay = { ...one(0), replay: '1-5' }
    await scene.store.offerPulls(clientId, [one(0), replay, one(1), one(2)], scene.tick())
    const lanes = await scene.store.findPulls(clientId, [one(0), replay])
    const ends = new Map(lanes.map(({ replay = 'order', done, upTo }) => [replay, [done, upTo]]))
    same([lanes.length, ends.get('order'), ends.get('1-5')], [2, [0, 3], [0, 1]])
    await atOnce(9, (index) => scene.store.offerPulls(clientId, [one(index)], scene.tick()))
    same((await laneOf(scene, clientId, one(0))).upTo, 9)
  },

  'what is due the longest comes first, and what is held or paused is due later': async (scene) => {
    const [clientId, webhookId] = [newId(), newId()]
    const offers = Array.from({ length: 4 }, () => offerOf(scene, { webhookId }))
    for (const offer of offers) await scene.store.offerPulls(clientId, [offer], scene.tick())
    const due = async (now: Date, limit = 9) => {
      const found = await scene.store.duePulls(clientId, webhookId, { now, limit })
      const places = found.lanes.map((lane) => offers.findIndex(({ streamId }) => streamId === lane.streamId))
      return [places, found.nextAt]
    }
    same(await due(scene.now), [[0, 1, 2, 3], undefined])
    same(await due(scene.now, 2), [[0, 1], undefined])
    const [first, second] = await Promise.all(offers.map((offer) => laneOf(scene, clientId, offer)))
    const held = { ...present(first), dueAt: scene.after(30), heldTo: 1, fence: 1, version: 2 }
    const paused = { ...present(second), dueAt: scene.after(10), version: 2 }
    same(await scene.store.replacePulls([held, paused]), [true, true])
    same(await laneOf(scene, clientId, present(offers[0])), held)
    same(await due(scene.now), [[2, 3], paused.dueAt])
    same(await due(scene.after(20)), [[2, 3, 1], held.dueAt])
    same(await due(scene.after(31)), [[2, 3, 1, 0], undefined])
    same((await scene.store.duePulls(clientId, newId(), { now: scene.now, limit: 9 })).lanes, [])
  },

  'a lane is written by compare-and-set, alone and among others': async (scene) => {
    const clientId = newId()
    const offers = [offerOf(scene), offerOf(scene), offerOf(scene)]
    await scene.store.offerPulls(clientId, offers, scene.tick())
    const lanes = await Promise.all(offers.map((offer) => laneOf(scene, clientId, offer)))
    const given = [{ seq: 1, count: 2 }]
    const next = (lane: PullLane | undefined) => ({ ...present(lane), given, version: 2 })
    const [a, b, c] = [next(lanes[0]), next(lanes[1]), next(lanes[2])]
    same(await scene.store.replacePulls([b]), [true])
    same(await scene.store.replacePulls([a, b, c, { ...c, streamId: newId() }]), [true, false, true, false])
    same(await scene.store.replacePulls([]), [])
    for (const lane of [a, b, c]) same(await scene.store.findPulls(clientId, [lane]), [lane])
    const winners = await atOnce(9, () => scene.store.replacePulls([{ ...a, version: 3 }]))
    only(winners.flat().filter((each) => each))
  },

  'those that wait the longest are listed and counted, whoever has them': async (scene) => {
    const [clientId, webhookId] = [newId(), newId()]
    const offers = Array.from({ length: 3 }, () => offerOf(scene, { webhookId }))
    await scene.store.offerPulls(clientId, [...offers].reverse(), scene.tick())
    const [first, second] = await Promise.all(offers.map((offer) => laneOf(scene, clientId, offer)))
    const held = { ...present(first), dueAt: scene.after(30), heldTo: 1, version: 2 }
    await scene.store.replacePulls([held, acknowledged(present(second), scene.tick())])
    const list = async (before: Date, limit = 9) =>
      (await scene.store.listPulls(clientId, webhookId, { before, limit })).map(({ streamId }) => streamId)
    const [a, , c] = offers.map(({ streamId }) => streamId)
    same(await list(scene.after(1)), [a, c])
    same(await list(scene.after(1), 1), [a])
    same(await list(present(offers[2]).at), [a])
    same(await list(present(offers[0]).at), [])
    const { at: oldest } = present(offers[0])
    same(await scene.store.pullBacklog(clientId, webhookId, 2), { lanes: 2, isMore: false, oldest })
    same(await scene.store.pullBacklog(clientId, webhookId, 1), { lanes: 1, isMore: true, oldest })
  },

  'lanes in which nothing waits are removed by their age': async (scene) => {
    const clientId = newId()
    const offers = [offerOf(scene), offerOf(scene), offerOf(scene)]
    await scene.store.offerPulls(clientId, offers, scene.tick())
    const [a, b] = await Promise.all(offers.map((offer) => laneOf(scene, clientId, offer)))
    const times = [scene.tick(), scene.tick()] as const
    const idle = [acknowledged(present(a), times[0]), acknowledged(present(b), times[1])]
    await scene.store.replacePulls(idle)
    same(await scene.store.purgePulls(times[0], 9), 0)
    same(await scene.store.purgePulls(times[1], 9), 1)
    same(await scene.store.purgePulls(scene.after(9), 9), 1)
    same((await scene.store.findPulls(clientId, offers)).length, 1)
  },

  'lanes of another client are not found, and stay when one is purged': async (scene) => {
    const [mine, yours] = [newId(), newId()]
    const [offer, other] = [offerOf(scene), offerOf(scene)]
    await scene.store.offerPulls(mine, [offer], scene.tick())
    await scene.store.offerPulls(yours, [other], scene.tick())
    same(await scene.store.findPulls(yours, [offer]), [])
    same(await scene.store.duePulls(yours, offer.webhookId, { now: scene.now, limit: 9 }), { lanes: [] })
    same(await scene.store.pullBacklog(yours, offer.webhookId, 9), { lanes: 0, isMore: false })
    while (!(await scene.store.purgeClient(mine, 1)));
    same(await scene.store.findPulls(mine, [offer]), [])
    same((await scene.store.findPulls(yours, [other])).length, 1)
  },

  'a deleted conversation is not purged before a reader has its end': async (scene) => {
    const talk = await scene.talk()
    const { clientId, streamId } = talk
    const event = scene.event('conversation.deleted')
    const { entry } = present(await scene.store.deleteConversation(clientId, streamId, event))
    const offer = offerOf(scene, { streamId, after: entry.seq - 1, upTo: entry.seq })
    await scene.store.offerPulls(clientId, [offer], scene.tick())
    const other = await scene.talk(clientId)
    await scene.store.deleteConversation(clientId, other.streamId, scene.event('conversation.deleted'))
    await scene.store.purgeDeleted(100)
    same((await scene.store.readEntries(talk, entry.seq - 1, 9)).length, 1)
    same((await scene.store.readEntries(other, 0, 9)).length, 0)
    const lane = await laneOf(scene, clientId, offer)
    await scene.store.replacePulls([acknowledged(lane, scene.tick())])
    await scene.store.purgeDeleted(100)
    same(await scene.store.readEntries(talk, 0, 9), [])
  },
}
