import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import { type Dead, type DeadEntry, deathReasons, type Entry, type StreamRef } from '../../log/entry.js'
import { endpointTarget, replayLane, type Target, webhookTarget } from '../../log/target.js'
import type { Replay } from '../../ports/store.js'
import { allPages, atOnce, idsOf, only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** Deliveries that were given up, and taken up again. */
export const deadCases: Cases = {
  'a delivery that is given up stands on its entry, with why and when': async (scene) => {
    const talk = await scene.talk()
    for (const reason of deathReasons) {
      const [target, other] = [webhookTarget(newId()), endpointTarget(newId())]
      const entry = await scene.say(talk, { owes: [target, other] })
      const first: Dead = {
        reason,
        attempts: 3,
        at: scene.tick(),
        label: 'https://bot.example/a?b',
        error: 'HTTP "500"\n',
      }
      const second: Dead = { reason, attempts: 0, at: scene.tick(), label: 'telegram' }
      await scene.store.bury(talk, entry.seq, target, first)
      const dead = { [target]: first, [other]: second }
      await scene.store.bury(talk, entry.seq, other, second)
      same(await scene.store.findEntry(talk.clientId, entry.id), { ...entry, dead })
      same((await scene.entries(talk)).at(-1), { ...entry, dead })
      const { payload: _, ...listed } = entry
      same((await scene.store.listDead(talk.clientId, { limit: 10 }))[0], { ...listed, dead })
    }
  },

  'a delivery that is given up twice is dead once': async (scene) => {
    const talk = await scene.talk()
    const target = webhookTarget(newId())
    const { seq, id } = await scene.say(talk, { owes: [target] })
    const dead = deadOf(scene)
    await atOnce(5, () => scene.store.bury(talk, seq, target, dead))
    same(only(await scene.store.listDead(talk.clientId, { limit: 10 })).dead, { [target]: dead })
    present(await scene.store.replay(replayOf(scene, talk, { id }, target)))
    same(await scene.store.listDead(talk.clientId, { limit: 10 }), [])
  },

  'deliveries of one entry that are given up at once are all dead': async (scene) => {
    const talk = await scene.talk()
    const targets = Array.from({ length: 10 }, () => webhookTarget(newId()))
    const { seq } = await scene.say(talk, { owes: targets })
    await Promise.all(targets.map((target) => scene.store.bury(talk, seq, target, deadOf(scene))))
    const entry = only(await scene.store.listDead(talk.clientId, { limit: 10 }))
    same(Object.keys(entry.dead ?? {}).sort(), [...targets].sort())
  },

  'entries with dead deliveries are listed newest first, of all streams, in pages of any size': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const talks = [await scene.talk(clientId), await scene.talk(clientId)]
    const buried: Entry[] = []
    for (let index = 0; index < 7; index += 1) {
      const talk = present(talks[index % 2])
      buried.unshift(await bury(scene, talk))
      await scene.say(talk, { owes: [webhookTarget(newId())] })
    }
    for (const limit of [1, 2, 3, 7, 8]) {
      same(idsOf(await allPages(limit, (page) => scene.store.listDead(clientId, page))), idsOf(buried))
    }
  },

  'entries that are replayed between two pages do not disturb them': async (scene) => {
    const talk = await scene.talk()
    const buried: Entry[] = []
    for (let index = 0; index < 5; index += 1) buried.unshift(await bury(scene, talk))
    const replay = async (entry: DeadEntry) => {
      const [target] = entry.owes
      present(await scene.store.replay(replayOf(scene, talk, entry, present(target))))
    }
    const pages = await allPages(1, (page) => scene.store.listDead(talk.clientId, page), replay)
    same(idsOf(pages), idsOf(buried))
  },

  'a replay gives the delivery a lane of its own, that begins now and is due': async (scene) => {
    const { talk, entry, target, dead } = await atRest(scene)
    const now = scene.tick()
    const key = replayLane(entry.seq, dead.at, target)
    const replayed = present(await scene.store.replay({ ...replayOf(scene, talk, entry, target), now }))
    const { lane, ...where } = replayed
    same(where, { clientId: talk.clientId, streamId: talk.streamId, key })
    same([lane.since, lane.done < entry.seq], [now, true])
    same(await scene.store.findProgress(talk), { scanned: 2, lanes: { [key]: lane } })
    same((await scene.store.findEntry(talk.clientId, entry.id))?.dead?.[target], undefined)
    same(await scene.store.listDead(talk.clientId, { limit: 10 }), [])
    const claimed = only(await scene.claimDue(now))
    same([claimed.streamId, claimed.lanes], [talk.streamId, { [key]: lane }])
  },

  'a replay that died is replayed before its end is marked: the mark leaves the new lane': async (scene) => {
    const { talk, entry, target } = await atRest(scene)
    const first = present(await scene.store.replay(replayOf(scene, talk, entry, target)))
    const { lease } = only(await scene.claimDue(scene.tick()))
    await scene.store.bury(talk, entry.seq, target, deadOf(scene))
    const { key, lane } = present(await scene.store.replay(replayOf(scene, talk, entry, target)))
    await scene.store.mark(talk, lease, { scanned: 2, lanes: { [first.key]: null }, nextAt: null })
    same((await scene.store.findProgress(talk))?.lanes, { [key]: lane })
    same(await scene.dueStreams(), [talk.streamId])
  },

  'a replay to another target has a lane to that one': async (scene) => {
    const { talk, entry, target, dead } = await atRest(scene)
    const to = webhookTarget(newId())
    const { key, lane } = present(await scene.store.replay({ ...replayOf(scene, talk, entry, target), to }))
    same(key, replayLane(entry.seq, dead.at, to))
    same((await scene.store.findProgress(talk))?.lanes, { [key]: lane })
    same(await scene.store.listDead(talk.clientId, { limit: 10 }), [])
    same(await scene.dueStreams(), [talk.streamId])
  },

  'a replay leaves the other dead deliveries of its entry dead': async (scene) => {
    const { talk, entry, target, dead: first } = await atRest(scene)
    const [other, dead] = [webhookTarget(newId()), deadOf(scene)]
    await scene.store.bury(talk, entry.seq, other, dead)
    await scene.store.replay(replayOf(scene, talk, entry, target))
    same(only(await scene.store.listDead(talk.clientId, { limit: 10 })).dead, { [other]: dead })
    await scene.store.replay(replayOf(scene, talk, entry, other))
    const lanes = (await scene.store.findProgress(talk))?.lanes ?? {}
    same(Object.keys(lanes).sort(), [replayLane(2, first.at, target), replayLane(2, dead.at, other)].sort())
  },

  'what is not dead is not replayed': async (scene) => {
    const { talk, entry, target } = await atRest(scene)
    const alive = await scene.say(talk, { owes: [target] })
    for (const [id, which] of [
      [newId(), target],
      [entry.id, webhookTarget(newId())],
      [alive.id, target],
    ] as [Id, Target][]) {
      same(await scene.store.replay(replayOf(scene, talk, { id }, which)), undefined)
    }
    same((await scene.store.findProgress(talk))?.lanes, {})
  },

  'of ten who replay one delivery at once one does': async (scene) => {
    const { talk, entry, target } = await atRest(scene)
    const replay = () => scene.store.replay(replayOf(scene, talk, entry, target))
    only((await atOnce(10, replay)).filter((answer) => answer !== undefined))
    same(await replay(), undefined)
  },

  'a replay while someone holds the stream is not forgotten when it is given back': async (scene) => {
    for (const nextAt of [null, scene.after(3600)]) {
      const { talk, entry, target } = await atRest(scene)
      const { claimed } = await scene.claimAtAppend(talk, target)
      const { key, lane } = present(await scene.store.replay(replayOf(scene, talk, entry, target)))
      same(await scene.claimDue(), [])
      const lanes = nextAt === null ? {} : { [target]: { done: 2, blockedUntil: nextAt } }
      same(await scene.store.mark(talk, claimed.lease, { scanned: 3, lanes, nextAt }), 3)
      const due = only(await scene.claimDue(scene.tick()))
      same([due.streamId, due.lanes], [talk.streamId, { ...lanes, [key]: lane }])
    }
  },

  'a lane of a replay is removed like any other': async (scene) => {
    const { talk, entry, target } = await atRest(scene)
    const { key } = present(await scene.store.replay(replayOf(scene, talk, entry, target)))
    const { lease } = only(await scene.claimDue())
    assert.equal(await scene.store.mark(talk, lease, { scanned: 2, lanes: { [key]: null }, nextAt: null }), 2)
    same(await scene.store.findProgress(talk), { scanned: 2, lanes: {} })
    same(await scene.claimDue(scene.afterLeases), [])
    same(await scene.store.backlog(10), { streams: 0, isMore: false })
  },
}

function deadOf(scene: Scene): Dead {
  return {
    ...{ reason: 'exhausted', attempts: 3, at: scene.tick(), label: 'telegram support' },
    ...{ channel: 'telegram', integrationId: newId() },
  }
}

/** An entry whose one delivery is given up. */
async function bury(scene: Scene, stream: StreamRef): Promise<Entry> {
  const target = webhookTarget(newId())
  const entry = await scene.say(stream, { owes: [target] })
  await scene.store.bury(stream, entry.seq, target, deadOf(scene))
  return entry
}

const replayOf = (
  scene: Scene,
  { clientId }: StreamRef,
  { id: entryId }: { id: Id },
  target: Target,
): Replay => ({
  clientId,
  entryId,
  target,
  to: target,
  now: scene.tick(),
})

/** A conversation whose second entry has a dead delivery, and that owes nothing. */
async function atRest(scene: Scene): Promise<{ talk: Talk; entry: Entry; target: Target; dead: Dead }> {
  const talk = await scene.talk()
  const target = webhookTarget(newId())
  const { entry, claimed } = await scene.claimAtAppend(talk, target)
  const dead = deadOf(scene)
  await scene.store.bury(talk, entry.seq, target, dead)
  await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes: {}, nextAt: null })
  return { talk, entry, target, dead }
}
