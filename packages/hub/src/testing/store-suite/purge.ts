import assert from 'node:assert/strict'
import { newId } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import { same } from './assertions.js'
import type { Cases, Scene } from './scene.js'
import { populate, snapshot, type World } from './world.js'

/** A client that is taken away with everything that it has. */
export const purgeCases: Cases = {
  'a client is purged with everything that it has': async (scene) => {
    const world = await populate(scene, { externalId: 'ext', name: 'shop' })
    const gone = await scene.talk(world.client.id)
    const event = scene.event('conversation.deleted', { owes: [webhookTarget(newId())] })
    await scene.store.deleteConversation(gone.clientId, gone.streamId, event)
    await purge(scene, world, 7)
    const nothing = {
      client: undefined,
      users: [undefined, undefined],
      conversations: [undefined, undefined],
      lists: [[], []],
      walked: [],
      counted: 0,
      document: undefined,
      documents: [[], []],
      entries: [[], [], [], [], [], []],
      progress: Array.from({ length: 6 }, () => undefined),
      messages: undefined,
      replies: [],
      newest: [],
      dead: [],
      found: { recent: [], previews: [], states: [], places: [], deadBy: { letters: [] }, walked: [] },
      queued: [],
      pulls: [],
    }
    same(await snapshot(scene.store, world), nothing)
    same(await scene.store.findEntry(world.client.id, world.question.id), undefined)
    same(await scene.store.findEntry(world.client.id, event.id), undefined)
    same(await scene.claimDue(scene.afterLeases), [])
    same(await scene.store.backlog(10), { streams: 0, isMore: false })
    same((await scene.store.claimKey({ ...world.claim, expiresBefore: new Date(0) })).fresh, true)
    same(await scene.store.increment(world.client.id, world.counter), 1)
    same(await scene.store.insertDocument(world.document), true)
  },

  'the external id and the name of a client that was purged are free, and so are its endpoints': async (
    scene,
  ) => {
    const fields = { externalId: 'ext', name: 'shop' }
    const { client, mapping } = await populate(scene, fields)
    same(await scene.store.purgeClient(client.id, 1000), true)
    const heir = await scene.client({ ...fields, id: client.id })
    same(await scene.store.findClient({ name: 'shop' }), heir)
    same((await scene.store.mapEndpoint(scene.mapping(heir.id, mapping))).appended.length, 2)
  },

  'a purge goes in slices no larger than asked for, and the client itself goes last': async (scene) => {
    const world = await populate(scene)
    const { id } = world.client
    for (let left = await count(scene, world); left > 0; ) {
      const isDone = await scene.store.purgeClient(id, 2)
      const now = await count(scene, world)
      assert.ok(left - now <= 2, `${left - now} rows at once`)
      assert.ok(isDone || (await scene.store.findClient({ id })), 'the client was not the last')
      assert.ok(!isDone || now === 0, 'something is left')
      left = now
    }
    await purge(scene, world, 2)
  },

  'other clients keep what they have while one is purged': async (scene) => {
    const [mine, yours] = [await populate(scene), await populate(scene)]
    const before = await snapshot(scene.store, yours)
    await purge(scene, mine, 3)
    same(await snapshot(scene.store, yours), before)
    same((await scene.store.claimKey({ ...yours.claim, expiresBefore: new Date(0) })).fresh, false)
    same((await scene.store.mapEndpoint(scene.mapping(yours.client.id))).appended, [])
    same((await scene.dueStreams()).includes(yours.integration.streamId), true)
  },

  'of a client that is unknown or was purged nothing is left': async (scene) => {
    const { client } = await populate(scene)
    same(await scene.store.purgeClient(newId(), 1), true)
    same(await scene.store.purgeClient(client.id, 1000), true)
    same(await scene.store.purgeClient(client.id, 1), true)
  },
}

/** Purges to the end, in slices. */
async function purge({ store }: Scene, { client }: World, limit: number): Promise<void> {
  for (let slice = 0; slice < 1000; slice += 1) if (await store.purgeClient(client.id, limit)) return
  assert.fail('the purge does not end')
}

/** How many entries and objects of it are there, that one slice may remove at most `limit` of. */
async function count(
  { store }: Scene,
  { client: { id }, user, quiet, talk, integration, group, document }: World,
): Promise<number> {
  const streams = [quiet, talk, integration, group, { clientId: id, streamId: user.id }]
  const entries = await Promise.all(streams.map((stream) => store.readEntries(stream, 0, 100)))
  const users = [await store.findUser(id, user.id), await store.findUser(id, talk.userId)]
  const conversations = [
    await store.findConversation(id, quiet.streamId),
    await store.findConversation(id, talk.streamId),
  ]
  const documents = [await store.findDocument(id, document.collection, { id: document.id })]
  const objects = [...users, ...conversations, ...documents].filter((object) => object !== undefined)
  return entries.flat().length + objects.length
}
