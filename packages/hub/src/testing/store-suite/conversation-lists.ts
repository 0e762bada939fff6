import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import {
  ACTIVITY_GRAIN_MS,
  COUNTED_DEAD,
  PREVIEW_BYTES,
  type RecentConversation,
  type RecentPage,
} from '../../log/recent.js'
import { endpointTarget, webhookTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { idsOf, present, same } from './assertions.js'
import { deadOf } from './dead-letter-lists.js'
import type { Cases, Scene, Talk } from './scene.js'

/** Longer than the order of recent conversations is inexact, in seconds. */
const GRAIN = ACTIVITY_GRAIN_MS / 1000

/** Conversations by activity, and what a list shows of each. */
export const conversationListCases: Cases = {
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
}

const byId = (a: { id: Id }, b: { id: Id }): number => (a.id < b.id ? -1 : 1)

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
