import assert from 'node:assert/strict'
import { type Id, isPlugboardError, newId } from '@plugboard/core'
import type { Lease } from '../../log/progress.js'
import { endpointTarget, type Target, webhookTarget } from '../../log/target.js'
import { same } from './assertions.js'
import type { Cases, Scene } from './scene.js'
import { populate, snapshot, type World } from './world.js'

/** Names of what one client has, or of what nobody has. */
interface Names {
  userId: Id
  streamId: Id
  integrationId: Id
  messageId: Id
  deadId: Id
  target: Target
  sender: string
  endpointId: Id
  key: string
  documentId: Id
  documentName: string
  term: string
  counter: string
  lease: Lease
}

type Attempt = (scene: Scene, clientId: Id, names: Names) => Promise<unknown>

const page = { limit: 10 }
const drafted = { collection: 'user', terms: [], version: 1, data: '{}' }

/** One call of each method that takes a client's id. What it answers does not depend on what is made anew. */
const attempts: Readonly<Record<string, Attempt>> = {
  findUser: ({ store }, clientId, { userId }) => store.findUser(clientId, userId),
  findConversation: ({ store }, clientId, { streamId }) => store.findConversation(clientId, streamId),
  findConversations: ({ store }, clientId, { streamId }) => store.findConversations(clientId, [streamId]),
  findEntry: ({ store }, clientId, { messageId }) => store.findEntry(clientId, messageId),
  findProgress: ({ store }, clientId, { streamId }) => store.findProgress({ clientId, streamId }),
  findHeads: ({ store }, clientId, { streamId }) => store.findHeads([{ clientId, streamId }]),
  readEntries: ({ store }, clientId, { streamId }) => store.readEntries({ clientId, streamId }, 0, 10),
  listConversations: ({ store }, clientId, { userId }) => store.listConversations(clientId, userId, page),
  listMessages: ({ store }, clientId, { streamId }) => store.listMessages(clientId, streamId, page),
  listEntries: ({ store }, clientId, { streamId }) => store.listEntries(clientId, streamId, 10),
  listReplies: ({ store }, clientId, { streamId, messageId }) =>
    store.listReplies(clientId, streamId, messageId, page),
  listDead: ({ store }, clientId) => store.listDead(clientId, page),
  recentConversations: ({ store }, clientId) => store.recentConversations(clientId, page),
  newestMessages: ({ store }, clientId, { streamId }) => store.newestMessages(clientId, [streamId]),
  conversationStates: ({ store }, clientId, { streamId }) => store.conversationStates(clientId, [streamId]),
  findPlaces: ({ store }, clientId, { sender }) => store.findPlaces(clientId, sender, 10),
  findDead: ({ store }, clientId) => store.findDead(clientId, page),
  walkDead: ({ store }, clientId, { streamId }) => store.walkDead(clientId, { streamId, ...page }),
  listOwing: async ({ store }, clientId) =>
    (await store.listOwing(clientId, page)).map(({ nextAt: _, ...stream }) => stream),
  endTurn: (scene, clientId, { messageId }) => scene.store.endTurn(clientId, messageId, scene.tick()),
  'deleteMessages of one': (scene, clientId, { streamId, messageId }) =>
    scene.store.deleteMessages(clientId, streamId, messageId, scene.tick()),
  'deleteMessages of all': (scene, clientId, { streamId }) =>
    scene.store.deleteMessages(clientId, streamId, 'all', scene.tick()),
  deleteConversation: (scene, clientId, { streamId }) =>
    scene.store.deleteConversation(clientId, streamId, scene.event('conversation.deleted')),
  'createUser with an id that is taken': async (scene, clientId, { userId: id }) => {
    const user = { id, clientId, createdAt: scene.tick() }
    return orElse(false, async () => (await scene.store.createUser(user, scene.event('user.new'))).duplicate)
  },
  'createConversation with a user': async (scene, clientId, { userId }) => {
    const conversation = { id: newId(), clientId, userId, createdAt: scene.tick() }
    const { duplicate } = await scene.store.createConversation(conversation, scene.event('conversation.new'))
    return duplicate
  },
  'createConversation with an id that is taken': async (scene, clientId, { streamId: id }) => {
    const { id: userId } = await scene.user(clientId)
    const conversation = { id, clientId, userId, createdAt: scene.tick() }
    const create = () => scene.store.createConversation(conversation, scene.event('conversation.new'))
    return orElse(false, async () => (await create()).duplicate)
  },
  'append to a conversation': async (scene, clientId, { streamId }) =>
    scene.store.append({ ...scene.appending({ clientId, streamId }), resolve: () => ({ owes: [] }) }),
  'append to a user': async (scene, clientId, { userId: streamId }) =>
    scene.store.append(scene.appending({ clientId, streamId }, { kind: 'user', type: 'user.new' })),
  'append to an integration': async (scene, clientId, { integrationId: streamId }) => {
    const append = scene.appending({ clientId, streamId }, { kind: 'integration', type: 'health.new' })
    return orElse(1, async () => (await scene.store.append(append))?.entry.seq ?? 1)
  },
  deleteUser: (scene, clientId, { userId }) =>
    scene.store.deleteUser(clientId, userId, scene.event('user.deleted')),
  walkConversations: ({ store }, clientId) => store.walkConversations(clientId, page),
  'walkConversations of a user': ({ store }, clientId, { userId }) =>
    store.walkConversations(clientId, { ...page, userId }),
  countMessages: ({ store }, clientId, { streamId }) =>
    store.countMessages(clientId, streamId, { after: 0, limit: 10 }),
  sizeOfActivities: ({ store }, clientId, { streamId }) => store.sizeOfActivities(clientId, streamId),
  sizeOfMessages: ({ store }, clientId, { streamId }) => store.sizeOfMessages(clientId, streamId),
  removeEndpoint: ({ store }, clientId, { streamId, endpointId }) =>
    store.removeEndpoint(clientId, streamId, endpointId),
  increment: ({ store }, clientId, { counter }) => store.increment(clientId, counter),
  insertDocument: ({ store }, clientId, { documentId: id, documentName: name }) =>
    store.insertDocument({ ...drafted, clientId, id, name }),
  'findDocument by id': ({ store }, clientId, { documentId: id }) =>
    store.findDocument(clientId, 'user', { id }),
  'findDocument by name': ({ store }, clientId, { documentName: name }) =>
    store.findDocument(clientId, 'user', { name }),
  findDocuments: ({ store }, clientId, { documentId }) => store.findDocuments(clientId, 'user', [documentId]),
  replaceDocument: ({ store }, clientId, { documentId: id }) =>
    store.replaceDocument({ ...drafted, clientId, id, version: 2 }),
  removeDocument: ({ store }, clientId, { documentId }) => store.removeDocument(clientId, 'user', documentId),
  listDocuments: ({ store }, clientId) => store.listDocuments(clientId, 'user', page),
  'listDocuments with a term': ({ store }, clientId, { term }) =>
    store.listDocuments(clientId, 'user', { ...page, term }),
  mapEndpoint: async (scene, clientId, { sender }) => {
    const { appended } = await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender } }))
    return appended.length
  },
  claimKey: async (scene, clientId, { key }) => {
    const claim = { clientId, key, hash: 'sha', id: newId(), at: scene.tick(), expiresBefore: new Date(0) }
    return (await scene.store.claimKey(claim)).fresh
  },
  mark: ({ store }, clientId, { streamId, lease, target }) =>
    store.mark({ clientId, streamId }, lease, { scanned: 9, lanes: { [target]: { done: 9 } }, nextAt: null }),
  bury: (scene, clientId, { streamId }) => {
    const dead = { reason: 'invalid', attempts: 1, at: scene.tick(), label: 'url' } as const
    return scene.store.bury({ clientId, streamId }, 2, webhookTarget(newId()), dead)
  },
  recordSent: (scene, clientId, { streamId }) =>
    scene.store.recordSent({ clientId, streamId }, 2, endpointTarget(newId()), {
      parts: [{ ids: ['1'], digest: 'd' }],
    }),
  discard: ({ store }, clientId, { deadId, target }) => store.discard(clientId, deadId, target),
  replay: (scene, clientId, { deadId: entryId, target }) =>
    scene.store.replay({ clientId, entryId, target, to: target, now: scene.tick() }),
}

const isRead = (method: string): boolean => /^(find|read|list|walk|count|sizeOf|recent|newest)/.test(method)

/** In this order after all others, which need what they take away. */
const removals = [
  ...['removeEndpoint', 'removeDocument', 'deleteMessages of one', 'deleteMessages of all'],
  ...['deleteConversation', 'deleteUser'],
]

const inOrder = Object.entries(attempts).sort(([a], [b]) => removals.indexOf(a) - removals.indexOf(b))

/** Clients know nothing of each other. To make what a client has takes time, so that methods share it. */
export const tenantCases: Cases = {
  'each method that reads treats the data of another client as unknown': (scene) =>
    isApart(
      scene,
      inOrder.filter(([method]) => isRead(method)),
    ),

  'each method that writes treats the data of another client as unknown, and does not change it': (scene) =>
    isApart(
      scene,
      inOrder.filter(([method]) => !isRead(method)),
    ),

  'an entry is never answered by one of another client': async (scene) => {
    const [mine, yours] = [await populate(scene), await scene.talk()]
    const { id, payload } = mine.question
    const before = await snapshot(scene.store, mine)
    const answer = await orElse(undefined, () =>
      scene.store.append(scene.appending(yours, { id, payload: '{}' })),
    )
    same([answer?.duplicate ?? false, answer?.entry.payload === payload], [false, false])
    same(await snapshot(scene.store, mine), before)
  },
}

async function isApart(scene: Scene, methods: readonly [string, Attempt][]): Promise<void> {
  const mine = await populate(scene)
  const before = await snapshot(scene.store, mine)
  const unknowns: unknown[] = []
  for (const [method, attempt] of methods) {
    // Each a client that did nothing yet.
    const other = await scene.client()
    const unknown = await outcome(attempt(scene, other.id, nobodys(mine)))
    same([method, await outcome(attempt(scene, other.id, namesOf(mine)))], [method, unknown])
    unknowns.push(unknown)
  }
  same(await snapshot(scene.store, mine), before)
  let last = before
  for (const [i, [method, attempt]] of methods.entries()) {
    const own = await outcome(attempt(scene, mine.client.id, namesOf(mine)))
    const after = isRead(method) ? last : await snapshot(scene.store, mine)
    assert.notDeepStrictEqual(
      [own, after],
      [unknowns[i], last],
      `${method}: the owner is answered in the same way`,
    )
    last = after
  }
}

const namesOf = ({
  user,
  talk,
  integration,
  question,
  dead,
  target,
  mapping,
  claim,
  lease,
  document,
  counter,
}: World): Names => ({
  userId: user.id,
  streamId: talk.streamId,
  integrationId: integration.streamId,
  messageId: question.id,
  deadId: dead.id,
  target,
  lease,
  sender: mapping.endpoint.sender,
  endpointId: mapping.ids.endpoint,
  key: claim.key,
  documentId: document.id,
  documentName: document.name ?? '',
  term: document.terms[0] ?? '',
  counter,
})

const nobodys = ({ lease, target }: World): Names => ({
  userId: newId(),
  streamId: newId(),
  integrationId: newId(),
  messageId: newId(),
  deadId: newId(),
  target,
  lease,
  sender: 'nobody',
  endpointId: newId(),
  key: 'nothing',
  documentId: newId(),
  documentName: 'nothing',
  term: 'nothing',
  counter: 'nothing',
})

/** What comes of it, a refusal by its code. */
const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => {
    if (isPlugboardError(error)) return error.code
    throw error
  })

/** For what may be refused, since the name is taken in the whole store: only the answer of another client is wrong. */
const orElse = <T>(otherwise: T, what: () => Promise<T>): Promise<T> => what().catch(() => otherwise)
