import { type Id, newId } from '@plugboard/core'
import fc from 'fast-check'
import type { Entry, StreamRef } from '../../log/entry.js'
import type { LaneState } from '../../log/progress.js'
import { endpointTarget, type Target, webhookTarget } from '../../log/target.js'
import { NO_CLIENT, type StoredDocument } from '../../ports/stored-document.js'
import { jsonText } from '../store-suite/json-text.js'
import type { Scene } from '../store-suite/scene.js'

const KINDS = [
  'client',
  'user',
  'conversation',
  'group',
  'map',
  'say',
  'owe',
  'ask',
  'integration',
  'bury',
  'send',
  'mark',
  'delete message',
  'delete conversation',
  'delete user',
  'merge users',
  'remove endpoint',
  'purge',
  'document',
  'change document',
  'count',
  'enqueue',
  'offer',
  'take',
  'key',
  'meta',
] as const

/** Something that happens to a store. `pick` chooses what it happens to. */
export const deed = fc.record({
  kind: fc.constantFrom(...KINDS),
  pick: fc.nat(),
  text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((text) => text.replaceAll('\0', '-')),
  payload: jsonText,
})

type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never

/** What has come to be so far. */
interface World {
  clients: Id[]
  users: { clientId: Id; id: Id }[]
  talks: (StreamRef & { userId?: Id })[]
  targets: Target[]
  messages: { talk: StreamRef; entry: Entry }[]
  documents: StoredDocument[]
}

/** Does all that, to a store that is empty. What there is nothing for yet is left out. */
export async function does(scene: Scene, deeds: readonly Deed[]): Promise<void> {
  const world: World = {
    clients: [(await scene.client()).id],
    users: [],
    talks: [],
    targets: [webhookTarget(newId()), webhookTarget(newId())],
    messages: [],
    documents: [],
  }
  for (const each of deeds) await one(scene, world, each)
}

async function one(scene: Scene, world: World, { kind, pick, text, payload }: Deed): Promise<void> {
  const from = <T>(items: readonly T[]): T | undefined => items[pick % items.length]
  const clientId = from(world.clients) as Id
  const { store } = scene
  const talk = from(world.talks)
  const target = from(world.targets) as Target
  const message = from(world.messages)
  const say = async (fields: Parameters<Scene['append']>[1]): Promise<void> => {
    if (!talk) return
    world.messages.push({ talk, entry: await scene.say(talk, { payload, ...fields }) })
  }
  const deeds: Record<Deed['kind'], () => Promise<unknown>> = {
    client: async () => {
      const webhooks = [{ id: newId(), url: text, token: text as never, format: 'messaging-v1' }]
      world.clients.push((await scene.client({ webhooks, externalId: `${newId()} ${text}` })).id)
    },
    user: async () =>
      world.users.push(await scene.user(clientId, pick % 2 ? { data: { [text]: text } } : {})),
    conversation: async () => {
      const user = from(world.users)
      if (user) world.talks.push(await scene.conversation({ ...user, createdAt: scene.now }))
    },
    group: async () => {
      const group = { clientId, streamId: newId() }
      const conversation = { id: group.streamId, clientId, createdAt: scene.tick() }
      await store.createConversation(conversation, scene.event('conversation.new'))
      world.talks.push(group)
    },
    map: async () => {
      const endpoint = { sender: text, thread: `${pick % 2}` }
      const custom = pick % 3 === 0
      const integration = pick % 5 === 0 && !custom ? { integration: 'support' } : {}
      const channel = { name: 'telegram', ...integration, custom }
      const mapping = scene.mapping(clientId, { endpoint, channel })
      const { userId, conversationId: streamId } = await store.mapEndpoint(mapping)
      world.talks.push({ clientId, streamId, userId })
      world.users.push({ clientId, id: userId })
    },
    say: () => {
      const author = talk?.userId && pick % 2 ? { userId: talk.userId } : 'business'
      return say({ channel: text, author, ...(pick % 3 === 0 && { details: payload }) })
    },
    owe: () =>
      say({
        owes: world.targets.slice(0, 1 + (pick % 2)),
        claim: pick % 3 === 0,
        dedupe: `event ${pick % 4}`,
      }),
    ask: async () => {
      await say({ collectUntil: scene.after(60), incomingId: message?.entry.id ?? newId() })
      if (message) await store.endTurn(message.entry.clientId, message.entry.id, scene.tick())
    },
    integration: () =>
      scene.say({ clientId, streamId: newId() }, { kind: 'integration', type: 'health.new', payload }),
    bury: async () => {
      if (!message) return
      const dead = { reason: 'exhausted', attempts: 3, at: scene.tick(), label: text, error: text } as const
      await store.bury(message.talk, message.entry.seq, target, dead)
    },
    send: async () => {
      if (!message) return
      const parts = [{ ids: [text, `${pick}`], digest: text }]
      const sent = { parts, ...(pick % 2 === 0 && { isWhole: true as const }) }
      await store.recordSent(message.talk, message.entry.seq, endpointTarget(message.entry.id), sent)
    },
    mark: async () => {
      for (const due of await scene.claimDue(scene.afterLeases)) {
        const lane: LaneState = {
          done: due.scanned,
          attempt: 1 + (pick % 5),
          blockedUntil: scene.after(pick % 99),
        }
        const nextAt = pick % 2 ? ('active' as const) : scene.after(pick % 500)
        const lanes = pick % 3 ? { [target]: { ...lane, error: text } } : {}
        await store.mark(due, due.lease, { scanned: due.seq, lanes, nextAt })
      }
    },
    'delete message': async () =>
      message && store.deleteMessages(clientId, message.talk.streamId, message.entry.id, scene.tick()),
    'delete conversation': async () =>
      talk &&
      pick % 4 === 0 &&
      store.deleteConversation(talk.clientId, talk.streamId, scene.event('conversation.deleted')),
    'delete user': async () => {
      const user = from(world.users)
      if (!user || pick % 3 > 0) return
      const owes = pick % 2 ? [target] : []
      await store.deleteUser(user.clientId, user.id, scene.event('user.deleted', { owes }))
      world.users = world.users.filter(({ id }) => id !== user.id)
    },
    'merge users': async () => {
      const user = from(world.users)
      const other = world.users.find(({ clientId, id }) => clientId === user?.clientId && id !== user.id)
      if (!user || !other) return
      const owes = pick % 2 ? [target] : []
      const event = () => scene.event('user.merged', { owes })
      await store.mergeUsers({ clientId: user.clientId, users: [user.id, other.id], event })
    },
    'remove endpoint': async () => {
      if (!talk) return
      const found = await store.findConversation(talk.clientId, talk.streamId)
      for (const { id } of found?.endpoints ?? [])
        await store.removeEndpoint(talk.clientId, talk.streamId, id)
    },
    purge: () => store.purgeDeleted(1 + (pick % 9)),
    document: async () => {
      const owner = pick % 4 ? clientId : NO_CLIENT
      const document = { clientId: owner, collection: `${pick % 2}`, id: newId(), version: 1, data: payload }
      const fields = pick % 3 ? { name: text, terms: [text, `${text}.`] } : { terms: [] }
      if (await store.insertDocument({ ...document, ...fields }))
        world.documents.push({ ...document, ...fields })
    },
    'change document': async () => {
      const document = from(world.documents)
      if (!document) return
      world.documents = world.documents.filter((each) => each !== document)
      const changed = { ...document, version: document.version + 1, terms: [text], data: payload }
      if (pick % 2 === 0) await store.removeDocument(document.clientId, document.collection, document.id)
      else if (await store.replaceDocument(changed)) world.documents.push(changed)
    },
    enqueue: async () => {
      const place = message?.entry ?? talk
      if (!place) return
      const { streamId } = place
      const user = from(world.users)
      const item = { streamId, seq: 1 + (pick % 5), at: scene.tick(), ...(user && { userId: user.id }) }
      await store.enqueue(clientId, clientId, [item])
      if (pick % 4 === 0) await store.purgeQueue(clientId, clientId, scene.after(1), 2)
    },
    offer: async () => {
      if (!talk) return
      const { streamId } = talk
      const replay = pick % 3 === 0 ? { replay: `${pick}-1` } : {}
      const offer = { webhookId: clientId, streamId, after: pick % 5, upTo: (pick % 5) + 2, at: scene.tick() }
      await store.offerPulls(talk.clientId, [{ ...offer, ...replay }], scene.tick())
    },
    take: async () => {
      const { lanes } = await store.duePulls(clientId, clientId, { now: scene.now, limit: 1 + (pick % 3) })
      const taken = lanes.map((lane) => {
        const { dueAt: _, ...rest } = { ...lane, version: lane.version + 1 }
        if (pick % 2 === 0) return { ...rest, done: lane.upTo, since: scene.tick() }
        const given = [{ seq: lane.upTo, count: 1 }]
        return { ...rest, dueAt: scene.after(9), heldTo: lane.upTo, fence: lane.fence + 1, given }
      })
      await store.replacePulls(taken)
    },
    count: () => store.increment(clientId, text),
    key: () =>
      store.claimKey({
        ...{ clientId, key: text, hash: payload, id: newId(), at: scene.tick() },
        expiresBefore: new Date(0),
      }),
    meta: () => store.putMeta(text, payload),
  }
  // What was deleted takes no more.
  const isThere = talk && (await store.findConversation(talk.clientId, talk.streamId))
  if (talk && !isThere) world.talks = world.talks.filter(({ streamId }) => streamId !== talk.streamId)
  else await deeds[kind]()
}
