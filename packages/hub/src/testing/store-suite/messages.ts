import { type Id, newId } from '@plugboard/core'
import { allPages, atOnce, idsOf, only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** What readers of a conversation get. */
export const messageCases: Cases = {
  'the size of the messages of a conversation is that of their payloads and details, in bytes': async (
    scene,
  ) => {
    const { store } = scene
    const talk = await scene.talk()
    const size = () => store.sizeOfMessages(talk.clientId, talk.streamId)
    same(await size(), 0)
    const first = await scene.say(talk, { payload: '{"text":"é\u{1f69a}"}' })
    same(await size(), Buffer.byteLength(first.payload))
    const details = '{"a":"ü"}'
    await scene.say(talk, { payload: '{}', details })
    same(await size(), Buffer.byteLength(first.payload) + 2 + Buffer.byteLength(details))
    await store.deleteMessages(talk.clientId, talk.streamId, first.id, scene.tick())
    same(await size(), 2 + Buffer.byteLength(details))
    same(await store.sizeOfMessages(newId(), talk.streamId), 0)
    await store.deleteMessages(talk.clientId, talk.streamId, 'all', scene.tick())
    same(await size(), 0)
  },

  'the size of the activities of a conversation is that of their payloads, in bytes': async (scene) => {
    const { store } = scene
    const talk = await scene.talk()
    const size = () => store.sizeOfActivities(talk.clientId, talk.streamId)
    same(await size(), 0)
    const first = await scene.say(talk, { type: 'activity', payload: '{"type":"é"}' })
    await scene.say(talk, { payload: '{"text":"no activity"}' })
    await scene.say(talk, { type: 'conversation.started' })
    same(await size(), Buffer.byteLength(first.payload))
    await scene.say(talk, { type: 'activity', payload: '{}' })
    await store.deleteMessages(talk.clientId, talk.streamId, 'all', scene.tick())
    same(await size(), Buffer.byteLength(first.payload) + 2)
    same(await store.sizeOfActivities(newId(), talk.streamId), 0)
  },

  'messages are listed newest first, whole, and events are not among them': async (scene) => {
    const talk = await scene.talk()
    const first = await scene.say(talk, {
      author: { userId: talk.userId },
      dedupe: 'event 1',
      channel: 'telegram',
    })
    await scene.say(talk, { type: 'conversation.started' })
    const second = await scene.say(talk)
    same(await list(scene, talk), [second, first])
  },

  'a conversation without messages has an empty list, and an unknown one has none': async (scene) => {
    const talk = await scene.talk()
    same(await list(scene, talk), [])
    same(await list(scene, { ...talk, streamId: newId() }), undefined)
  },

  'pages of any size skip and repeat no message, also where all came in at one time': async (scene) => {
    const talk = await scene.talk()
    const at = scene.tick()
    const appended = await atOnce(9, () => scene.append(talk, { at }))
    const bySeq = appended.map(({ entry }) => entry).sort((a, b) => b.seq - a.seq)
    for (const limit of [1, 2, 3, 4, 8, 9, 10]) {
      same(await allPages(limit, (page) => list(scene, talk, page)), bySeq)
    }
  },

  'messages that come in between two pages do not disturb them': async (scene) => {
    const talk = await scene.talk()
    const appended = await atOnce(6, () => scene.append(talk))
    const bySeq = appended.map(({ entry }) => entry).sort((a, b) => b.seq - a.seq)
    same(
      await allPages(
        2,
        (page) => list(scene, talk, page),
        () => scene.say(talk),
      ),
      bySeq,
    )
  },

  'a page starts before any entry of the conversation, also before an event or a deleted message': async (
    scene,
  ) => {
    const talk = await scene.talk()
    const first = await scene.say(talk)
    const event = await scene.say(talk, { type: 'conversation.started' })
    const deleted = await scene.say(talk)
    const last = await scene.say(talk)
    await scene.store.deleteMessages(talk.clientId, talk.streamId, deleted.id, scene.tick())
    same(await list(scene, talk, { before: event.id }), [first])
    same(await list(scene, talk, { before: deleted.id }), [first])
    same(await list(scene, talk, { before: last.id }), [first])
    same(await list(scene, talk, { before: first.id }), [])
  },

  'with `until` only messages of that time or earlier are listed': async (scene) => {
    const talk = await scene.talk()
    const [a, b, c] = [await scene.say(talk), await scene.say(talk), await scene.say(talk)]
    same(await list(scene, talk, { until: b.at }), [b, a])
    same(await list(scene, talk, { until: new Date(c.at.getTime() - 1) }), [b, a])
    same(await list(scene, talk, { until: c.at }), [c, b, a])
    same(await list(scene, talk, { until: b.at, limit: 1 }), [b])
    same(await list(scene, talk, { until: b.at, before: b.id }), [a])
    same(await list(scene, talk, { until: b.at, before: c.id }), [b, a])
    same(await list(scene, talk, { until: new Date(a.at.getTime() - 1) }), [])
  },

  'with `after` the next messages after any entry are listed, newest first': async (scene) => {
    const talk = await scene.talk()
    const [event] = await scene.entries(talk)
    const a = await scene.say(talk)
    const started = await scene.say(talk, { type: 'conversation.started' })
    const b = await scene.say(talk, { at: started.at })
    const deleted = await scene.say(talk)
    const [c, d] = [await scene.say(talk), await scene.say(talk)]
    await scene.store.deleteMessages(talk.clientId, talk.streamId, deleted.id, scene.tick())
    const after = (entry: { id: Id } | undefined, limit = 100) =>
      list(scene, talk, { after: present(entry).id, limit })
    same(await after(event), [d, c, b, a])
    same(await after(event, 1), [a])
    same(await after(event, 3), [c, b, a])
    same(await after(a, 2), [c, b])
    same(await after(started), [d, c, b])
    same(await after(deleted, 1), [c])
    same([await after(d), await after({ id: newId() })], [[], []])
  },

  'messages of one time are listed after one of them by their numbers': async (scene) => {
    const talk = await scene.talk()
    const at = scene.tick()
    const appended = await atOnce(9, () => scene.append(talk, { at }))
    const bySeq = appended.map(({ entry }) => entry).sort((a, b) => a.seq - b.seq)
    for (const [index, { id: after }] of bySeq.entries()) {
      const next = bySeq.slice(index + 1, index + 4).reverse()
      same(await list(scene, talk, { after, limit: 3 }), next)
    }
  },

  'messages of other conversations are not in the list': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const [here, there] = [await scene.conversation(user), await scene.conversation(user)]
    const message = await scene.say(here)
    await scene.say(there)
    same(await list(scene, here), [message])
  },

  'an entry of any stream is found by its id, and an unknown one is not': async (scene) => {
    const talk = await scene.talk()
    const integration = { clientId: talk.clientId, streamId: newId() }
    const message = await scene.say(talk)
    const health = await scene.say(integration, { kind: 'integration', type: 'health.new' })
    for (const entry of [message, health]) same(await scene.store.findEntry(talk.clientId, entry.id), entry)
    const [event] = await scene.entries({ clientId: talk.clientId, streamId: talk.userId })
    same(await scene.store.findEntry(talk.clientId, present(event).id), event)
    same(await scene.store.findEntry(talk.clientId, newId()), undefined)
  },

  'listEntries gives the newest entries of a stream, events too': async (scene) => {
    const talk = await scene.talk()
    const message = await scene.say(talk)
    const event = await scene.say(talk, { type: 'conversation.started' })
    same(await scene.store.listEntries(talk.clientId, talk.streamId, 2), [event, message])
    same(
      idsOf(await scene.store.listEntries(talk.clientId, talk.streamId, 10)).slice(0, 2),
      idsOf([event, message]),
    )
    same((await scene.store.listEntries(talk.clientId, talk.streamId, 10)).length, 3)
    same(await scene.store.listEntries(talk.clientId, newId(), 10), [])
  },

  'listReplies gives what the business replied to a message, oldest first': async (scene) => {
    const user = await scene.user((await scene.client()).id)
    const [talk, elsewhere] = [await scene.conversation(user), await scene.conversation(user)]
    const question = await scene.say(talk, { author: { userId: user.id } })
    const incomingId = question.id
    const replies = [await scene.say(talk, { incomingId }), await scene.say(talk, { incomingId })]
    await scene.say(talk)
    await scene.say(talk, { incomingId: newId() })
    await scene.say(talk, { incomingId, author: { userId: user.id } })
    await scene.say(elsewhere, { incomingId })
    same(await scene.store.listReplies(talk.clientId, talk.streamId, incomingId, { limit: 10 }), replies)
    same(await scene.store.listReplies(talk.clientId, talk.streamId, newId(), { limit: 10 }), [])
    same(await scene.store.listReplies(talk.clientId, newId(), incomingId, { limit: 10 }), [])
  },

  'a reply that was deleted is no reply any more': async (scene) => {
    const talk = await scene.talk()
    const { id: incomingId } = await scene.say(talk)
    const [gone, kept] = [await scene.say(talk, { incomingId }), await scene.say(talk, { incomingId })]
    await scene.store.deleteMessages(talk.clientId, talk.streamId, gone.id, scene.tick())
    same(await scene.store.listReplies(talk.clientId, talk.streamId, incomingId, { limit: 10 }), [kept])
  },

  'the turn of a message ends once, and at that time': async (scene) => {
    const talk = await scene.talk()
    const message = await scene.say(talk, { collectUntil: scene.after(10) })
    const other = await scene.say(talk, { collectUntil: scene.after(10) })
    const turnEndedAt = scene.tick()
    same(await scene.store.endTurn(talk.clientId, message.id, turnEndedAt), true)
    same(await scene.store.endTurn(talk.clientId, message.id, scene.tick()), true)
    const ended = { ...message, turnEndedAt }
    same(await scene.store.findEntry(talk.clientId, message.id), ended)
    same((await scene.entries(talk)).slice(1), [ended, other])
    same(await list(scene, talk), [other, ended])
  },

  'of twenty who end a turn at once one gives it its time': async (scene) => {
    const talk = await scene.talk()
    const message = await scene.say(talk)
    const times = Array.from({ length: 20 }, () => scene.tick())
    same(
      new Set(await Promise.all(times.map((at) => scene.store.endTurn(talk.clientId, message.id, at)))),
      new Set([true]),
    )
    const ended = present(await scene.store.findEntry(talk.clientId, message.id)).turnEndedAt
    only(times.filter((at) => at.getTime() === ended?.getTime()))
    await scene.store.endTurn(talk.clientId, message.id, scene.tick())
    same((await scene.store.findEntry(talk.clientId, message.id))?.turnEndedAt, ended)
  },

  'the turn of an unknown message does not end': async (scene) => {
    const talk = await scene.talk()
    same(await scene.store.endTurn(talk.clientId, newId(), scene.tick()), false)
  },
}

const list = (
  scene: Scene,
  { clientId, streamId }: Talk,
  page: Parameters<typeof scene.store.listMessages>[2] | object = {},
) => scene.store.listMessages(clientId, streamId, { limit: 100, ...page })
