import { type Id, newId } from '@plugboard/core'
import { endpointTarget, webhookTarget } from '../../log/target.js'
import type { Mapped, Merged } from '../../ports/store.js'
import { atOnce, idsOf, only, present, same } from './assertions.js'
import { type Cases, firstOf, type Scene } from './scene.js'

/** Two users that turn out to be one person. */
export const mergingCases: Cases = {
  'the younger is merged into the older, whichever is named first, and its id finds the older': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const [older, younger] = [
      await scene.user(clientId, { data: { name: 'Ada' } }),
      await scene.user(clientId),
    ]
    const merged = present(await merge(scene, clientId, younger.id, older.id))
    same([merged.older, merged.younger], [older.id, younger.id])
    for (const id of [older.id, younger.id]) same(await scene.store.findUser(clientId, id), older)
    const next = await scene.user(clientId)
    same(present(await merge(scene, clientId, younger.id, next.id)).older, older.id)
    same(await scene.store.findUser(clientId, next.id), older)
  },

  'the older one gets the data that it lacks': async (scene) => {
    const { id: clientId } = await scene.client()
    const older = await scene.user(clientId, { data: { name: 'Ada', locale: 'de' } })
    const younger = await scene.user(clientId, { data: { name: 'A.', phone: '+41' } })
    const silent = await scene.user(clientId)
    await merge(scene, clientId, younger.id, silent.id)
    await merge(scene, clientId, older.id, younger.id)
    const { data } = present(await scene.store.findUser(clientId, silent.id))
    same(data, { name: 'Ada', locale: 'de', phone: '+41' })
  },

  'its last entry tells of it and is owed; what its stream had is still delivered': async (scene) => {
    const { id: clientId } = await scene.client()
    const older = await scene.user(clientId)
    const id = newId()
    const owes = [webhookTarget(newId())]
    const first = scene.event('user.new', { owes, payload: '{"first":true}' })
    await scene.store.createUser({ id, clientId, createdAt: scene.tick() }, first)
    const event = scene.event('user.merged', { owes, payload: '{"last" : 1.0}' })
    const input = { clientId, users: [id, older.id] as const, event: () => event }
    const { appended } = present(await scene.store.mergeUsers(input))
    same([appended.duplicate, appended.userId], [false, id])
    const stream = { clientId, streamId: id }
    same(await scene.entries(stream), [firstOf(first, stream), { ...firstOf(event, stream), seq: 2 }])
    const claimed = only(await scene.claimDue(appended.entry.at))
    same([claimed.streamId, claimed.seq, claimed.scanned], [id, 2, 0])
  },

  'the event is told who is merged into whom': async (scene) => {
    const { id: clientId } = await scene.client()
    const [older, younger] = [await scene.user(clientId), await scene.user(clientId)]
    const told: Id[][] = []
    await scene.store.mergeUsers({
      ...{ clientId, users: [older.id, younger.id] },
      event(...ids) {
        told.push(ids)
        return scene.event('user.merged')
      },
    })
    same(told.at(-1), [younger.id, older.id])
  },

  'its conversations are those of the older one, in the order of their messages': async (scene) => {
    const { id: clientId } = await scene.client()
    const [older, younger] = [await scene.user(clientId), await scene.user(clientId)]
    const talks = [
      await scene.conversation(older),
      await scene.conversation(younger),
      await scene.conversation(older),
      await scene.conversation(younger),
    ]
    // Each time the newest of its user, so that neither order says all.
    for (const i of [0, 1, 1, 0, 2, 0, 3, 1]) await scene.say(present(talks[i]))
    await merge(scene, clientId, older.id, younger.id)
    const expected = [1, 3, 0, 2].map((i) => talks[i]?.streamId)
    for (const id of [older.id, younger.id]) {
      const listed = await scene.store.listConversations(clientId, id, { limit: 10 })
      same([idsOf(listed), listed.map(({ userId }) => userId)], [expected, expected.map(() => older.id)])
    }
    const walked = await scene.store.walkConversations(clientId, { userId: older.id, limit: 10 })
    same(
      idsOf(walked),
      talks.map(({ streamId }) => streamId),
    )
    for (const { streamId } of talks)
      same((await scene.store.findConversation(clientId, streamId))?.userId, older.id)
    await scene.say(present(talks[2]))
    const [newest] = await scene.store.listConversations(clientId, older.id, { limit: 1 })
    same(newest?.id, talks[2]?.streamId)
    const page = await scene.store.listConversations(clientId, older.id, {
      limit: 9,
      before: present(newest).id,
    })
    same(
      idsOf(page),
      [1, 3, 0].map((i) => talks[i]?.streamId),
    )
  },

  'its addresses lead to the older one, and to the conversations where they led before': async (scene) => {
    const { id: clientId } = await scene.client()
    const map = (sender: string, thread = '*') =>
      scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender, thread } }))
    const [older, younger] = [await map('first'), await map('second')]
    const { userId: alone } = await scene.store.mapSender(
      scene.mapping(clientId, { endpoint: { sender: 'third' } }),
    )
    await merge(scene, clientId, older.userId, younger.userId)
    await merge(scene, clientId, older.userId, alone)
    for (const [sender, place] of [
      ['first', older],
      ['second', younger],
    ] as const) {
      const again = await map(sender)
      same([again.userId, again.conversationId, again.appended], [older.userId, place.conversationId, []])
      const { channel, endpoint } = scene.mapping(clientId, { endpoint: { sender } })
      const { userId, conversationId } = present(await scene.store.findEndpoint(clientId, channel, endpoint))
      same([userId, conversationId], [older.userId, place.conversationId])
      same(await scene.store.findSender(clientId, channel, endpoint), older.userId)
    }
    for (const sender of ['second', 'third']) {
      const other = await map(sender, 'room')
      same([other.userId, other.appended.length], [older.userId, 1])
      same((await scene.store.findConversation(clientId, other.conversationId))?.userId, older.userId)
    }
  },

  'what is owed in its conversations goes on where it was': async (scene) => {
    const { id: clientId } = await scene.client()
    const older = await scene.user(clientId)
    const {
      userId,
      conversationId: streamId,
      endpointId,
    } = await scene.store.mapEndpoint(scene.mapping(clientId))
    const talk = { clientId, streamId, userId }
    const target = endpointTarget(endpointId)
    const { claimed } = await scene.claimAtAppend(talk, target)
    await scene.say(talk, { owes: [target] })
    await merge(scene, clientId, older.id, userId)
    const lanes = { [target]: { done: 2, attempt: 1 } }
    same(await scene.store.mark(talk, claimed.lease, { scanned: 3, lanes, nextAt: scene.after(9) }), 3)
    const due = only(await scene.claimDue(scene.after(10)))
    same([due.userId, due.scanned, due.lanes, due.endpoints.length], [older.id, 3, lanes, 1])
    same((await scene.append(talk)).userId, older.id)
  },

  'twenty who merge the same two at once merge them once, and so do chains': async (scene) => {
    const { id: clientId } = await scene.client()
    const users = [await scene.user(clientId), await scene.user(clientId), await scene.user(clientId)]
    const [a, b, c] = users.map(({ id }) => id) as [Id, Id, Id]
    const pairs = [
      [b, c],
      [c, b],
      [a, b],
      [c, a],
    ] as const
    const merged = await atOnce(20, (i) => merge(scene, clientId, ...present(pairs[i % 4])))
    same(merged.filter((answer) => answer !== undefined).length, 2)
    for (const id of [a, b, c]) same((await scene.store.findUser(clientId, id))?.id, a)
    const events = await Promise.all([a, b, c].map((streamId) => scene.entries({ clientId, streamId })))
    same(
      events.map((entries) => entries.filter(({ type }) => type === 'user.merged').length),
      [0, 1, 1],
    )
  },

  'conversations that are made for the younger one at once are those of the older': async (scene) => {
    const { id: clientId } = await scene.client()
    const [older, younger] = [
      await scene.user(clientId),
      await scene.store.mapSender(scene.mapping(clientId)),
    ]
    const threads = ['0', '1', '2', '3', '4']
    const [places] = await Promise.all([
      atOnce(10, (i) =>
        scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { thread: threads[i % 5] ?? '' } })),
      ),
      merge(scene, clientId, older.id, younger.userId),
    ])
    await merge(scene, clientId, older.id, younger.userId)
    const listed = await scene.store.listConversations(clientId, older.id, { limit: 10 })
    same(new Set(idsOf(listed)), new Set(places.map(({ conversationId }) => conversationId)))
    same(listed.length, 5)
  },

  'a user who is unknown, deleted or the same is not merged': async (scene) => {
    const { id: clientId } = await scene.client()
    const [user, deleted] = [await scene.user(clientId), await scene.user(clientId)]
    const stranger = await scene.user((await scene.client()).id)
    await scene.store.deleteUser(clientId, deleted.id, scene.event('user.deleted'))
    const talk = await scene.talk(clientId)
    for (const id of [user.id, deleted.id, stranger.id, newId(), talk.streamId])
      same(await merge(scene, clientId, user.id, id), undefined)
    same((await scene.entries({ clientId, streamId: user.id })).length, 1)
    same(await scene.store.findUser(clientId, user.id), user)
  },

  'the deletion of the older one is that of both, and their addresses give somebody new': async (scene) => {
    const { id: clientId } = await scene.client()
    const map = (sender: string): Promise<Mapped> =>
      scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { sender } }))
    const [older, younger] = [await map('first'), await map('second')]
    await merge(scene, clientId, older.userId, younger.userId)
    present(await scene.store.deleteUser(clientId, younger.userId, scene.event('user.deleted')))
    for (const { userId } of [older, younger]) same(await scene.store.findUser(clientId, userId), undefined)
    const [one, two] = [await map('first'), await map('second')]
    same(new Set([older, younger, one, two].map(({ userId }) => userId)).size, 4)
    same(new Set([older, younger, one, two].map(({ conversationId }) => conversationId)).size, 4)
    while ((await scene.store.purgeDeleted(10)) > 0);
    for (const { userId } of [older, younger]) same(await scene.entries({ clientId, streamId: userId }), [])
  },
}

const merge = (scene: Scene, clientId: Id, ...users: readonly [Id, Id]): Promise<Merged | undefined> =>
  scene.store.mergeUsers({ clientId, users, event: () => scene.event('user.merged') })
