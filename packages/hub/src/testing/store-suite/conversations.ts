import assert from 'node:assert/strict'
import { type Conversation, type Id, newId, type User } from '@plugboard/core'
import fc from 'fast-check'
import type { Page } from '../../log/page.js'
import { webhookTarget } from '../../log/target.js'
import { SLOW_RUNS } from '../random-runs.js'
import { allPages, atOnce, idsOf, only, refuses, same } from './assertions.js'
import { type Cases, firstOf, type Scene, type Talk } from './scene.js'

/** Conversations, and the list of those of one user. */
export const conversationCases: Cases = {
  'a conversation is found as it was created, without endpoints': async (scene) => {
    const user = await aUser(scene)
    const conversation = draft(scene, user)
    await scene.store.createConversation(conversation, scene.event('conversation.new'))
    same(await scene.store.findConversation(user.clientId, conversation.id), {
      ...conversation,
      seq: 1,
      endpoints: [],
    })
    same(await scene.store.listConversations(user.clientId, user.id, { limit: 10 }), [conversation])
  },

  'a conversation that was never created is not found': async (scene) => {
    const { clientId } = await scene.talk()
    same(await scene.store.findConversation(clientId, newId()), undefined)
  },

  'the first entry of a conversation is written with it': async (scene) => {
    const user = await aUser(scene)
    const conversation = draft(scene, user)
    const event = scene.event('conversation.new', {
      owes: [webhookTarget(newId())],
      payload: '{"is" : "new"}',
    })
    const answer = await scene.store.createConversation(conversation, event)
    const stream = { clientId: user.clientId, streamId: conversation.id }
    same([answer.duplicate, answer.userId], [false, user.id])
    same(answer.entry, firstOf(event, stream))
    same(await scene.entries(stream), [answer.entry])
  },

  'a conversation of an unknown user is refused, and nothing of it is written': async (scene) => {
    const { clientId } = await aUser(scene)
    const conversation = draft(scene, { clientId, id: newId() })
    const event = scene.event('conversation.new', { owes: [webhookTarget(newId())] })
    await refuses('NOT_FOUND', scene.store.createConversation(conversation, event))
    same(await scene.store.findConversation(clientId, conversation.id), undefined)
    same(await scene.store.findEntry(clientId, event.id), undefined)
    same(await scene.claimDue(), [])
  },

  'of twenty who create one conversation at once one does, and all are answered the same entry': async (
    scene,
  ) => {
    const user = await aUser(scene)
    const conversation = draft(scene, user)
    const create = () => scene.store.createConversation(conversation, scene.event('conversation.new'))
    const answers = [...(await atOnce(20, create)), await create()]
    const fresh = only(answers.filter(({ duplicate }) => !duplicate))
    for (const { entry } of answers) same(entry, fresh.entry)
    same(await scene.entries(fresh.entry), [fresh.entry])
  },

  'a conversation knows when its newest message was taken in, which an event does not change': async (
    scene,
  ) => {
    const talk = await scene.talk()
    await scene.say(talk)
    const { at: lastMessageAt } = await scene.say(talk)
    await scene.say(talk, { type: 'conversation.started' })
    const found = await scene.store.findConversation(talk.clientId, talk.streamId)
    same(found?.lastMessageAt, lastMessageAt)
    const listed = await scene.store.listConversations(talk.clientId, talk.userId, { limit: 1 })
    same(listed[0]?.lastMessageAt, lastMessageAt)
  },

  'conversations without messages are listed first, newest first, then the others by newest message': async (
    scene,
  ) => {
    const user = await aUser(scene)
    const [a, b, c, d] = await several(scene, user)
    for (const talk of [b, a, c, a]) await scene.say(talk)
    await scene.say(b, { type: 'conversation.started' })
    const e = await scene.conversation(user)
    same(await list(scene, user), streamsOf([e, d, a, c, b]))
  },

  'whatever conversations messages come to, several at once and after deletions, the list is by newest message':
    async (scene) => {
      const { id: clientId } = await scene.client()
      const plays = async (steps: (readonly number[] | 'delete')[]) => {
        const user = await scene.user(clientId)
        const talks: Talk[] = await several(scene, user)
        await Promise.all(talks.map((talk) => scene.say(talk)))
        for (const step of steps) {
          const said = step === 'delete' ? [] : step.map((i) => talks[i % talks.length] as Talk)
          await Promise.all(said.map((talk) => scene.say(talk)))
          talks.sort((a, b) => said.lastIndexOf(a) - said.lastIndexOf(b))
          if (step === 'delete' && talks.length > 1) await end(scene, talks.pop() as Talk)
          same(await list(scene, user), streamsOf(talks.toReversed()))
        }
      }
      const messages = fc.array(fc.nat(3), { minLength: 1, maxLength: 4 })
      const step = fc.oneof({ weight: 5, arbitrary: messages }, fc.constant('delete' as const))
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), plays), { numRuns: SLOW_RUNS })
    },

  "another user's conversations are not in the list, and an unknown user has none": async (scene) => {
    const { id: clientId } = await scene.client()
    const [mine, yours] = [await scene.user(clientId), await scene.user(clientId)]
    const here = await scene.conversation(mine)
    await scene.conversation(yours)
    same(await list(scene, mine), [here.streamId])
    same(await scene.store.listConversations(clientId, newId(), { limit: 10 }), [])
  },

  'pages of any size skip and repeat no conversation, also where many are equally old': async (scene) => {
    const user = await aUser(scene)
    const at = scene.tick()
    for (const spoken of [false, true, true, false, true, true, false, true, true]) {
      const talk = await scene.conversation(user, { at })
      if (spoken) await scene.say(talk, { at })
    }
    const whole = await list(scene, user)
    same(new Set(whole).size, 9)
    for (const limit of [1, 2, 3, 4, 8, 9, 10]) {
      same(idsOf(await allPages(limit, (page) => read(scene, user, page))), whole)
    }
  },

  'messages in conversations that a reader has seen do not disturb the pages to come': async (scene) => {
    const user = await aUser(scene)
    const talks = await several(scene, user)
    for (const talk of talks) await scene.say(talk)
    const [a, b, c, d] = talks
    const seen: Id[] = []
    const disturb = async (last: Id) => {
      seen.push(last)
      await scene.conversation(user)
      if (last !== d.streamId) await scene.say(d)
    }
    const pages = await allPages(
      1,
      (page) => read(scene, user, page),
      ({ id }) => disturb(id),
    )
    same(idsOf(pages), streamsOf([d, c, b, a]))
    same(seen.length, 4)
  },

  'a message in the conversation that a page ended with makes the next one skip nothing': async (scene) => {
    const user = await aUser(scene)
    const talks = await several(scene, user)
    for (const talk of talks) await scene.say(talk)
    const [first, cursor] = await read(scene, user, { limit: 2 })
    assert.ok(first && cursor)
    await scene.say({ clientId: user.clientId, streamId: cursor.id })
    const rest = await read(scene, user, { limit: 10, before: cursor.id })
    const reached = new Set([first.id, cursor.id, ...idsOf(rest)])
    same([...reached].sort(), streamsOf(talks).sort())
  },
}

const aUser = async (scene: Scene): Promise<User> => scene.user((await scene.client()).id)

const draft = (scene: Scene, { clientId, id: userId }: Pick<User, 'clientId' | 'id'>): Conversation => ({
  id: newId(),
  clientId,
  userId,
  createdAt: scene.tick(),
})

async function several(scene: Scene, user: User): Promise<[Talk, Talk, Talk, Talk]> {
  const next = () => scene.conversation(user)
  return [await next(), await next(), await next(), await next()]
}

const end = (scene: Scene, { clientId, streamId }: Talk) =>
  scene.store.deleteConversation(clientId, streamId, scene.event('conversation.deleted'))

const read = ({ store }: Scene, { clientId, id }: User, page: Page): Promise<Conversation[]> =>
  store.listConversations(clientId, id, page)

const list = async (scene: Scene, user: User): Promise<Id[]> => idsOf(await read(scene, user, { limit: 100 }))

const streamsOf = (talks: readonly Talk[]): Id[] => talks.map(({ streamId }) => streamId)
