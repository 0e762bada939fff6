import assert from 'node:assert/strict'
import { newId } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import { idsOf, only, present, same } from './assertions.js'
import type { Cases } from './scene.js'
import { populate, snapshot } from './world.js'

/** What was answered is on disk. */
export const durabilityCases: Cases = {
  'everything that was acknowledged is there': async (scene) => {
    const worlds = [await populate(scene, { externalId: 'ext', name: 'shop' }), await populate(scene)]
    await scene.store.putMeta('key', 'text')
    const before = await Promise.all(worlds.map((world) => snapshot(scene.store, world)))
    const store = await scene.reopen()
    same(await Promise.all(worlds.map((world) => snapshot(store, world))), before)
    same([await store.getMeta('key'), await store.putMetaIfAbsent('key', 'other')], ['text', 'text'])
    same((await store.findClient({ name: 'shop' }))?.externalId, 'ext')
    for (const { client, counter } of worlds) same(await store.increment(client.id, counter), 2)
    for (const { claim } of worlds)
      same((await store.claimKey({ ...claim, expiresBefore: new Date(0) })).fresh, false)
  },

  "the order of a user's conversations goes on where it was": async (scene) => {
    const { id: clientId } = await scene.client()
    const user = await scene.user(clientId)
    const [a, b] = [await scene.conversation(user), await scene.conversation(user)]
    for (const talk of [b, a, a]) await scene.say(talk)
    const order = async () => idsOf(await scene.store.listConversations(clientId, user.id, { limit: 2 }))
    for (const [talk, expected] of [
      [a, [a, b]],
      [b, [b, a]],
      [b, [b, a]],
      [a, [a, b]],
    ] as const) {
      await scene.reopen()
      await scene.say(talk)
      same(
        await order(),
        expected.map(({ streamId }) => streamId),
      )
    }
  },

  'everything that is owed is due, also what somebody held': async (scene) => {
    const { id: clientId } = await scene.client()
    const [waits, held, begun, done, empty] = await Promise.all(
      [1, 2, 3, 4, 5].map(() => scene.talk(clientId)),
    )
    assert.ok(waits && held && begun && done && empty)
    const target = webhookTarget(newId())
    await scene.say(waits, { owes: [target] })
    await scene.claimAtAppend(held, target)
    const [first, second] = [
      await scene.claimAtAppend(begun, target),
      await scene.claimAtAppend(done, target),
    ]
    const lanes = { [target]: { done: 1, attempt: 2, error: 'no' } }
    await scene.store.mark(begun, first.claimed.lease, { scanned: 2, lanes, nextAt: 'active' })
    await scene.store.mark(done, second.claimed.lease, { scanned: 2, lanes: {}, nextAt: null })
    await scene.say(empty)
    await scene.reopen()
    same((await scene.store.backlog(10)).streams, 3)
    const due = await scene.claimDue(scene.afterLeases)
    const streams = [waits, held, begun].map(({ streamId }) => streamId)
    same(due.map(({ streamId }) => streamId).sort(), streams.sort())
    const claimed = only(due.filter(({ streamId }) => streamId === begun.streamId))
    same([claimed.scanned, claimed.lanes, claimed.seq], [2, lanes, 2])
  },

  'what was to wait is due at its time, and what was replayed is due': async (scene) => {
    const [waits, replayed] = [await scene.talk(), await scene.talk()]
    const target = webhookTarget(newId())
    const { claimed } = await scene.claimAtAppend(waits, target)
    const until = scene.after(60)
    const lanes = { [target]: { done: 1, blockedUntil: until } }
    await scene.store.mark(waits, claimed.lease, { scanned: 2, lanes, nextAt: until })
    const { entry, claimed: other } = await scene.claimAtAppend(replayed, target)
    const dead = { reason: 'exhausted', attempts: 1, at: scene.tick(), label: 'url' } as const
    await scene.store.bury(replayed, entry.seq, target, dead)
    await scene.store.mark(replayed, other.lease, { scanned: 2, lanes: {}, nextAt: null })
    const { clientId } = replayed
    await scene.store.replay({ clientId, entryId: entry.id, target, to: target, now: scene.tick() })
    await scene.reopen()
    same(await scene.dueStreams(), [replayed.streamId])
    const due = (await scene.claimDue(until)).find(({ streamId }) => streamId === waits.streamId)
    same(due?.lanes, lanes)
  },

  'an endpoint gives the conversation that it gave before': async (scene) => {
    const { id: clientId } = await scene.client()
    const { appended: _, ...first } = await scene.store.mapEndpoint(scene.mapping(clientId))
    await scene.reopen()
    same(await scene.store.mapEndpoint(scene.mapping(clientId)), { ...first, appended: [] })
    const thread = await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { thread: 'other' } }))
    same([thread.userId, thread.appended.length], [first.userId, 1])
  },

  'a stream goes on where it was, in numbers, times and what it has seen': async (scene) => {
    const talk = await scene.talk()
    const at = scene.after(60)
    const first = await scene.say(talk, { at, dedupe: 'event 1' })
    await scene.reopen()
    for (const seen of [{ dedupe: 'event 1' }, { id: first.id }]) {
      const { duplicate, entry } = await scene.append(talk, seen)
      same([duplicate, entry], [true, first])
    }
    const next = await scene.say(talk)
    same(next.at, at)
    same((await scene.entries(talk)).slice(1), [first, next])
  },

  'what was deleted stays deleted, and is purged': async (scene) => {
    const [talk, gone] = [await scene.talk(), await scene.talk()]
    const [first, second] = [await scene.say(talk), await scene.say(talk)]
    await scene.store.deleteMessages(talk.clientId, talk.streamId, first.id, scene.tick())
    await scene.store.deleteConversation(gone.clientId, gone.streamId, scene.event('conversation.deleted'))
    const before = [await scene.entries(talk), await scene.entries(gone)]
    const store = await scene.reopen()
    same([await scene.entries(talk), await scene.entries(gone)], before)
    same(idsOf(present(await store.listMessages(talk.clientId, talk.streamId, { limit: 9 }))), [second.id])
    same(await store.findConversation(gone.clientId, gone.streamId), undefined)
    same(await store.append(scene.appending(gone)), undefined)
    assert.ok((await store.purgeDeleted(1000)) >= 2)
    same(await scene.entries(gone), [])
  },

  'who was deleted stays deleted, what was removed stays removed, and groups go on': async (scene) => {
    const { id: clientId } = await scene.client()
    const [old, left] = [
      await scene.store.mapEndpoint(scene.mapping(clientId)),
      await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender: 'other' } })),
    ]
    const group = { clientId, streamId: newId() }
    const conversation = { id: group.streamId, clientId, createdAt: scene.tick() }
    await scene.store.createConversation(conversation, scene.event('conversation.new'))
    const { at: lastMessageAt } = await scene.say(group)
    await scene.store.deleteUser(clientId, old.userId, scene.event('user.deleted'))
    await scene.store.removeEndpoint(clientId, left.conversationId, left.endpointId)
    const store = await scene.reopen()
    same(await store.findUser(clientId, old.userId), undefined)
    const fresh = await store.mapEndpoint(scene.mapping(clientId))
    same([fresh.userId === old.userId, fresh.appended.length], [false, 2])
    const moved = await store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender: 'other' } }))
    same([moved.userId, moved.conversationId === left.conversationId], [left.userId, false])
    same((await store.findConversation(clientId, left.conversationId))?.endpoints, [])
    const found = { ...conversation, lastMessageAt, seq: 2, endpoints: [] }
    same(await store.findConversation(clientId, group.streamId), found)
    same((await scene.say(group)).seq, 3)
    assert.ok((await store.purgeDeleted(100)) >= 2)
  },

  'what is under way when the store closes is there when it was answered, and never half': async (scene) => {
    const talk = await scene.talk()
    const target = webhookTarget(newId())
    const appends = Promise.allSettled(
      Array.from({ length: 50 }, () => scene.append(talk, { owes: [target] })),
    )
    await scene.reopen()
    const answered = (await appends).flatMap((result) =>
      result.status === 'fulfilled' ? [result.value.entry] : [],
    )
    const entries = await scene.entries(talk)
    for (const { id, seq } of answered) same(entries[seq - 1]?.id, id)
    const { seq } = await scene.say(talk, { owes: [target] })
    const [due] = await scene.claimDue(scene.afterLeases)
    same([due?.streamId, due?.seq], [talk.streamId, seq])
  },
}
