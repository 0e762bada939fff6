import assert from 'node:assert/strict'
import { newId } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import type { Store, Watcher } from '../../ports/store.js'
import { RACES } from '../random-runs.js'
import { atOnce, isLost, only, present, refuses, same } from './assertions.js'
import { offerOf } from './pull-lanes.js'
import { addsAll } from './queues.js'
import type { Cases } from './scene.js'
import { populate, snapshot } from './world.js'

/** A watcher that keeps what it is told, and who waits for it. */
function listening() {
  const told: string[] = []
  let wake = (): void => undefined
  const hear = (what: string): void => {
    told.push(what)
    wake()
  }
  const watcher: Watcher = {
    due: () => hear('due'),
    clientChanged: (id) => hear(`client ${id}`),
    turnEnded: (id) => hear(`turn ${id}`),
    appended: ({ streamId }, seq) => hear(`appended ${streamId} ${seq}`),
    signalled: ({ streamId }, text) => hear(`signalled ${streamId} ${text}`),
    queued: (id) => hear(`queue ${id}`),
    missed: () => hear('missed'),
  }
  /** Waits for as long as the runner of the case allows. */
  const hears = async (what: string): Promise<void> => {
    while (!told.includes(what))
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  return { told, watcher, hears }
}

/** Two processes on the same data. */
export const replicaCases: Cases = {
  'numbers and documents are of both, also at once': async (scene) => {
    const stores = [scene.store, await scene.another()]
    const clientId = newId()
    const both = <T>(what: (store: Store) => Promise<T>) =>
      atOnce(20, (index) => what(stores[index % 2] as Store))
    const numbers = await both((store) => store.increment(clientId, 'tickets'))
    same(new Set(numbers).size, 20)
    const texts = { collection: 'user', name: 'ann', terms: ['a'], data: '{}' }
    const isIn = await both((store) => store.insertDocument({ clientId, id: newId(), version: 1, ...texts }))
    only(isIn.filter((each) => each))
    const document = only(await scene.store.listDocuments(clientId, 'user', { term: 'a', limit: 9 }))
    const isReplaced = await both((store) => store.replaceDocument({ ...document, version: 2 }))
    only(isReplaced.filter((each) => each))
  },

  'a user who was deleted by one is gone for the other': async (scene) => {
    const other = await scene.another()
    const { id: clientId } = await scene.client()
    const { userId } = await other.mapEndpoint(scene.mapping(clientId))
    await scene.store.deleteUser(clientId, userId, scene.event('user.deleted'))
    same(await other.findUser(clientId, userId), undefined)
    const conversation = { id: newId(), clientId, userId, createdAt: scene.tick() }
    await refuses('NOT_FOUND', other.createConversation(conversation, scene.event('conversation.new')))
    const entry = scene.appending({ clientId, streamId: userId }, { kind: 'user', type: 'user.new' })
    same(await other.append(entry), undefined)
    same(await other.deleteUser(clientId, userId, scene.event('user.deleted')), undefined)
    const fresh = await other.mapEndpoint(scene.mapping(clientId))
    same([fresh.userId === userId, fresh.appended.length], [false, 2])
  },

  'an endpoint that was removed by one is soon not asked for by the other': async (scene) => {
    const other = await scene.another()
    const { id: clientId } = await scene.client()
    const { conversationId: streamId, endpointId } = await other.mapEndpoint(scene.mapping(clientId))
    await scene.store.removeEndpoint(clientId, streamId, endpointId)
    const counts: number[] = []
    const resolve = ({ endpoints }: { endpoints: readonly unknown[] }) => {
      counts.push(endpoints.length)
      return { owes: [] }
    }
    for (let index = 0; index < 3; index += 1)
      await other.append({ ...scene.appending({ clientId, streamId }), resolve })
    same(counts.at(-1), 0)
    same((await other.mapEndpoint(scene.mapping(clientId))).conversationId === streamId, false)
  },

  'what one wrote the other reads': async (scene) => {
    const other = await scene.another()
    const world = await populate(scene)
    same(await snapshot(other, world), await snapshot(scene.store, world))
  },

  'what one does the other is told of, or says that it is told nothing': async (scene) => {
    const other = await scene.another()
    const { told, watcher, hears } = listening()
    const { isInstant } = await other.watch(watcher)
    const talk = await scene.talk()
    const owed = await scene.say(talk, { owes: [webhookTarget(newId())] })
    const client = present(await scene.store.findClient({ id: talk.clientId }))
    await scene.store.replaceClient({ ...client, version: 2, name: 'other' })
    await scene.store.endTurn(talk.clientId, owed.id, scene.tick())
    const [queueId, offer] = [newId(), offerOf(scene)]
    const { streamId, clientId } = talk
    await scene.store.enqueue(clientId, queueId, [{ streamId, seq: 1, at: scene.tick() }])
    await scene.store.offerPulls(clientId, [offer], scene.tick())
    const news = [`client ${client.id}`, `turn ${owed.id}`, `queue ${queueId}`, `queue ${offer.webhookId}`]
    for (const what of ['due', ...news]) if (isInstant) await hears(what)
    await other.close()
    const before = [...told]
    await scene.say(talk, { owes: [webhookTarget(newId())] })
    same(told, isInstant ? before : [])
  },

  'who watches appends is told of every entry of the other and of its signals, or that it is told nothing':
    async (scene) => {
      const other = await scene.another()
      const { told, watcher, hears } = listening()
      await other.watch(watcher)
      const talk = await scene.talk()
      await scene.say(talk)
      const isOfAppend = (what: string) => /^(appended|signalled) /.test(what)
      same(told.filter(isOfAppend), [])
      if (!(await other.watchAppends(true))) return
      const entries = [await scene.say(talk), await scene.say(talk, { owes: [webhookTarget(newId())] })]
      const fresh = await scene.talk(talk.clientId)
      await scene.store.signal(talk, 'typing')
      await scene.store.deleteConversation(talk.clientId, talk.streamId, scene.event('conversation.deleted'))
      for (const { seq } of entries) await hears(`appended ${talk.streamId} ${seq}`)
      await hears(`appended ${fresh.streamId} 1`)
      await hears(`appended ${fresh.userId} 1`)
      await hears(`signalled ${talk.streamId} typing`)
      await hears(`appended ${talk.streamId} 5`)
      same(await other.watchAppends(false), true)
      const before = told.filter(isOfAppend)
      await scene.say(fresh)
      const { id } = await scene.say(fresh)
      await scene.store.endTurn(fresh.clientId, id, scene.tick())
      await hears(`turn ${id}`)
      same(told.filter(isOfAppend), before)
    },

  'items added at once through both get numbers without a hole, each its own, and a reader misses none':
    async (scene) => {
      const stores = [scene.store, await scene.another()]
      const calls = Array.from({ length: 12 }, (_, index) => [index % 4, (index + 1) % 4, index % 3])
      for (let round = 0; round < RACES; round += 1) await addsAll(stores, scene, calls)
    },

  'a reader that follows a queue to which both add sees each item once, in order': async (scene) => {
    const [clientId, queueId] = [newId(), newId()]
    const stores = [scene.store, await scene.another()]
    const seen: number[] = []
    let isAdding = true
    const follow = async (): Promise<void> => {
      for (let isLast = false; !isLast; ) {
        isLast = !isAdding
        const page = await present(stores[1]).readQueue(clientId, queueId, {
          after: seen.at(-1) ?? 0,
          limit: 9,
        })
        seen.push(...page.map(({ n }) => n))
        if (page.length > 0) isLast = false
      }
    }
    const add = async (store: Store): Promise<void> => {
      for (let round = 0; round < 10; round += 1)
        await store.enqueue(
          clientId,
          queueId,
          [1, 2, 3].map((seq) => ({ streamId: newId(), seq, at: scene.tick() })),
        )
    }
    const following = follow()
    await Promise.all(stores.map(add))
    isAdding = false
    await following
    same(
      seen,
      Array.from({ length: 60 }, (_, index) => index + 1),
    )
  },

  'one lane that both offer at once, and take at once, is there once and taken by one': async (scene) => {
    const clientId = newId()
    const stores = [scene.store, await scene.another()]
    const offers = Array.from({ length: 5 }, (_, index) => offerOf(scene, { upTo: index + 1 }))
    await atOnce(10, (index) => present(stores[index % 2]).offerPulls(clientId, offers, scene.tick()))
    const lanes = await scene.store.findPulls(clientId, offers)
    same(
      lanes.map(({ upTo, version }) => [upTo, version]).sort(),
      offers.map(({ upTo }) => [upTo, 1]),
    )
    const taken = lanes.map((lane) => ({ ...lane, fence: 1, heldTo: 1, version: 2 }))
    const answers = await atOnce(4, (index) => present(stores[index % 2]).replacePulls(taken))
    for (const index of lanes.keys()) only(answers.filter((answer) => answer[index]))
  },

  'entries appended at once through both get numbers without a hole, each its own': async (scene) => {
    const talk = await scene.talk()
    const stores = [scene.store, await scene.another()]
    const append = (index: number) =>
      present(stores[index % 2]).append(scene.appending(talk, { at: scene.after(index % 7) }))
    const appended = (await atOnce(60, append)).map((answer) => present(answer).entry)
    same(
      (await scene.entries(talk)).slice(1),
      appended.sort((a, b) => a.seq - b.seq),
    )
    same((await scene.entries(talk, stores[1])).length, 61)
  },

  'a list that is read while both append has all messages before its newest one': async (scene) => {
    const talk = await scene.talk()
    const stores = [scene.store, await scene.another()]
    const listOf = async (store: Store): Promise<number[]> => {
      const page = await store.listMessages(talk.clientId, talk.streamId, { limit: 1000 })
      return present(page)
        .map(({ seq }) => seq)
        .reverse()
    }
    const lists: number[][] = []
    const look = async (store: Store): Promise<void> => {
      for (let round = 0; round < 10; round += 1) lists.push(await listOf(store))
    }
    const say = async (store: Store): Promise<void> => {
      for (let round = 0; round < 10; round += 1) await atOnce(3, () => store.append(scene.appending(talk)))
    }
    await Promise.all(stores.flatMap((store) => [say(store), look(store)]))
    const whole = await listOf(scene.store)
    same(whole.length, 60)
    for (const list of lists) same(list, whole.slice(0, list.length))
  },

  'one dedupe at once through both is appended once': async (scene) => {
    const talk = await scene.talk()
    const stores = [scene.store, await scene.another()]
    const append = (index: number) =>
      present(stores[index % 2]).append(scene.appending(talk, { dedupe: 'event 1' }))
    const answers = (await atOnce(20, append)).map((answer) => present(answer))
    const { entry } = only(answers.filter(({ duplicate }) => !duplicate))
    for (const answer of answers) same(answer.entry, entry)
  },

  'one endpoint mapped at once through both gives one user and one conversation': async (scene) => {
    const { id: clientId } = await scene.client()
    const stores = [scene.store, await scene.another()]
    const mapped = await atOnce(20, (index) =>
      present(stores[index % 2]).mapEndpoint(scene.mapping(clientId)),
    )
    same(new Set(mapped.map(({ userId, conversationId }) => `${userId} ${conversationId}`)).size, 1)
    same(mapped.flatMap(({ appended }) => appended).length, 2)
  },

  'of replacements of a client at once through both one wins': async (scene) => {
    const client = await scene.client()
    const stores = [scene.store, await scene.another()]
    const changes = Array.from({ length: 10 }, (_, index) => ({
      ...client,
      version: 2,
      name: `name ${index}`,
    }))
    const results = await Promise.all(
      changes.map((change, index) => present(stores[index % 2]).replaceClient(change)),
    )
    const winner = only(changes.filter((_, index) => results[index]))
    for (const store of stores) same(await store.findClient({ id: client.id }), winner)
  },

  'one text and one key put at once through both have one winner': async (scene) => {
    const { id: clientId } = await scene.client()
    const stores = [scene.store, await scene.another()]
    const claim = { clientId, key: 'POST key', hash: 'sha', at: scene.tick(), expiresBefore: new Date(0) }
    const put = (index: number) => present(stores[index % 2]).putMetaIfAbsent('key', `${index}`)
    const take = (index: number) => present(stores[index % 2]).claimKey({ ...claim, id: newId() })
    const [texts, keys] = [await atOnce(20, put), await atOnce(20, take)]
    same([new Set(texts).size, new Set(keys.map(({ id }) => id)).size], [1, 1])
    only(keys.filter(({ fresh }) => fresh))
  },

  'of both who take up what is due at once each stream goes to one': async (scene) => {
    const { id: clientId } = await scene.client()
    const talks = await atOnce(20, () => scene.talk(clientId))
    await atOnce(20, (index) => scene.append(present(talks[index]), { owes: [webhookTarget(newId())] }))
    const stores = [scene.store, await scene.another()]
    const claim = { now: scene.now, limit: 5, except: [] }
    const due = [...(await atOnce(10, (index) => present(stores[index % 2]).claimDue(claim)))]
    for (const store of stores) due.push(await store.claimDue({ ...claim, limit: 50 }))
    const streams = due.flatMap(({ claimed }) => claimed.map(({ streamId }) => streamId))
    same(streams.sort(), talks.map(({ streamId }) => streamId).sort())
  },

  'what one holds the other neither takes up nor gets with an append, and the holder learns of it': async (
    scene,
  ) => {
    const talk = await scene.talk()
    const other = await scene.another()
    const { claimed } = await scene.claimAtAppend(talk, webhookTarget(newId()))
    const late = scene.appending(talk, { owes: [webhookTarget(newId())], claim: true })
    same(present(await other.append(late)).claimed, undefined)
    same((await other.claimDue({ now: scene.now, limit: 10, except: [] })).claimed, [])
    same(await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes: {}, nextAt: null }), 3)
    same((await other.claimDue({ now: scene.now, limit: 10, except: [] })).claimed, [])
    same(await scene.store.mark(talk, claimed.lease, { scanned: 3, lanes: {}, nextAt: null }), 3)
  },

  'what one holds stays with it when the other wakes it or replays of it, and is due when it is given back':
    async (scene) => {
      const talk = await scene.talk()
      const other = await scene.another()
      const [target, { now }] = [webhookTarget(newId()), scene]
      const { entry, claimed } = await scene.claimAtAppend(talk, target)
      await other.bury(talk, 2, target, { reason: 'exhausted', attempts: 1, at: now, label: 'url' })
      await other.wakeClient(talk.clientId, scene.tick())
      const replay = { clientId: talk.clientId, entryId: entry.id, target, to: target, now: scene.tick() }
      const { key, lane } = present(await other.replay(replay))
      same((await other.claimDue({ now: scene.now, limit: 10, except: [] })).claimed, [])
      same(await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes: {}, nextAt: null }), 2)
      const due = only((await other.claimDue({ now: scene.tick(), limit: 10, except: [] })).claimed)
      same([due.streamId, due.lanes], [talk.streamId, { [key]: lane }])
    },

  'what one gave back the other takes up, with a higher fence': async (scene) => {
    const talk = await scene.talk()
    const other = await scene.another()
    const target = webhookTarget(newId())
    const { claimed } = await scene.claimAtAppend(talk, target)
    const lanes = { [target]: { done: 1, attempt: 1 } }
    await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes, nextAt: scene.now })
    const due = only((await other.claimDue({ now: scene.now, limit: 10, except: [] })).claimed)
    same([due.streamId, due.lanes], [talk.streamId, lanes])
    assert.ok(due.lease.fence > claimed.lease.fence)
  },

  'who gave the stream back, and another took it, is answered `lost` and writes nothing': async (scene) => {
    const talk = await scene.talk()
    const other = await scene.another()
    const { claimed } = await scene.claimAtAppend(talk, webhookTarget(newId()))
    await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes: {}, nextAt: scene.now })
    await isLost(scene.store, talk, claimed.lease)
    const { lease } = only((await other.claimDue({ now: scene.now, limit: 10, except: [] })).claimed)
    await isLost(scene.store, talk, claimed.lease)
    same(await other.mark(talk, lease, { scanned: 2, lanes: {}, nextAt: null }), 2)
  },

  'who never held the stream is answered `lost`, and writes nothing': async (scene) => {
    const talk = await scene.talk()
    const other = await scene.another()
    const { claimed } = await scene.claimAtAppend(talk, webhookTarget(newId()))
    await isLost(other, talk, claimed.lease)
    same(await other.reclaim(talk, claimed.lease), 'lost')
    same(await scene.store.mark(talk, claimed.lease, { scanned: 2, lanes: {}, nextAt: null }), 2)
  },

  'who let the lease end, and another took it, is answered `lost` and writes nothing': async (scene) => {
    const talk = await scene.talk()
    const other = await scene.another()
    const target = webhookTarget(newId())
    const { claimed } = await scene.claimAtAppend(talk, target)
    const until = present(claimed.lease.until, 'an end of the lease, since there can be another process')
    const middle = new Date((scene.now.getTime() + until.getTime()) / 2)
    same((await other.claimDue({ now: middle, limit: 10, except: [] })).claimed, [])
    const now = new Date(until.getTime() + 1000)
    const { lease } = only((await other.claimDue({ now, limit: 10, except: [] })).claimed)
    assert.ok(lease.fence > claimed.lease.fence)
    await isLost(scene.store, talk, claimed.lease)
    same(await scene.store.reclaim(talk, claimed.lease), 'lost')
    const lanes = { [target]: { done: 1, attempt: 1 } }
    same(await other.mark(talk, lease, { scanned: 2, lanes, nextAt: 'active' }), 2)
    await isLost(scene.store, talk, claimed.lease)
    same(await scene.store.findProgress(talk), { scanned: 2, lanes })
  },
}
