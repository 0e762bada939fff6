import { type Id, newId } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import type { Mapped } from '../../ports/store.js'
import { RACES } from '../random-runs.js'
import { atOnce, idsOf, only, present, refuses, same } from './assertions.js'
import { type Cases, firstOf, type Scene } from './scene.js'

/** People who are taken away. */
export const userDeletionCases: Cases = {
  'a user who is deleted is not found, and is given nothing': async (scene) => {
    const talk = await scene.talk()
    const { clientId, userId } = talk
    const other = await scene.user(clientId)
    await remove(scene, clientId, userId)
    same(await scene.store.findUser(clientId, userId), undefined)
    same(await scene.store.findUser(clientId, other.id), other)
    const entry = scene.appending({ clientId, streamId: userId }, { kind: 'user', type: 'user.new' })
    same(await scene.store.append(entry), undefined)
    const conversation = { id: newId(), clientId, userId, createdAt: scene.tick() }
    const create = scene.store.createConversation(conversation, scene.event('conversation.new'))
    await refuses('NOT_FOUND', create)
    same(await scene.store.findConversation(clientId, conversation.id), undefined)
  },

  'the last entry of its stream tells of it and is owed, and the others read as deleted': async (scene) => {
    const { clientId, id } = await scene.user((await scene.client()).id)
    const stream = { clientId, streamId: id }
    const owes = [webhookTarget(newId())]
    await scene.append(stream, { kind: 'user', type: 'user.new', owes, payload: '{"secret":true}' })
    const event = scene.event('user.deleted', { owes, payload: '{"last" : 1.0}' })
    const appended = present(await scene.store.deleteUser(clientId, id, event))
    same([appended.duplicate, appended.userId], [false, id])
    same(appended.entry, { ...firstOf(event, stream), seq: 3 })
    const entries = await scene.entries(stream)
    same(entries.at(-1), appended.entry)
    for (const { deletedAt, payload } of entries.slice(0, -1))
      same([deletedAt !== undefined, payload], [true, ''])
    const claimed = only(await scene.claimDue(appended.entry.at))
    same([claimed.streamId, claimed.seq], [id, 3])
    same(await scene.store.findEntry(clientId, event.id), appended.entry)
  },

  'a user who is unknown, was deleted already or is none is not deleted': async (scene) => {
    const { clientId, userId, streamId } = await scene.talk()
    for (const id of [newId(), streamId]) same(await remove(scene, clientId, id), undefined)
    only((await atOnce(10, () => remove(scene, clientId, userId))).filter((answer) => answer !== undefined))
    same(await remove(scene, clientId, userId), undefined)
    same((await scene.entries({ clientId, streamId: userId })).length, 2)
    same((await scene.store.findConversation(clientId, streamId))?.id, streamId)
  },

  'its conversations stay as they are, and go on': async (scene) => {
    const { id: clientId } = await scene.client()
    const mapped = await scene.store.mapEndpoint(scene.mapping(clientId))
    const talk = { clientId, streamId: mapped.conversationId, userId: mapped.userId }
    const said = await scene.say(talk, { author: { userId: talk.userId } })
    const before = await scene.store.findConversation(clientId, talk.streamId)
    await remove(scene, clientId, talk.userId)
    same(await scene.store.findConversation(clientId, talk.streamId), before)
    same(await scene.store.listMessages(clientId, talk.streamId, { limit: 10 }), [said])
    same(idsOf(await scene.store.walkConversations(clientId, { limit: 10 })), [talk.streamId])
    same((await scene.say(talk)).seq, 3)
  },

  'who writes from its address is a new user in a new conversation': async (scene) => {
    const { id: clientId } = await scene.client()
    const old = await scene.store.mapEndpoint(scene.mapping(clientId))
    const bystander = await scene.store.mapEndpoint(
      scene.mapping(clientId, { endpoint: { sender: 'other' } }),
    )
    await remove(scene, clientId, old.userId)
    const mapped = await atOnce(20, () => scene.store.mapEndpoint(scene.mapping(clientId)))
    const [fresh] = mapped as [Mapped]
    for (const { userId, conversationId, endpointId } of mapped)
      same([userId, conversationId, endpointId], [fresh.userId, fresh.conversationId, fresh.endpointId])
    const appended = mapped.flatMap((each) => each.appended.map(({ entry }) => entry.type))
    same(appended.sort(), ['conversation.new', 'user.new'])
    same([fresh.userId === old.userId, fresh.conversationId === old.conversationId], [false, false])
    same((await scene.store.findUser(clientId, fresh.userId))?.id, fresh.userId)
    const thread = scene.mapping(clientId, { endpoint: { thread: 'new' } })
    same((await scene.store.mapEndpoint(thread)).userId, fresh.userId)
    const again = await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender: 'other' } }))
    same([again.userId, again.appended], [bystander.userId, []])
  },

  'who writes while a user is deleted is in the end somebody who is there': async (scene) => {
    const { id: clientId } = await scene.client()
    for (let round = 0; round < RACES; round += 1) {
      const map = (thread: number) =>
        scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { thread: `${thread}` } }))
      const { userId: old } = await map(-1)
      const deletion = atOnce(4, map).then(() => remove(scene, clientId, old))
      await Promise.all([atOnce(12, map), deletion, remove(scene, clientId, old)])
      const mapped = await atOnce(12, map)
      const { userId } = mapped[0] as Mapped
      same(new Set(mapped.map((each) => each.userId)), new Set([userId]))
      same([userId === old, (await scene.store.findUser(clientId, userId))?.id], [false, userId])
      for (const { conversationId: streamId } of mapped) await scene.say({ clientId, streamId })
    }
  },

  'a deleted user is purged when nothing of it is owed any more, and not before': async (scene) => {
    const { id: clientId } = await scene.client()
    const { userId: id, conversationId } = await scene.store.mapEndpoint(scene.mapping(clientId))
    const stream = { clientId, streamId: id }
    const target = webhookTarget(newId())
    const event = scene.event('user.deleted', { owes: [target], claim: true })
    const { entry, claimed } = present(await scene.store.deleteUser(clientId, id, event))
    same(await scene.store.purgeDeleted(1000), 0)
    same((await scene.entries(stream)).length, 2)
    const { lease } = present(claimed, 'a lease')
    await scene.store.mark(stream, lease, { scanned: entry.seq, lanes: {}, nextAt: null })
    same((await scene.store.purgeDeleted(1)) === 1, true)
    same((await scene.store.purgeDeleted(1000)) >= 2, true)
    same(await scene.store.purgeDeleted(1000), 0)
    same([await scene.entries(stream), await scene.store.findProgress(stream)], [[], undefined])
    same(await scene.store.findEntry(clientId, entry.id), undefined)
    same((await scene.store.findConversation(clientId, conversationId))?.id, conversationId)
    same((await scene.say({ clientId, streamId: conversationId })).seq, 2)
    const fresh = await scene.store.mapEndpoint(scene.mapping(clientId))
    same([fresh.userId === id, fresh.conversationId === conversationId], [false, false])
  },
}

const remove = (scene: Scene, clientId: Id, id: Id) =>
  scene.store.deleteUser(clientId, id, scene.event('user.deleted', { owes: [webhookTarget(newId())] }))
