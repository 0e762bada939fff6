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
import {
  ACTIVITY_GRAIN_MS,
  COUNTED_DEAD,
  PREVIEW_BYTES,
  type RecentConversation,
  type RecentPage,
} from '../../log/recent.js'
import { endpointTarget, type Target, webhookTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { idsOf, only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** Longer than the order of recent conversations is inexact, in seconds. */
const GRAIN = ACTIVITY_GRAIN_MS / 1000

/** What operators look for: conversations by activity, dead letters by filter, and what is pending. */
export const listCases: Cases = {
  'conversations are listed by newest activity, a silent one by when it was created': async (scene) => {
    const { id: clientId } = await scene.client()
    const [a, b] = [await scene.talk(clientId), await scene.talk(clientId)]
    const silent = { clientId, id: newId(), createdAt: scene.after(3 * GRAIN) }
    await scene.store.createConversation(silent, scene.event('conversation.new'))
    await scene.say(a, { at: scene.after(4 * GRAIN) })
    await scene.say(b, { at: scene.after(2 * GRAIN) })
    same(await recent(scene, clientId), [a.streamId, silent.id, b.streamId])
    await scene.say(b, { at: scene.after(6 * GRAIN) })
    same(await recent(scene, clientId), [b.streamId, a.streamId, silent.id])
    const [newest] = await scene.store.recentConversations(clientId, { limit: 1 })
    const { activeAt, ...record } = present(newest)
    same(record, await scene.store.findConversation(clientId, b.streamId))
    same(activeAt, record.lastMessageAt)
  },

  'whatever is said when, no conversation is listed further from its newest message than the grain': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const user = await scene.user(clientId)
    const keeps = async (steps: (readonly [talk: number, seconds: number])[]) => {
      const talks: Talk[] = []
      for (let i = 0; i < 3; i += 1) talks.push(await scene.conversation(user))
      let seconds = 0
      for (const [which, pause] of steps) {
        seconds += pause
        await scene.say(talks[which] as Talk, { at: scene.after(seconds) })
      }
      const listed = await pagesOf(scene, clientId, { limit: 2 })
      for (const [index, { activeAt, lastMessageAt, createdAt }] of listed.entries()) {
        const late = (lastMessageAt ?? createdAt).getTime() - activeAt.getTime()
        assert.ok(
          late >= 0 && late < ACTIVITY_GRAIN_MS,
          `${late} ms between the order and the newest message`,
        )
        const before = listed[index - 1]
        assert.ok(!before || before.activeAt >= activeAt, 'the list is not in its own order')
      }
      for (const { clientId: client, streamId } of talks)
        await scene.store.deleteConversation(client, streamId, scene.event('conversation.deleted'))
    }
    const step = fc.tuple(fc.nat(2), fc.nat(2 * GRAIN))
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), keeps), { numRuns: SLOW_RUNS })
  },

  'pages of any size skip and repeat no conversation, also of those that are equally old': async (scene) => {
    const { id: clientId } = await scene.client()
    const user = await scene.user(clientId)
    const at = scene.after(2 * GRAIN)
    const talks: Talk[] = []
    for (let i = 0; i < 7; i += 1) talks.push(await scene.conversation(user))
    for (const talk of talks.slice(2)) await scene.say(talk, { at })
    const all = idsOf(await scene.store.recentConversations(clientId, { limit: 100 }))
    same([...all].sort(), talks.map(({ streamId }) => streamId).sort())
    for (const limit of [1, 2, 3, 7, 8]) same(idsOf(await pagesOf(scene, clientId, { limit })), all)
  },

  'conversations are found by the channel of an endpoint, and by the time of their activity': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const telegram = { name: 'telegram', custom: false }
    const second = { ...telegram, integration: 'second' }
    const channels = [telegram, second, telegram, { name: 'vonage', custom: false }]
    const ids: Id[] = []
    for (const [i, channel] of channels.entries()) {
      const mapping = { ...scene.mapping(clientId, { channel, endpoint: { sender: `${i}` } }) }
      const { conversationId } = await scene.store.mapEndpoint(mapping)
      await scene.say({ clientId, streamId: conversationId }, { at: scene.after((i + 2) * 2 * GRAIN) })
      ids.push(conversationId)
    }
    const [a, b, c, d] = ids
    same(await recent(scene, clientId, { channel: 'telegram' }), [c, a])
    same(await recent(scene, clientId, { channel: 'telegram/second' }), [b])
    same(await recent(scene, clientId, { channel: 'web' }), [])
    for (const limit of [1, 2])
      same(idsOf(await pagesOf(scene, clientId, { channel: 'telegram', limit })), [c, a])
    const listed = await scene.store.recentConversations(clientId, { limit: 10 })
    const [, third, , first] = listed.map(({ activeAt }) => activeAt)
    same(await recent(scene, clientId, { since: present(third) }), [d, c])
    same(await recent(scene, clientId, { until: present(third) }), [c, b, a])
    same(await recent(scene, clientId, { channel: 'telegram', until: present(first) }), [a])
    same(await recent(scene, clientId, { channel: 'telegram', since: present(third) }), [c])
  },

  'an endpoint that was removed, and a conversation that was deleted, are in no list': async (scene) => {
    const { id: clientId } = await scene.client()
    const kept = await scene.talk(clientId)
    const made: { conversationId: Id; endpointId: Id }[] = []
    for (const sender of ['a', 'b'])
      made.push(await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender } })))
    const [a, b] = made.map((each) => present(each))
    if (!a || !b) return
    await scene.store.removeEndpoint(clientId, a.conversationId, a.endpointId)
    same(await recent(scene, clientId, { channel: 'telegram' }), [b.conversationId])
    same(await scene.store.findPlaces(clientId, 'a', 10), [])
    await scene.store.deleteConversation(clientId, b.conversationId, scene.event('conversation.deleted'))
    same(await recent(scene, clientId, { channel: 'telegram' }), [])
    same(await recent(scene, clientId), [a.conversationId, kept.streamId])
    same(await scene.store.findPlaces(clientId, 'b', 10), [])
    while ((await scene.store.purgeDeleted(100)) > 0);
    same(await recent(scene, clientId), [a.conversationId, kept.streamId])
  },

  'endpoints are found by their sender, whatever their channel and thread': async (scene) => {
    const { id: clientId } = await scene.client()
    const vonage = { name: 'vonage', custom: false }
    const sender = '+1 "555" [0]'
    const first = await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender } }))
    const second = await scene.store.mapEndpoint(
      scene.mapping(clientId, { endpoint: { sender, thread: '2' } }),
    )
    const third = await scene.store.mapEndpoint(
      scene.mapping(clientId, { channel: vonage, endpoint: { sender } }),
    )
    for (const other of [`${sender}0`, sender.slice(0, -1)])
      await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender: other } }))
    const places = [first, second, third].map(({ appended: _, ...place }) => place)
    const found = await scene.store.findPlaces(clientId, sender, 10)
    const byId = (a: { endpointId: Id }, b: { endpointId: Id }) => (a.endpointId < b.endpointId ? -1 : 1)
    same(found.sort(byId), places.sort(byId))
    same((await scene.store.findPlaces(clientId, sender, 2)).length, 2)
  },

  'the newest message of each conversation is read at once, unless it is large': async (scene) => {
    const { id: clientId } = await scene.client()
    const [short, long, gone, silent] = [
      await scene.talk(clientId),
      await scene.talk(clientId),
      await scene.talk(clientId),
      await scene.talk(clientId),
    ]
    await scene.say(short, { payload: '"older"' })
    const newest = await scene.say(short, { details: '{"a":1}' })
    await scene.say(short, { type: 'activity' })
    await scene.say(long, { payload: JSON.stringify('x'.repeat(PREVIEW_BYTES)) })
    const before = await scene.say(gone)
    const deleted = await scene.say(gone)
    await scene.store.deleteMessages(clientId, gone.streamId, deleted.id, scene.tick())
    const ids = [short, long, gone, silent].map(({ streamId }) => streamId)
    const found = await scene.store.newestMessages(clientId, [...ids, newId()])
    same(
      found.sort((a, b) => (a.id < b.id ? -1 : 1)),
      [newest, before],
    )
    same(await scene.store.newestMessages(clientId, []), [])
  },

  'several conversations are found at once, each with what of it is not delivered': async (scene) => {
    const { id: clientId } = await scene.client()
    const [behind, givenUp, idle, gone, foreign] = [
      await scene.talk(clientId),
      await scene.talk(clientId),
      await scene.talk(clientId),
      await scene.talk(clientId),
      await scene.talk(),
    ]
    const [target, other] = [webhookTarget(newId()), endpointTarget(newId())]
    const { claimed } = await scene.claimAtAppend(behind, target)
    const lanes = { [target]: { done: 1 }, [other]: { done: 1 } }
    await scene.store.mark(behind, claimed.lease, { scanned: 2, lanes, nextAt: scene.after(60) })
    const { seq } = await scene.say(givenUp)
    for (let i = 0; i <= COUNTED_DEAD; i += 1)
      await scene.store.bury(givenUp, seq, webhookTarget(newId()), deadOf(scene))
    await scene.store.deleteConversation(clientId, gone.streamId, scene.event('conversation.deleted'))
    const there = [behind, givenUp, idle].map(({ streamId }) => streamId)
    const asked = [...there, gone.streamId, foreign.streamId, behind.userId, newId()]
    const [first, second, third] = there
    same(
      (await scene.store.conversationStates(clientId, asked)).sort(byId),
      [
        { id: present(first), pending: 2, dead: 0 },
        { id: present(second), pending: 0, dead: COUNTED_DEAD },
        { id: present(third), pending: 0, dead: 0 },
      ].sort(byId),
    )
    same(
      (await scene.store.findConversations(clientId, asked)).sort(byId),
      (await Promise.all(there.map((id) => scene.store.findConversation(clientId, id))))
        .map((record) => present(record))
        .sort(byId),
    )
    same(
      [await scene.store.conversationStates(clientId, []), await scene.store.findConversations(clientId, [])],
      [[], []],
    )
  },

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

const byId = (a: { id: Id }, b: { id: Id }): number => (a.id < b.id ? -1 : 1)

const deadOf = (scene: Scene): Dead => ({
  ...{ reason: 'exhausted', attempts: 3, at: scene.tick(), label: 'telegram support', error: 'HTTP 500' },
  ...{ channel: 'telegram', integrationId: newId() },
})

const recent = async (scene: Scene, clientId: Id, page: Partial<RecentPage> = {}): Promise<Id[]> =>
  idsOf(await scene.store.recentConversations(clientId, { limit: 100, ...page }))

/** Everything from the first page to an empty one. */
async function pagesOf(scene: Scene, clientId: Id, page: RecentPage): Promise<RecentConversation[]> {
  const all: RecentConversation[] = []
  for (;;) {
    const before = all.at(-1)
    const found = await scene.store.recentConversations(clientId, { ...page, ...(before && { before }) })
    assert.ok(found.length <= page.limit && all.length <= 1000, 'the pages do not end')
    if (found.length === 0) return all
    all.push(...found)
  }
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

/** Newest first. */
function byDeath(a: DeadRef, b: DeadRef): number {
  const order = (ref: DeadRef): string => `${ref.at.toISOString()} ${ref.entryId} ${ref.target}`
  return order(a) < order(b) ? 1 : -1
}
