import { newId } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import type { Mapped } from '../../ports/store.js'
import { NO_CLIENT } from '../../ports/stored-document.js'
import { only, present, same } from '../store-suite/assertions.js'
import type { Scene } from '../store-suite/scene.js'
import { populate } from '../store-suite/world.js'
import { type Cases, recordsOf, sameRecords } from './copies.js'

/** Where people are found in a copy, and what is kept beside the logs. */
export const besideCases: Cases = {
  'the endpoint of a deleted conversation can be mapped anew': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const { id: clientId } = await scene.client()
    const { conversationId, userId } = await scene.store.mapEndpoint(scene.mapping(clientId))
    await scene.store.deleteConversation(clientId, conversationId, scene.event('conversation.deleted'))
    const { scene: copy } = await copies.copy(archive)
    const mapped = await copy.store.mapEndpoint(scene.mapping(clientId))
    same([mapped.conversationId === conversationId, mapped.userId], [false, userId])
  },

  'the address of a user who was deleted gives a new one, and what was removed leads nowhere': async (
    copies,
  ) => {
    const { scene, archive } = await copies.fresh()
    const { id: clientId } = await scene.client()
    const map = (to: Scene, sender: string) =>
      to.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender } }))
    const owed = { owes: [webhookTarget(newId())] }
    const senders = ['purged', 'owed', 'left']
    const old = new Map<string, Mapped>()
    for (const sender of senders) old.set(sender, await map(scene, sender))
    const of = (sender: string) => present(old.get(sender))
    await scene.store.deleteUser(clientId, of('purged').userId, scene.event('user.deleted'))
    same((await scene.store.purgeDeleted(100)) >= 3, true)
    await scene.store.deleteUser(clientId, of('owed').userId, scene.event('user.deleted', owed))
    await scene.store.removeEndpoint(clientId, of('left').conversationId, of('left').endpointId)
    const { scene: copy, archive: copied } = await copies.copy(archive)
    await sameRecords(copied, archive)
    for (const sender of senders) {
      const { userId, conversationId } = await map(copy, sender)
      same(
        [userId === of(sender).userId, conversationId === of(sender).conversationId],
        [sender === 'left', false],
      )
      const talk = await copy.store.findConversation(clientId, of(sender).conversationId)
      same([talk?.id, talk?.endpoints.length], [of(sender).conversationId, sender === 'left' ? 0 : 1])
    }
    same(await copy.store.findUser(clientId, of('owed').userId), undefined)
    same(await copy.dueStreams(), [of('owed').userId])
  },

  'a user that was merged into another is so in a copy, with what it had': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const { id: clientId } = await scene.client()
    const map = ({ store }: Scene, sender: string) =>
      store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender } }))
    const [older, younger] = [await map(scene, 'first'), await map(scene, 'second')]
    const users = [older.userId, younger.userId] as const
    await scene.store.mergeUsers({ clientId, users, event: () => scene.event('user.merged') })
    const { scene: copy, archive: copied } = await copies.copy(archive)
    await sameRecords(copied, archive)
    for (const id of users) same((await copy.store.findUser(clientId, id))?.id, older.userId)
    const again = await map(copy, 'second')
    same([again.userId, again.conversationId], [older.userId, younger.conversationId])
    const listed = await copy.store.listConversations(clientId, younger.userId, { limit: 9 })
    same(listed.length, 2)
    await copy.store.deleteUser(clientId, older.userId, scene.event('user.deleted'))
    same(await copy.store.findUser(clientId, younger.userId), undefined)
  },

  'documents are found by name and by term in a copy, and numbers go on': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const { client, document, counter, group } = await populate(scene)
    const ours = { ...document, clientId: NO_CLIENT }
    await scene.store.insertDocument(ours)
    const { store } = (await copies.copy(archive)).scene
    for (const each of [document, ours]) {
      const { clientId, collection, terms, name = '' } = each
      same(await store.findDocument(clientId, collection, { name }), each)
      const [term = ''] = terms
      same(await store.listDocuments(clientId, collection, { term, limit: 9 }), [each])
      same(await store.insertDocument({ ...each, id: newId() }), false)
    }
    same(await store.replaceDocument({ ...document, version: 2, terms: [] }), true)
    same(await store.listDocuments(client.id, 'user', { term: 'a', limit: 9 }), [])
    same(await store.increment(client.id, counter), 2)
    const walked = await store.walkConversations(client.id, { limit: 9 })
    same(only(walked.filter(({ id }) => id === group.streamId)).userId, undefined)
  },

  'a page of large documents is a short one': async (copies) => {
    const { scene, archive } = await copies.fresh()
    const data = JSON.stringify('x'.repeat(1_000_000))
    const large = { clientId: newId(), collection: 'user', terms: [], version: 1, data }
    for (let i = 0; i < 12; i += 1) await scene.store.insertDocument({ ...large, id: newId() })
    for await (const { records } of archive.read()) same(records.length <= 5, true)
    same((await recordsOf(archive)).length, 12)
  },
}
