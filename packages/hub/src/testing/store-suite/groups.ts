import { type Conversation, newId } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import { atOnce, idsOf, only, present, same } from './assertions.js'
import { type Cases, firstOf, type Scene } from './scene.js'

/** Conversations that are no single person's. */
export const groupCases: Cases = {
  'a conversation without a user is found as it was created, and is in the list of nobody': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const { clientId } = user
    const { group, conversation, first, event } = await aGroup(scene, clientId)
    same([first.duplicate, first.userId], [false, undefined])
    same(first.entry, firstOf(event, group))
    const found = await scene.store.findConversation(clientId, group.streamId)
    same(found, { ...conversation, seq: 1, endpoints: [] })
    same(await scene.entries(group), [first.entry])
    same(await scene.store.listConversations(clientId, user.id, { limit: 10 }), [])
    same(await scene.store.walkConversations(clientId, { userId: user.id, limit: 10 }), [])
    same(idsOf(await scene.store.walkConversations(clientId, { limit: 10 })), [group.streamId])
  },

  'of twenty who create one at once one does, and all are answered the same entry': async (scene) => {
    const { id: clientId } = await scene.client()
    const conversation = { id: newId(), clientId, createdAt: scene.tick() }
    const create = () => scene.store.createConversation(conversation, scene.event('conversation.new'))
    const answers = [...(await atOnce(20, create)), await create()]
    const fresh = only(answers.filter(({ duplicate }) => !duplicate))
    for (const { entry, userId } of answers) same([entry, userId], [fresh.entry, undefined])
  },

  'messages of several people come in like in any other, and are of no user': async (scene) => {
    const { id: clientId } = await scene.client()
    const { group } = await aGroup(scene, clientId)
    const people = [await scene.user(clientId), await scene.user(clientId)]
    const said = []
    for (const { id: userId } of people) said.push(await scene.append(group, { author: { userId } }))
    const told: unknown[] = []
    const append = scene.appending(group)
    const resolve = (stream: unknown) => {
      told.push(stream)
      return { owes: [] }
    }
    said.push(present(await scene.store.append({ ...append, resolve })))
    same(
      said.map(({ userId }) => userId),
      [undefined, undefined, undefined],
    )
    same(told.at(-1), { endpoints: [] })
    const messages = said.map(({ entry }) => entry)
    same(await scene.store.listMessages(clientId, group.streamId, { limit: 10 }), messages.toReversed())
    const found = present(await scene.store.findConversation(clientId, group.streamId))
    same([found.seq, found.lastMessageAt, found.userId], [4, messages.at(-1)?.at, undefined])
  },

  'what is owed in it is due, without a user': async (scene) => {
    const { group } = await aGroup(scene, (await scene.client()).id)
    await scene.say(group, { owes: [webhookTarget(newId())] })
    const due = only(await scene.claimDue(scene.now))
    same([due.streamId, due.seq, due.userId, due.endpoints], [group.streamId, 2, undefined, []])
  },

  'it is deleted and purged as any other': async (scene) => {
    const { clientId } = await scene.talk()
    const { group } = await aGroup(scene, clientId)
    await scene.say(group)
    const event = scene.event('conversation.deleted')
    const { entry } = present(await scene.store.deleteConversation(clientId, group.streamId, event))
    same(await scene.store.findConversation(clientId, group.streamId), undefined)
    same(await scene.store.append(scene.appending(group)), undefined)
    same((await scene.entries(group)).at(-1), entry)
    same((await scene.store.walkConversations(clientId, { limit: 10 })).length, 1)
    same((await scene.store.purgeDeleted(100)) >= 3, true)
    same(await scene.entries(group), [])
  },
}

/** A conversation of nobody, as it was made. */
async function aGroup(scene: Scene, clientId: Conversation['clientId']) {
  const conversation: Conversation = { id: newId(), clientId, createdAt: scene.tick() }
  const event = scene.event('conversation.new', { payload: '{"is" : "new"}' })
  const first = await scene.store.createConversation(conversation, event)
  return { group: { clientId, streamId: conversation.id }, conversation, first, event }
}
