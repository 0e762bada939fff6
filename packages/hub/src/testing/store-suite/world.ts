import { type Id, newId, type User } from '@plugboard/core'
import type { Entry, StreamRef } from '../../log/entry.js'
import type { Lease } from '../../log/progress.js'
import type { PullOffer } from '../../log/pull-lane.js'
import { type Target, webhookTarget } from '../../log/target.js'
import type { ClientRecord } from '../../ports/client-record.js'
import type { KeyClaim, MapEndpoint, Store } from '../../ports/store.js'
import type { StoredDocument } from '../../ports/stored-document.js'
import { present } from './assertions.js'
import { offerOf } from './pull-lanes.js'
import type { Scene, Talk } from './scene.js'

/** A client that has one of everything. */
export interface World {
  client: ClientRecord
  /** Has data, and a conversation in which nobody spoke. */
  user: User
  quiet: Talk
  /** The conversation of an endpoint; the entries below are in it. */
  talk: Talk
  mapping: MapEndpoint
  /** Owed to `target`, collected, replied to. */
  question: Entry
  reply: Entry
  tombstone: Entry
  /** Its delivery to `target` was given up. */
  dead: Entry
  target: Target
  /** Of the conversation of the endpoint, of which everything before `dead` is delivered. */
  lease: Lease
  integration: StreamRef
  /** A conversation of nobody, in which one message was said. */
  group: StreamRef
  /** Has a name and a term. */
  document: StoredDocument
  /** Of a counter that stands at one. */
  counter: string
  claim: KeyClaim
  /** Has an item, of the conversation of the endpoint. */
  queueId: Id
  /** Waits in that conversation. */
  offer: PullOffer
}

/** Makes a client that has one of everything. */
export async function populate(scene: Scene, fields: Partial<ClientRecord> = {}): Promise<World> {
  const { store } = scene
  const client = await scene.client(fields)
  const clientId = client.id
  const user = await scene.user(clientId, { data: { name: 'Ann' } })
  const quiet = await scene.conversation(user)
  const mapping = scene.mapping(clientId)
  const { userId, conversationId: streamId } = await store.mapEndpoint(mapping)
  const talk = { clientId, streamId, userId }
  await scene.say(talk, { type: 'activity' })
  const integration = { clientId, streamId: newId() }
  await scene.say(integration, { kind: 'integration', type: 'health.new', owes: [webhookTarget(newId())] })
  const claim = { clientId, key: 'POST key', hash: 'sha', id: newId(), at: scene.tick() }
  await store.claimKey({ ...claim, expiresBefore: new Date(0) })
  const [queueId, offer] = [newId(), offerOf(scene, { streamId, at: scene.tick() })]
  await store.enqueue(clientId, queueId, [{ streamId, seq: 1, userId, at: scene.tick() }])
  await store.offerPulls(clientId, [offer], scene.tick())
  const beside = {
    ...{ queueId, offer },
    group: await gather(scene, clientId),
    ...(await note(scene, clientId)),
  }
  return {
    client,
    user,
    quiet,
    talk,
    mapping,
    integration,
    claim,
    ...beside,
    ...(await converse(scene, talk)),
  }
}

async function gather(scene: Scene, clientId: Id): Promise<StreamRef> {
  const group = { clientId, streamId: newId() }
  const conversation = { id: group.streamId, clientId, createdAt: scene.tick() }
  await scene.store.createConversation(conversation, scene.event('conversation.new'))
  await scene.say(group)
  return group
}

async function note({ store }: Scene, clientId: Id) {
  const texts = { collection: 'user', name: 'ann', terms: ['a'], data: '{"a" : 1.0}' }
  const document = { clientId, id: newId(), version: 1, ...texts }
  await store.insertDocument(document)
  await store.increment(clientId, 'tickets')
  return { document, counter: 'tickets' }
}

async function converse(scene: Scene, talk: Talk) {
  const target = webhookTarget(newId())
  const fields = {
    author: { userId: talk.userId },
    collectUntil: scene.after(60),
    details: '{"about" : "it"}',
    dedupe: 'event 1',
    claim: true,
  }
  const { entry: question, claimed } = await scene.append(talk, { ...fields, owes: [target] })
  const reply = await scene.say(talk, { incomingId: question.id })
  await scene.store.endTurn(talk.clientId, question.id, scene.tick())
  const tombstone = await scene.say(talk)
  await scene.store.deleteMessages(talk.clientId, talk.streamId, tombstone.id, scene.tick())
  const dead = await scene.say(talk, { owes: [target] })
  const { lease } = present(claimed, 'a lease')
  await scene.store.bury(talk, dead.seq, target, {
    reason: 'invalid',
    attempts: 1,
    at: scene.tick(),
    label: 'url',
  })
  const lanes = { [target]: { done: dead.seq - 1, attempt: 1, error: 'no' } }
  await scene.store.mark(talk, lease, { scanned: dead.seq, lanes, nextAt: 'active' })
  return { target, question, reply, tombstone, dead, lease }
}

/** Everything that can be read of it. */
export async function snapshot(store: Store, world: World) {
  const { client, user, quiet, talk, mapping, integration, group, question, document, queueId, offer } = world
  const { id } = client
  const streams = [
    quiet,
    talk,
    integration,
    group,
    { clientId: id, streamId: user.id },
    { clientId: id, streamId: talk.userId },
  ]
  const page = { limit: 100 }
  return {
    client: await store.findClient({ id }),
    users: [await store.findUser(id, user.id), await store.findUser(id, talk.userId)],
    conversations: [
      await store.findConversation(id, quiet.streamId),
      await store.findConversation(id, talk.streamId),
      ...(await store.findConversations(id, [quiet.streamId, talk.streamId])).sort(byId),
    ],
    lists: [
      await store.listConversations(id, user.id, page),
      await store.listConversations(id, talk.userId, page),
    ],
    walked: await store.walkConversations(id, page),
    counted: await store.countMessages(id, talk.streamId, { after: 0, limit: 100 }),
    document: await store.findDocument(id, 'user', { name: 'ann' }),
    documents: [
      await store.findDocuments(id, 'user', [document.id]),
      await store.listDocuments(id, 'user', { ...page, term: 'a' }),
    ],
    entries: await Promise.all(streams.map((stream) => store.readEntries(stream, 0, 100))),
    progress: await Promise.all(streams.map((stream) => store.findProgress(stream))),
    messages: await store.listMessages(id, talk.streamId, page),
    replies: await store.listReplies(id, talk.streamId, question.id, page),
    newest: await store.listEntries(id, integration.streamId, 100),
    dead: await store.listDead(id, page),
    found: {
      // A copy need not have the order to the second.
      recent: (await store.recentConversations(id, page))
        .map(({ activeAt: _, ...record }) => record)
        .sort(byId),
      previews: await store.newestMessages(id, [quiet.streamId, talk.streamId, group.streamId]),
      states: (await store.conversationStates(id, [quiet.streamId, talk.streamId, group.streamId])).sort(
        byId,
      ),
      places: await store.findPlaces(id, mapping.endpoint.sender, 9),
      deadBy: await store.findDead(id, page),
      walked: await store.walkDead(id, page),
    },
    queued: await store.readQueue(id, queueId, { after: 0, limit: 9, userId: talk.userId }),
    pulls: await store.findPulls(id, [offer]),
  }
}

const byId = (a: { id: Id }, b: { id: Id }): number => (a.id < b.id ? -1 : 1)
