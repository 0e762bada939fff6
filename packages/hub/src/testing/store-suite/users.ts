import { type Id, newId, type User } from '@plugboard/core'
import { webhookTarget } from '../../log/target.js'
import { atOnce, only, same } from './assertions.js'
import { type Cases, firstOf } from './scene.js'

/** People, and the streams of what happens to them. */
export const userCases: Cases = {
  'a user is found as it was created, with its data or without': async (scene) => {
    const { id: clientId } = await scene.client()
    const named = await scene.user(clientId, { data: { name: 'Ann', 'a.b': '$c', '': 'empty' } })
    const bare = await scene.user(clientId)
    same(await scene.store.findUser(clientId, named.id), named)
    same(await scene.store.findUser(clientId, bare.id), bare)
  },

  'a user that was never created is not found': async (scene) => {
    const { clientId } = await scene.user((await scene.client()).id)
    same(await scene.store.findUser(clientId, newId()), undefined)
  },

  "the first entry of a user's stream is written with the user": async (scene) => {
    const { id: clientId } = await scene.client()
    const user: User = { id: newId(), clientId, createdAt: scene.tick() }
    const event = scene.event('user.new', { owes: [webhookTarget(newId())], payload: '{"user" : 1.0}' })
    const { entry, duplicate } = await scene.store.createUser(user, event)
    same(duplicate, false)
    same(entry, firstOf(event, { clientId, streamId: user.id }))
    same(await scene.entries({ clientId, streamId: user.id }), [entry])
  },

  'a user who is there already is answered with the first entry, and stays as it is': async (scene) => {
    const { id: clientId } = await scene.client()
    const user: User = { id: newId(), clientId, createdAt: scene.tick(), data: { name: 'Ann' } }
    const first = await scene.store.createUser(user, scene.event('user.new'))
    const changed = { ...user, createdAt: scene.tick(), data: { name: 'Bob' } }
    const second = await scene.store.createUser(
      changed,
      scene.event('user.new', { payload: '{"changed":true}' }),
    )
    same([second.duplicate, second.entry], [true, first.entry])
    same(await scene.store.findUser(clientId, user.id), user)
    same(await scene.entries({ clientId, streamId: user.id }), [first.entry])
  },

  'of twenty who create one user at once one does, and all are answered the same entry': async (scene) => {
    const { id: clientId } = await scene.client()
    const id = newId()
    const answers = await atOnce(20, () =>
      scene.store.createUser({ id, clientId, createdAt: scene.tick() }, scene.event('user.new')),
    )
    const fresh = only(answers.filter(({ duplicate }) => !duplicate))
    for (const { entry } of answers) same(entry, fresh.entry)
    same(await scene.entries({ clientId, streamId: id }), [fresh.entry])
  },

  "entries are appended to a user's stream like to any other": async (scene) => {
    const { id: streamId, clientId } = await scene.user((await scene.client()).id)
    const { entry } = await scene.append({ clientId, streamId }, { kind: 'user', type: 'user.new' })
    same(entry.seq, 2)
    same(idOfLast(await scene.entries({ clientId, streamId })), entry.id)
  },
}

const idOfLast = (entries: readonly { id: Id }[]): Id | undefined => entries.at(-1)?.id
