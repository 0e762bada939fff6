import { type Id, newId, type User } from '@plugboard/core'
import fc from 'fast-check'
import type { Page } from '../../log/page.js'
import type { LaneState } from '../../log/progress.js'
import { webhookTarget } from '../../log/target.js'
import type { ClientRecord, Sealed } from '../../ports/client-record.js'
import { SLOW_RUNS } from '../random-runs.js'
import { allPages, idsOf, present, same } from './assertions.js'
import { awkwardTexts, jsonText, storable } from './json-text.js'
import { type Cases, firstOf, type Scene, type Talk } from './scene.js'
import { populate } from './world.js'

/** Ids that a careless store takes for numbers are among them. */
const id = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 24, maxLength: 24 }),
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 24, maxLength: 24 }),
    fc.tuple(fc.nat(9), fc.nat(99)).map(([mantissa, exponent]) => `${mantissa}e${exponent}`.padEnd(24, '0')),
    fc.constantFrom('0'.repeat(24), 'f'.repeat(24), `${'0'.repeat(23)}1`, `7${'f'.repeat(23)}`),
  )
  .map((text) => text as Id)

/** Milliseconds count. */
const time = fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true })

/** What goes in comes out. */
export const roundTripCases: Cases = {
  'any JSON text is kept byte for byte as the payload of a message': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const keeps = async (texts: string[]) => keepsPayloads(scene, await scene.conversation(user), texts)
    await fc.assert(fc.asyncProperty(fc.array(jsonText, { minLength: 1, maxLength: 10 }), keeps), {
      numRuns: SLOW_RUNS,
    })
  },

  'texts that went wrong somewhere are kept byte for byte as the payload of a message': async (scene) => {
    await keepsPayloads(scene, await scene.talk(), awkwardTexts)
  },

  'every method that answers a payload answers it byte for byte': async (scene) => {
    for (const payload of awkwardTexts.slice(0, -2))
      same(new Set(await payloads(scene, payload)), new Set([payload]))
  },

  'any data of a user is kept': async (scene) => {
    const { id: clientId } = await scene.client()
    const keeps = async (data: Record<string, string>) => {
      const user = await scene.user(clientId, { data })
      same(await scene.store.findUser(clientId, user.id), user)
    }
    await fc.assert(fc.asyncProperty(fc.dictionary(storable, storable), keeps), { numRuns: SLOW_RUNS })
  },

  'any 24 hex characters are an id, and are answered as they are': async (scene) => {
    const { id: clientId } = await scene.client()
    const ids = fc.uniqueArray(id, { minLength: 3, maxLength: 3 })
    const used = new Set<Id>()
    const keeps = async ([userId, streamId, entryId]: Id[]) => {
      if (!userId || !streamId || !entryId || [userId, streamId, entryId].some((each) => used.has(each)))
        return
      for (const each of [userId, streamId, entryId]) used.add(each)
      await keepsIds(scene, { clientId, userId, streamId }, entryId)
    }
    await fc.assert(fc.asyncProperty(ids, keeps), { numRuns: SLOW_RUNS })
  },

  'every method that answers ids answers those that were given': async (scene) => {
    const world = await populate(scene)
    const { client, user, talk, question, reply, dead, target } = world
    const { store } = scene
    const [clientId, streamId] = [client.id, talk.streamId]
    const page = { limit: 10 }
    const listed = await store.listMessages(clientId, streamId, page)
    same(idsOf(present(listed)), idsOf([dead, reply, question]))
    same(idsOf(await store.listDead(clientId, page)), [dead.id])
    same(idsOf(await store.listReplies(clientId, streamId, question.id, page)), [reply.id])
    same((await store.listReplies(clientId, streamId, question.id, page))[0]?.incomingId, question.id)
    same((await store.findEntry(clientId, question.id))?.author, { userId: talk.userId })
    same((await store.findEntry(clientId, dead.id))?.owes, [target])
    same(idsOf(await store.listClients(page)), [clientId])
    same(idsOf(await store.listConversations(clientId, user.id, page)), [world.quiet.streamId])
    same(await scene.dueStreams(), [world.integration.streamId])
    const { id } = await store.claimKey({ ...world.claim, id: newId(), expiresBefore: new Date(0) })
    same(id, world.claim.id)
    const { appended: _, ...mapped } = await store.mapEndpoint(scene.mapping(clientId))
    const { user: userId, conversation: conversationId, endpoint: endpointId } = world.mapping.ids
    same(mapped, { userId, conversationId, endpointId })
  },

  'times are kept to the millisecond': async (scene) => {
    const { id: clientId } = await scene.client()
    const keeps = async ([createdAt, at, collectUntil]: [Date, Date, Date]) => {
      const user = await scene.user(clientId, { createdAt })
      same((await scene.store.findUser(clientId, user.id))?.createdAt, createdAt)
      const stream = { clientId, streamId: newId() }
      const entry = await scene.say(stream, { kind: 'integration', type: 'health.new', at, collectUntil })
      same([entry.at, entry.collectUntil], [at, collectUntil])
      same(await scene.entries(stream), [entry])
    }
    await fc.assert(fc.asyncProperty(fc.tuple(time, time, time), keeps), { numRuns: SLOW_RUNS })
  },

  'any texts in the document of a client are kept': async (scene) => {
    const keeps = async ([name, url, reason, config]: [string, string, string, string]) => {
      const integration = { id: newId(), channel: name, version: name, config: config as Sealed, reason }
      const client = await scene.client({
        integrations: [{ ...integration, status: 'paused', mode: 'listen' }],
        webhooks: [{ id: newId(), url, token: config as Sealed, format: name }],
      })
      same(await scene.store.findClient({ id: client.id }), client satisfies ClientRecord)
    }
    await fc.assert(fc.asyncProperty(fc.tuple(storable, storable, storable, storable), keeps), {
      numRuns: SLOW_RUNS,
    })
  },

  'any words of a failed delivery are kept': async (scene) => {
    const talk = await scene.talk()
    const target = webhookTarget(newId())
    const { entry, claimed } = await scene.claimAtAppend(talk, target)
    const keeps = async (error: string, label: string) => {
      const lanes: Record<string, LaneState> = { [target]: { done: 1, error } }
      await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes, nextAt: 'active' })
      same((await scene.store.findProgress(talk))?.lanes, lanes)
      const dead = {
        [webhookTarget(newId())]: { reason: 'invalid', attempts: 1, at: scene.tick(), label, error },
      } as const
      for (const [gone, why] of Object.entries(dead)) {
        await scene.store.bury(talk, entry.seq, gone as typeof target, why)
        same((await scene.store.findEntry(talk.clientId, entry.id))?.dead?.[gone as typeof target], why)
      }
    }
    await fc.assert(fc.asyncProperty(storable, storable, keeps), { numRuns: SLOW_RUNS })
  },
}

async function keepsPayloads(scene: Scene, talk: Talk, texts: readonly string[]): Promise<void> {
  const appended = await Promise.all(texts.map((payload) => scene.append(talk, { payload })))
  same(
    appended.map(({ entry }) => entry.payload),
    texts,
  )
  const entries = appended.map(({ entry }) => entry).sort((a, b) => a.seq - b.seq)
  same((await scene.entries(talk)).slice(1), entries)
  const list = (page: Page) => scene.store.listMessages(talk.clientId, talk.streamId, page)
  same(await allPages(100, list), entries.toReversed())
  for (const entry of entries) same(await scene.store.findEntry(talk.clientId, entry.id), entry)
}

async function keepsIds(scene: Scene, { clientId, userId, streamId }: Talk, entryId: Id): Promise<void> {
  const user: User = { id: userId, clientId, createdAt: scene.tick() }
  await scene.store.createUser(user, scene.event('user.new'))
  same(await scene.store.findUser(clientId, userId), user)
  const talk = { clientId, userId, streamId }
  const conversation = { id: streamId, clientId, userId, createdAt: scene.tick() }
  const event = scene.event('conversation.new')
  await scene.store.createConversation(conversation, event)
  const entry = await scene.say(talk, { id: entryId, author: { userId } })
  same([entry.id, entry.streamId], [entryId, streamId])
  same(await scene.entries(talk), [firstOf(event, talk), entry])
  same(idsOf(await scene.store.listConversations(clientId, userId, { limit: 2 })), [streamId])
}

/** The payload as each method answers it. */
async function payloads(scene: Scene, payload: string): Promise<string[]> {
  const { store } = scene
  const { id: clientId } = await scene.client()
  const event = () => scene.event('conversation.new', { payload })
  const user = { id: newId(), clientId, createdAt: scene.tick() }
  const conversation = { id: newId(), clientId, userId: user.id, createdAt: scene.tick() }
  const first = [await store.createUser(user, event()), await store.createConversation(conversation, event())]
  const again = [await store.createUser(user, event()), await store.createConversation(conversation, event())]
  const mapped = await store.mapEndpoint({
    ...scene.mapping(clientId),
    events: { user: event, conversation: event },
  })
  const talk = { clientId, streamId: conversation.id }
  const target = webhookTarget(newId())
  const fresh = await scene.append(talk, { payload, owes: [target], dedupe: 'event 1', incomingId: newId() })
  const duplicate = await scene.append(talk, { payload: '{}', dedupe: 'event 1' })
  const { incomingId = newId(), id: entryId, seq } = fresh.entry
  await store.bury(talk, seq, target, { reason: 'invalid', attempts: 1, at: scene.tick(), label: 'url' })
  const lists = [
    ...(await store.listReplies(clientId, talk.streamId, incomingId, { limit: 10 })),
    ...(await store.listEntries(clientId, talk.streamId, 10)),
    present(await store.findEntry(clientId, entryId)),
  ]
  const last = present(await store.deleteConversation(clientId, talk.streamId, event()))
  const left = present((await store.readEntries(talk, seq, 10))[0])
  const appended = [...first, ...again, ...mapped.appended, fresh, duplicate, last]
  return [...appended.map(({ entry }) => entry), ...lists, left].map((entry) => entry.payload)
}
