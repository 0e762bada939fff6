import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import type { OwingPlace } from '../../log/owing-streams.js'
import { webhookTarget } from '../../log/target.js'
import { only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** What is not delivered yet, longest due first. */
export const pendingListCases: Cases = {
  'streams that owe something are listed longest due first, with their progress': async (scene) => {
    const { id: clientId } = await scene.client()
    const target = webhookTarget(newId())
    const other = await scene.talk()
    await scene.say(other, { owes: [target] })
    const talks: Talk[] = []
    const waits = [3, 1, 2]
    for (const seconds of waits) {
      const talk = await scene.talk(clientId)
      const { claimed } = await scene.claimAtAppend(talk, target)
      const blockedUntil = scene.after(seconds * 60)
      const lanes = { [target]: { done: 1, attempt: 2, blockedUntil, error: 'HTTP 500' } }
      await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes, nextAt: blockedUntil })
      talks.push(talk)
    }
    const held = await scene.talk(clientId)
    await scene.claimAtAppend(held, target)
    await scene.talk(clientId)
    const listed = await scene.store.listOwing(clientId, { limit: 10 })
    const [a, b, c] = talks.map(({ streamId }) => streamId)
    same(
      listed.filter(({ isHeld }) => !isHeld).map(({ streamId }) => streamId),
      [b, c, a],
    )
    same(only(listed.filter(({ isHeld }) => isHeld)).streamId, held.streamId)
    const mine = present(listed.find(({ streamId }) => streamId === a))
    const { scanned, lanes } = present(await scene.store.findProgress(present(talks[0])))
    same([mine.scanned, mine.lanes, mine.seq, mine.userId], [scanned, lanes, 2, present(talks[0]).userId])
    same(mine.endpoints, [])
    for (const limit of [1, 3])
      same(
        await owingPages(scene, clientId, limit),
        listed.map(({ streamId }) => streamId),
      )
    const { streamId } = await scene.talk(clientId)
    assert.ok(!listed.some((each) => each.streamId === streamId))
  },

  'pages of streams that are due at one time skip and repeat none': async (scene) => {
    const { id: clientId } = await scene.client()
    const target = webhookTarget(newId())
    const ids: Id[] = []
    for (let i = 0; i < 5; i += 1) {
      const talk = await scene.talk(clientId)
      await scene.say(talk, { owes: [target] })
      ids.push(talk.streamId)
    }
    await scene.store.wakeClient(clientId, scene.after(-3600))
    for (const limit of [1, 2, 5, 6]) same((await owingPages(scene, clientId, limit)).sort(), [...ids].sort())
  },

  'a walk over streams of one time skips and repeats none while others come and go': async (scene) => {
    const { id: clientId } = await scene.client()
    const time = scene.after(-3600)
    const talks = new Map<Id, Talk>()
    const come = async () => {
      const talk = await scene.talk(clientId)
      await scene.say(talk, { owes: [webhookTarget(newId())] })
      await scene.store.wakeClient(clientId, time)
      talks.set(talk.streamId, talk)
    }
    const leave = async (id: Id | undefined) => {
      const talk = present(id && talks.get(id))
      const { entry, claimed } = await scene.claimAtAppend(talk, webhookTarget(newId()))
      await scene.store.mark(talk, claimed.lease, { scanned: entry.seq, lanes: {}, nextAt: null })
    }
    const vanish = async (id: Id) => {
      await leave(id)
      await scene.store.deleteConversation(clientId, id, scene.event('conversation.deleted'))
      while ((await scene.store.purgeDeleted(100)) > 0);
    }
    while (talks.size < 8) await come()
    const stay = [...talks.keys()]
    const seen: Id[] = []
    const page = async (after?: OwingPlace) => {
      const streams = await scene.store.listOwing(clientId, { limit: 2, ...(after && { after }) })
      seen.push(...streams.map(({ streamId }) => streamId))
      return streams.at(-1)
    }
    const first = present(await page())
    await leave(seen[0])
    await come()
    const second = present(await page(first))
    await leave(second.streamId)
    await come()
    const third = present(await page(second))
    await vanish(third.streamId)
    await come()
    for (let last = await page(third); last && seen.length < 20; last = await page(last));
    same(seen.length, new Set(seen).size)
    same(
      stay.filter((id) => !seen.includes(id)),
      [],
    )
  },
}

async function owingPages(scene: Scene, clientId: Id, limit: number): Promise<Id[]> {
  const all: OwingPlace[] = []
  for (;;) {
    const after = all.at(-1)
    const page = await scene.store.listOwing(clientId, { limit, ...(after && { after }) })
    assert.ok(page.length <= limit && all.length <= 1000, 'the pages do not end')
    if (page.length === 0) return all.map(({ streamId }) => streamId)
    all.push(...page.map(({ nextAt, streamId }) => ({ nextAt, streamId })))
  }
}
