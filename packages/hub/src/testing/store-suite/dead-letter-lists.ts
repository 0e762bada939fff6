import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import {
  type DeadFilter,
  type DeadLetter,
  type DeadPlace,
  type DeadRef,
  type DeadSpot,
  matchesDead,
} from '../../log/dead-letter.js'
import { type Dead, deathReasons } from '../../log/entry.js'
import { endpointTarget, type Target, webhookTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { idsOf, present, same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

/** Dead letters by filter, newest first, and all of them by conversation. */
export const deadLetterListCases: Cases = {
  'dead letters are listed by their death, newest first, with all that is known of them': async (scene) => {
    const talk = await scene.talk()
    const [one, two] = [webhookTarget(newId()), endpointTarget(newId())]
    const first = await scene.say(talk, { owes: [one, two] })
    const second = await scene.say(talk, { owes: [one] })
    const deaths = [deadOf(scene), deadOf(scene), deadOf(scene)]
    const [a, b, c] = deaths.map((each) => present(each))
    await scene.store.bury(talk, second.seq, one, present(a))
    await scene.store.bury(talk, first.seq, one, present(b))
    await scene.store.bury(talk, first.seq, two, present(c))
    const { letters, next } = await scene.store.findDead(talk.clientId, { limit: 10 })
    const { payload: _, ...shownFirst } = first
    const { payload: __, ...shownSecond } = second
    const both = { ...shownFirst, dead: { [one]: b, [two]: c } }
    same(letters, [
      { entry: both, target: two, dead: c },
      { entry: both, target: one, dead: b },
      { entry: { ...shownSecond, dead: { [one]: a } }, target: one, dead: a },
    ])
    same(next, undefined)
  },

  'a dead letter that died again is listed by its last death': async (scene) => {
    const talk = await scene.talk()
    const target = webhookTarget(newId())
    const [first, second] = [
      await scene.say(talk, { owes: [target] }),
      await scene.say(talk, { owes: [target] }),
    ]
    for (const { seq } of [first, second, first]) await scene.store.bury(talk, seq, target, deadOf(scene))
    const { letters } = await scene.store.findDead(talk.clientId, { limit: 10 })
    same(
      letters.map(({ entry }) => entry.id),
      [first.id, second.id],
    )
    same(
      (await walked(scene, talk.clientId)).map(({ entryId }) => entryId),
      [first.id, second.id],
    )
  },

  'a dead letter that is replayed is in no list, until it dies again': async (scene) => {
    const talk = await scene.talk()
    const [target, other] = [webhookTarget(newId()), webhookTarget(newId())]
    const { id: entryId, seq } = await scene.say(talk, { owes: [target, other] })
    await scene.store.bury(talk, seq, target, deadOf(scene))
    await scene.store.bury(talk, seq, other, deadOf(scene))
    const { clientId } = talk
    const listed = async () => {
      const { letters } = await scene.store.findDead(clientId, { limit: 10 })
      same(
        (await walked(scene, clientId)).map((ref) => ref.target).sort(),
        letters.map((letter) => letter.target).sort(),
      )
      return letters.map((letter) => letter.target)
    }
    await scene.store.replay({ clientId, entryId, target, to: target, now: scene.tick() })
    same(await listed(), [other])
    await scene.store.bury(talk, seq, target, deadOf(scene))
    same(await listed(), [target, other])
  },

  'a dead letter that is discarded is in no list, while its entry still tells of it': async (scene) => {
    const talk = await scene.talk()
    const { clientId } = talk
    const [target, other] = [webhookTarget(newId()), webhookTarget(newId())]
    const entry = await scene.say(talk, { owes: [target, other] })
    const [one, two] = [deadOf(scene), deadOf(scene)]
    await scene.store.bury(talk, entry.seq, target, one)
    await scene.store.bury(talk, entry.seq, other, two)
    const discard = (which: Target) => scene.store.discard(clientId, entry.id, which)
    same([await discard(target), await discard(target)], [true, false])
    const dead = { [target]: { ...one, isDiscarded: true }, [other]: two }
    same((await scene.store.findEntry(clientId, entry.id))?.dead, dead)
    same(
      (await scene.store.findDead(clientId, { limit: 10 })).letters.map((letter) => letter.target),
      [other],
    )
    same(
      (await walked(scene, clientId)).map((ref) => ref.target),
      [other],
    )
    same(idsOf(await scene.store.listDead(clientId, { limit: 10 })), [entry.id])
    same(await discard(other), true)
    same(await scene.store.listDead(clientId, { limit: 10 }), [])
    same(await scene.store.findDead(clientId, { limit: 10 }), { letters: [] })
    same((await scene.store.findEntry(clientId, entry.id))?.dead?.[other], { ...two, isDiscarded: true })
    same(await scene.store.discard(clientId, newId(), target), false)
    same(await scene.store.discard(clientId, entry.id, webhookTarget(newId())), false)
    // It dies again, or is replayed after all.
    const again = deadOf(scene)
    await scene.store.bury(talk, entry.seq, target, again)
    same(idsOf(await scene.store.listDead(clientId, { limit: 10 })), [entry.id])
    present(
      await scene.store.replay({ clientId, entryId: entry.id, target: other, to: other, now: scene.tick() }),
    )
    same((await scene.store.findEntry(clientId, entry.id))?.dead, { [target]: again })
  },

  'whatever dead letters there are, those that match a filter are found, in pages of any size': async (
    scene,
  ) => {
    const targets = [webhookTarget(newId()), endpointTarget(newId())]
    const integrations = [newId(), newId()]
    const start = scene.now.getTime()
    const finds = async (wanted: readonly Wanted[], asked: Asked, limit: number) => {
      const { id: clientId } = await scene.client()
      const talk = await scene.talk(clientId)
      const all: DeadRef[] = []
      for (const { target: t, reason, channel, integration: i, ms } of wanted) {
        const target = targets[t] as Target
        const { seq, id: entryId, type } = await scene.say(talk, { owes: [target] })
        const at = new Date(start + ms)
        const of = {
          ...{ reason: deathReasons[reason] ?? 'gone', at },
          ...(channel && { channel, integrationId: integrations[i] as Id }),
        }
        await scene.store.bury(talk, seq, target, { ...of, attempts: 1, label: 'x' })
        all.push({ ...of, streamId: talk.streamId, seq, entryId, type, target })
      }
      const filter: DeadFilter = {
        ...(asked.target !== undefined && { target: targets[asked.target] as Target }),
        ...(asked.reason !== undefined && { reason: deathReasons[asked.reason] ?? 'gone' }),
        ...(asked.channel && { channel: asked.channel }),
        ...(asked.integration !== undefined && { integrationId: integrations[asked.integration] as Id }),
        ...(asked.since !== undefined && { since: new Date(start + asked.since) }),
        ...(asked.until !== undefined && { until: new Date(start + asked.until) }),
        ...(asked.type && { type: asked.type }),
      }
      const expected = all.filter((ref) => matchesDead(ref, filter)).sort(byDeath)
      const found = await foundDead(scene, clientId, filter, limit)
      same(
        found.map(({ entry, target }) => [entry.id, target]),
        expected.map((ref) => [ref.entryId, ref.target]),
      )
      same(await walked(scene, clientId, limit), all)
    }
    const wanted = fc.record({
      ...{ target: fc.nat(1), reason: fc.nat(1), ms: fc.nat(5) },
      ...{ channel: fc.constantFrom(undefined, 'telegram', 'vonage'), integration: fc.nat(1) },
    })
    const asked = fc.record(
      {
        ...{ target: fc.nat(1), reason: fc.nat(1), since: fc.nat(5), until: fc.nat(5) },
        ...{ channel: fc.constantFrom('telegram', 'vonage'), integration: fc.nat(1) },
        type: fc.constantFrom('message' as const, 'activity' as const),
      },
      { requiredKeys: [] },
    )
    const property = fc.asyncProperty(
      fc.array(wanted, { maxLength: 8 }),
      asked,
      fc.integer({ min: 1, max: 4 }),
      finds,
    )
    await fc.assert(property, { numRuns: SLOW_RUNS })
  },

  'all dead letters are walked through by conversation, in the order of its entries': async (scene) => {
    const { id: clientId } = await scene.client()
    const talks = [await scene.talk(clientId), await scene.talk(clientId)]
    const target = webhookTarget(newId())
    const seqs: Record<Id, number[]> = {}
    for (const talk of talks) {
      const own: number[] = []
      for (let i = 0; i < 4; i += 1) own.push((await scene.say(talk, { owes: [target] })).seq)
      for (const seq of own.toReversed()) await scene.store.bury(talk, seq, target, deadOf(scene))
      seqs[talk.streamId] = own
    }
    for (const limit of [1, 3, 8, 9]) {
      const refs = await walked(scene, clientId, limit)
      const streams = [...new Set(refs.map(({ streamId }) => streamId))]
      same([...streams].sort(), talks.map(({ streamId }) => streamId).sort())
      same(
        refs.map(({ streamId, seq }) => [streamId, seq]),
        streams.flatMap((id) => (seqs[id] ?? []).map((seq) => [id, seq])),
      )
    }
    const { streamId } = present(talks[1])
    const own = await scene.store.walkDead(clientId, { streamId, limit: 10 })
    same(
      own.map(({ seq }) => seq),
      seqs[streamId],
    )
    const [first] = own
    const rest = await scene.store.walkDead(clientId, { streamId, after: present(first), limit: 10 })
    same(rest, own.slice(1))
  },

  'the dead letters of a conversation go when it is purged': async (scene) => {
    const talk = await scene.talk()
    const target = webhookTarget(newId())
    const { seq } = await scene.say(talk)
    await scene.store.bury(talk, seq, target, deadOf(scene))
    await scene.store.deleteConversation(talk.clientId, talk.streamId, scene.event('conversation.deleted'))
    for (let round = 0; (await scene.store.purgeDeleted(1)) > 0; round += 1) assert.ok(round < 100, 'no end')
    same(await scene.store.findDead(talk.clientId, { limit: 10 }), { letters: [] })
    same(await walked(scene, talk.clientId), [])
  },
}

export const deadOf = (scene: Scene): Dead => ({
  ...{ reason: 'exhausted', attempts: 3, at: scene.tick(), label: 'telegram support', error: 'HTTP 500' },
  ...{ channel: 'telegram', integrationId: newId() },
})

interface Wanted {
  target: number
  reason: number
  channel: string | undefined
  integration: number
  ms: number
}

interface Asked {
  target?: number
  reason?: number
  channel?: string
  integration?: number
  since?: number
  until?: number
  type?: DeadRef['type']
}

async function foundDead(
  scene: Scene,
  clientId: Id,
  filter: DeadFilter,
  limit: number,
): Promise<DeadLetter[]> {
  const all: DeadLetter[] = []
  for (let before: DeadPlace | undefined; ; ) {
    const { letters, next } = await scene.store.findDead(clientId, {
      ...filter,
      limit,
      ...(before && { before }),
    })
    assert.ok(letters.length <= limit && all.length <= 1000, 'the pages do not end')
    all.push(...letters)
    if (!next) return all
    before = next
  }
}

async function walked(scene: Scene, clientId: Id, limit = 100): Promise<DeadRef[]> {
  const all: DeadRef[] = []
  for (let after: DeadSpot | undefined; ; ) {
    const page = await scene.store.walkDead(clientId, { limit, ...(after && { after }) })
    assert.ok(page.length <= limit && all.length <= 1000, 'the pages do not end')
    if (page.length === 0) return all
    all.push(...page)
    after = page.at(-1)
  }
}

/** Newest first. */
function byDeath(a: DeadRef, b: DeadRef): number {
  const order = (ref: DeadRef): string => `${ref.at.toISOString()} ${ref.entryId} ${ref.target}`
  return order(a) < order(b) ? 1 : -1
}
