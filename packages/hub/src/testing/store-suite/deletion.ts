import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import type { Entry } from '../../log/entry.js'
import { webhookTarget } from '../../log/target.js'
import { atOnce, idsOf, only, present, same } from './assertions.js'
import { type Cases, firstOf, type Scene, type Talk } from './scene.js'

/** Messages and conversations that are taken away. */
export const deletionCases: Cases = {
  'a message that is deleted is absent from the list, and the others stay': async (scene) => {
    const talk = await scene.talk()
    const [a, b, c] = [await scene.say(talk), await scene.say(talk), await scene.say(talk)]
    same(await remove(scene, talk, b.id), 1)
    same(await messages(scene, talk), [c, a])
  },

  'all messages of a conversation are deleted at once, and its events stay': async (scene) => {
    const talk = await scene.talk()
    const [event] = await scene.entries(talk)
    for (let index = 0; index < 5; index += 1) await scene.say(talk)
    const started = await scene.say(talk, { type: 'conversation.started' })
    same(await remove(scene, talk, 'all'), 5)
    same(await messages(scene, talk), [])
    const left = (await scene.entries(talk)).filter(({ deletedAt }) => !deletedAt)
    same(left, [event, started])
  },

  'what is deleted already, is unknown, is an event or is elsewhere is not deleted': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const [talk, elsewhere] = [await scene.conversation(user), await scene.conversation(user)]
    const { id } = await scene.say(talk)
    const other = await scene.say(elsewhere)
    const started = await scene.say(talk, { type: 'conversation.started' })
    same(
      [await remove(scene, talk, id), await remove(scene, talk, id), await remove(scene, talk, 'all')],
      [1, 0, 0],
    )
    for (const which of [newId(), other.id, started.id]) same(await remove(scene, talk, which), 0)
    same(await remove(scene, { ...talk, streamId: newId() }, 'all'), 0)
    same(await messages(scene, elsewhere), [other])
    same(await scene.store.findEntry(talk.clientId, started.id), started)
  },

  'of ten who delete one message at once one does': async (scene) => {
    const talk = await scene.talk()
    const { id } = await scene.say(talk)
    const counts = await atOnce(10, () => remove(scene, talk, id))
    same(counts.sort(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
  },

  'a deleted message is a tombstone that keeps its id, its number and its time, and has no payload': async (
    scene,
  ) => {
    const talk = await scene.talk()
    const message = await scene.say(talk, { payload: '{"secret":true}', owes: [webhookTarget(newId())] })
    const after = await scene.say(talk)
    const deletedAt = scene.tick()
    await scene.store.deleteMessages(talk.clientId, talk.streamId, message.id, deletedAt)
    const tombstone = present((await scene.entries(talk))[1])
    const { id, seq, at } = message
    same(pick(tombstone), { id, seq, at, deletedAt, payload: '' })
    const found = present(await scene.store.findEntry(talk.clientId, id))
    same(pick(found), { id, seq, at, deletedAt, payload: '' })
    same((await scene.say(talk)).seq, after.seq + 1)
  },

  'a conversation that is deleted is hidden, and nothing can be done with it': async (scene) => {
    const talk = await scene.talk()
    const { clientId, streamId } = talk
    const message = await scene.say(talk)
    const reply = await scene.say(talk, { incomingId: message.id })
    await scene.store.deleteConversation(clientId, streamId, removed(scene))
    same(await scene.store.findConversation(clientId, streamId), undefined)
    same(await scene.store.listConversations(clientId, talk.userId, { limit: 10 }), [])
    same(await messages(scene, talk), undefined)
    same(await scene.store.append(scene.appending(talk)), undefined)
    same(await scene.store.listReplies(clientId, streamId, message.id, { limit: 10 }), [])
    same(await scene.store.endTurn(clientId, message.id, scene.tick()), false)
    same([await remove(scene, talk, 'all'), await remove(scene, talk, reply.id)], [0, 0])
  },

  'its last entry tells that it was deleted and is owed, and the others read as deleted': async (scene) => {
    const talk = await scene.talk()
    await scene.say(talk, { owes: [webhookTarget(newId())], payload: '{"secret":true}' })
    const event = removed(scene)
    const appended = present(await scene.store.deleteConversation(talk.clientId, talk.streamId, event))
    same([appended.duplicate, appended.userId], [false, talk.userId])
    same(appended.entry, { ...firstOf(event, talk), seq: 3 })
    const entries = await scene.entries(talk)
    same(entries.at(-1), appended.entry)
    for (const { deletedAt, payload } of entries.slice(0, -1))
      same([deletedAt !== undefined, payload], [true, ''])
    const claimed = only(await scene.claimDue(appended.entry.at))
    same([claimed.streamId, claimed.seq], [talk.streamId, 3])
    same(await scene.store.findEntry(talk.clientId, event.id), appended.entry)
  },

  'a conversation that is unknown or deleted already is not deleted': async (scene) => {
    const talk = await scene.talk()
    const drop = (id: Id) => scene.store.deleteConversation(talk.clientId, id, removed(scene))
    same(await drop(newId()), undefined)
    const answers = await atOnce(10, () => drop(talk.streamId))
    only(answers.filter((answer) => answer !== undefined))
    same(await drop(talk.streamId), undefined)
    same((await scene.entries(talk)).length, 2)
  },

  "a user's other conversations stay as they are": async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const [gone, kept] = [await scene.conversation(user), await scene.conversation(user)]
    const message = await scene.say(kept)
    await scene.store.deleteConversation(gone.clientId, gone.streamId, removed(scene))
    same(await messages(scene, kept), [message])
    same(idsOf(await scene.store.listConversations(user.clientId, user.id, { limit: 10 })), [kept.streamId])
  },

  'an append that meets a deletion comes before it or not at all': async (scene) => {
    const talk = await scene.talk()
    const appends = Array.from({ length: 20 }, () => scene.store.append(scene.appending(talk)))
    const deletion = scene.store.deleteConversation(talk.clientId, talk.streamId, removed(scene))
    const late = Array.from({ length: 20 }, () => scene.store.append(scene.appending(talk)))
    const { entry: last } = present(await deletion)
    const taken = (await Promise.all([...appends, ...late])).flatMap((answer) =>
      answer ? [answer.entry.id] : [],
    )
    const entries = await scene.entries(talk)
    same(entries.at(-1), last)
    same(idsOf(entries).slice(1, -1).sort(), taken.sort())
  },

  'a deleted conversation is purged when nothing of it is owed any more, and not before': async (scene) => {
    const talk = await scene.talk()
    const kept = await scene.talk(talk.clientId)
    const entries = [...(await scene.entries(talk)), await scene.say(talk)]
    const target = webhookTarget(newId())
    const event = { ...removed(scene), owes: [target], claim: true }
    const { entry, claimed } = present(
      await scene.store.deleteConversation(talk.clientId, talk.streamId, event),
    )
    same(await scene.store.purgeDeleted(1000), 0)
    const { lease } = present(claimed, 'a lease')
    const blocked = { [target]: { done: entry.seq - 1, attempt: 1 } }
    await scene.store.mark(talk, lease, { scanned: entry.seq, lanes: blocked, nextAt: 'active' })
    same(await scene.store.purgeDeleted(1000), 0)
    same((await scene.entries(talk)).length, 3)
    await scene.store.mark(talk, lease, { scanned: entry.seq, lanes: { [target]: null }, nextAt: null })
    assert.ok((await scene.store.purgeDeleted(1000)) >= 3)
    same(await scene.store.purgeDeleted(1000), 0)
    for (const { id } of [...entries, entry]) same(await scene.store.findEntry(talk.clientId, id), undefined)
    same([await scene.entries(talk), await scene.store.findProgress(talk)], [[], undefined])
    same((await scene.entries(kept)).length, 1)
  },

  'deleted conversations are purged in slices no larger than asked for': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const rows: Entry[] = []
    for (const talk of [await scene.conversation(user), await scene.conversation(user)]) {
      rows.push(await scene.say(talk), await scene.say(talk))
      await scene.store.deleteConversation(talk.clientId, talk.streamId, { ...removed(scene), owes: [] })
    }
    let purged = 0
    for (let gone = -1; gone !== 0; purged += gone) {
      const before = await count(scene, rows)
      gone = await scene.store.purgeDeleted(2)
      assert.ok(gone >= 0 && gone <= 2 && before - (await count(scene, rows)) <= 2, `${gone} rows at once`)
    }
    assert.ok(purged >= rows.length)
    same(await count(scene, rows), 0)
  },
}

const removed = (scene: Scene) => scene.event('conversation.deleted', { owes: [webhookTarget(newId())] })

const remove = (scene: Scene, { clientId, streamId }: Talk, which: Id | 'all'): Promise<number> =>
  scene.store.deleteMessages(clientId, streamId, which, scene.tick())

const messages = ({ store }: Scene, { clientId, streamId }: Talk) =>
  store.listMessages(clientId, streamId, { limit: 100 })

const pick = ({ id, seq, at, deletedAt, payload }: Entry) => ({ id, seq, at, deletedAt, payload })

/** How many of the entries are still there. */
async function count({ store }: Scene, entries: readonly Entry[]): Promise<number> {
  const found = await Promise.all(entries.map(({ clientId, id }) => store.findEntry(clientId, id)))
  return found.filter((entry) => entry !== undefined).length
}
