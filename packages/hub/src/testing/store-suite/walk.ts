import { type Id, newId } from '@plugboard/core'
import type { Range } from '../../log/page.js'
import { idsOf, present, same } from './assertions.js'
import { keepsRanges, scatteredIds } from './ranges.js'
import type { Cases, Scene } from './scene.js'

/** The conversations of a client one after the other. */
export const walkCases: Cases = {
  'the conversations of a client are walked in order of id, from either end and between any two': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const users = [await scene.user(clientId), await scene.user(clientId)]
    const ids = scatteredIds(6)
    for (const [index, id] of ids.entries()) await make(scene, clientId, id, users[index % 3]?.id)
    await scene.say({ clientId, streamId: newId() }, { kind: 'integration', type: 'health.new' })
    await scene.talk()
    await keepsRanges(ids, (range) => scene.store.walkConversations(clientId, range))
  },

  'those of one user are walked in the same way': async (scene) => {
    const { id: clientId } = await scene.client()
    const [{ id: mine }, { id: yours }] = [await scene.user(clientId), await scene.user(clientId)]
    const ids = scatteredIds(6)
    for (const id of ids) await make(scene, clientId, id, mine)
    for (let index = 0; index < 3; index += 1) await make(scene, clientId, newId(), yours)
    for (let index = 0; index < 2; index += 1) await make(scene, clientId, newId())
    await keepsRanges(ids, (range) => scene.store.walkConversations(clientId, { ...range, userId: mine }))
    same(await walk(scene, clientId, { userId: newId() }), [])
  },

  'each is as it is found by its id': async (scene) => {
    const { id: clientId } = await scene.client()
    const { conversationId, userId } = await scene.store.mapEndpoint(scene.mapping(clientId))
    const group = await make(scene, clientId, newId())
    const quiet = await make(scene, clientId, newId(), userId)
    for (const streamId of [conversationId, group]) {
      await scene.say({ clientId, streamId })
      await scene.say({ clientId, streamId }, { type: 'conversation.started' })
    }
    const walked = await walk(scene, clientId)
    same(idsOf(walked), [conversationId, group, quiet].sort())
    for (const each of walked) same(each, await scene.store.findConversation(clientId, each.id))
    const of = (id: Id) => present(walked.find((each) => each.id === id))
    same([of(conversationId).seq, of(group).seq, of(quiet).seq], [3, 3, 1])
    same([of(conversationId).endpoints.length, of(group).userId, of(quiet).userId], [1, undefined, userId])
    same(
      await walk(scene, clientId, { userId }),
      walked.filter(({ id }) => id !== group),
    )
  },

  'those that were deleted are left out, and messages move none': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const { clientId } = user
    const talks = []
    for (let index = 0; index < 4; index += 1) talks.push(await scene.conversation(user))
    const [first, gone] = talks
    await scene.say(present(first))
    const { streamId } = present(gone)
    await scene.store.deleteConversation(clientId, streamId, scene.event('conversation.deleted'))
    const left = talks.filter((talk) => talk !== gone).map((talk) => talk.streamId)
    same(idsOf(await walk(scene, clientId)), left)
    same(idsOf(await walk(scene, clientId, { userId: user.id })), left)
    same(idsOf(await walk(scene, clientId, { after: streamId })), left.slice(1))
  },
}

async function make(scene: Scene, clientId: Id, id: Id, userId?: Id): Promise<Id> {
  const conversation = { id, clientId, ...(userId && { userId }), createdAt: scene.tick() }
  await scene.store.createConversation(conversation, scene.event('conversation.new'))
  return id
}

const walk = ({ store }: Scene, clientId: Id, range: Partial<Range> & { userId?: Id } = {}) =>
  store.walkConversations(clientId, { limit: 100, ...range })
