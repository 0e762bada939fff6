import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
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
}

async function owingPages(scene: Scene, clientId: Id, limit: number): Promise<Id[]> {
  const all: { streamId: Id; nextAt: Date }[] = []
  for (;;) {
    const last = all.at(-1)
    const count = all.filter(({ nextAt }) => nextAt.getTime() === last?.nextAt.getTime()).length
    const after = last && { nextAt: last.nextAt, count }
    const page = await scene.store.listOwing(clientId, { limit, ...(after && { after }) })
    assert.ok(page.length <= limit && all.length <= 1000, 'the pages do not end')
    if (page.length === 0) return all.map(({ streamId }) => streamId)
    all.push(...page)
  }
}
