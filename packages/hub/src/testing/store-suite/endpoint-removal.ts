import { newId } from '@plugboard/core'
import type { EndpointRecord } from '../../log/endpoint-record.js'
import type { Mapped } from '../../ports/store.js'
import { RACES } from '../random-runs.js'
import { atOnce, only, present, same } from './assertions.js'
import type { Cases, Scene } from './scene.js'

/** Endpoints that are taken from their conversations. */
export const endpointRemovalCases: Cases = {
  'a conversation has an endpoint no more that was removed from it, and stays': async (scene) => {
    const { clientId, conversationId, endpointId } = await aPlace(scene)
    const endpoints = await told(scene, { clientId, conversationId })
    const before = present(await scene.store.findConversation(clientId, conversationId))
    same([endpoints, before.endpoints.length], [before.endpoints, 1])
    same(await scene.store.removeEndpoint(clientId, conversationId, endpointId), true)
    const after = await scene.store.findConversation(clientId, conversationId)
    same(after, { ...before, endpoints: [] })
    same(await told(scene, { clientId, conversationId }), [])
    const walked = only(await scene.store.walkConversations(clientId, { limit: 10 }))
    same(walked.endpoints, [])
  },

  'what comes from it is in a new conversation of the same user': async (scene) => {
    const { clientId, ...old } = await aPlace(scene)
    const thread = scene.mapping(clientId, { endpoint: { thread: 'other' } })
    const other = await scene.store.mapEndpoint(thread)
    await scene.store.removeEndpoint(clientId, old.conversationId, old.endpointId)
    const mapped = await atOnce(20, () => scene.store.mapEndpoint(scene.mapping(clientId)))
    const [fresh] = mapped as [Mapped]
    same(new Set(mapped.map(({ conversationId }) => conversationId)), new Set([fresh.conversationId]))
    same(mapped.flatMap(({ appended }) => appended).length, 1)
    same([fresh.userId, fresh.conversationId === old.conversationId], [old.userId, false])
    const found = present(await scene.store.findConversation(clientId, fresh.conversationId))
    same(only(found.endpoints).id, fresh.endpointId)
    same((await scene.store.mapEndpoint(thread)).conversationId, other.conversationId)
    same((await scene.say({ clientId, streamId: old.conversationId })).seq, 2)
  },

  'what is unknown, elsewhere or removed already is not removed': async (scene) => {
    const { clientId, conversationId, endpointId } = await aPlace(scene)
    const elsewhere = await scene.talk(clientId)
    const remove = (conversation = conversationId, endpoint = endpointId) =>
      scene.store.removeEndpoint(clientId, conversation, endpoint)
    same([await remove(newId()), await remove(elsewhere.streamId)], [false, false])
    same(await remove(conversationId, newId()), false)
    const { appended: _, ...known } = await scene.store.mapEndpoint(scene.mapping(clientId))
    same(known.conversationId, conversationId)
    only((await atOnce(10, () => remove())).filter((isRemoved) => isRemoved))
    same(await remove(), false)
  },

  'of a conversation that was deleted nothing is removed': async (scene) => {
    const { clientId, conversationId, endpointId } = await aPlace(scene)
    await scene.store.deleteConversation(clientId, conversationId, scene.event('conversation.deleted'))
    const fresh = await scene.store.mapEndpoint(scene.mapping(clientId))
    same(await scene.store.removeEndpoint(clientId, conversationId, endpointId), false)
    const again = await scene.store.mapEndpoint(scene.mapping(clientId))
    same(again.conversationId, fresh.conversationId)
  },

  'what comes from it while it is removed is in the end in a conversation that has it': async (scene) => {
    const { id: clientId } = await scene.client()
    const map = () => scene.store.mapEndpoint(scene.mapping(clientId))
    for (let round = 0; round < RACES; round += 1) {
      const { conversationId: old, endpointId } = await map()
      const [isRemoved] = await Promise.all([
        scene.store.removeEndpoint(clientId, old, endpointId),
        atOnce(10, map),
      ])
      const mapped = await map()
      same([isRemoved, mapped.conversationId === old], [true, false])
      const found = present(await scene.store.findConversation(clientId, mapped.conversationId))
      same(only(found.endpoints).id, mapped.endpointId)
    }
  },
}

/** The conversation of an endpoint. */
async function aPlace(scene: Scene) {
  const { id: clientId } = await scene.client()
  const { userId, conversationId, endpointId } = await scene.store.mapEndpoint(scene.mapping(clientId))
  return { clientId, userId, conversationId, endpointId }
}

/** What an append is told of the endpoints of a conversation. */
async function told(
  scene: Scene,
  { clientId, conversationId: streamId }: Pick<Mapped, 'conversationId'> & { clientId: Mapped['userId'] },
): Promise<readonly EndpointRecord[]> {
  let known: readonly EndpointRecord[] = []
  const resolve = ({ endpoints }: { endpoints: readonly EndpointRecord[] }) => {
    known = endpoints
    return { owes: [] }
  }
  await scene.store.append({ ...scene.appending({ clientId, streamId }), resolve })
  return known
}
