import assert from 'node:assert/strict'
import { type Id, newId } from '@plugboard/core'
import type { StreamRef } from '../../log/entry.js'
import type { Claimed } from '../../log/progress.js'
import { webhookTarget } from '../../log/target.js'
import { atOnce, only, present, same } from './assertions.js'
import type { Cases, Scene, Talk } from './scene.js'

/** Which streams have something to do, and who takes them up. */
export const dueCases: Cases = {
  'an entry that is owed makes its stream due at once, with how far it is and where it lives': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const input = scene.mapping(clientId)
    const { userId, conversationId: streamId, endpointId } = await scene.store.mapEndpoint(input)
    const entry = await scene.say({ clientId, streamId }, { owes: [aTarget()] })
    const { scanned, lease, ...claimed } = only(await scene.claimDue(entry.at))
    const endpoints = [{ id: endpointId, channel: input.channel, ...input.endpoint }]
    same(claimed, { clientId, streamId, userId, endpoints, seq: 2, lanes: {} })
    assert.ok(scanned < entry.seq && Number.isInteger(lease.fence))
  },

  'an entry that is owed nothing makes nothing due': async (scene) => {
    const talk = await scene.talk()
    await scene.say(talk)
    same(await scene.claimDue(), [])
    same(await scene.store.backlog(10), { streams: 0, isMore: false })
    await scene.say(talk, { owes: [aTarget()] })
    same(await scene.dueStreams(), [talk.streamId])
  },

  'an append that claims is answered with the right to deliver, and keeps it from others': async (scene) => {
    const { id: clientId } = await scene.client()
    const input = scene.mapping(clientId)
    const { userId, conversationId: streamId, endpointId } = await scene.store.mapEndpoint(input)
    const { entry, claimed } = await scene.claimAtAppend({ clientId, streamId }, aTarget())
    const { scanned, lease: _, ...rest } = claimed
    const endpoints = [{ id: endpointId, channel: input.channel, ...input.endpoint }]
    same(rest, { clientId, streamId, userId, endpoints, seq: entry.seq, lanes: {} })
    assert.ok(scanned < entry.seq)
    same(await scene.claimDue(), [])
  },

  'first entries and last ones are due like any other, or claimed': async (scene) => {
    const { id: clientId } = await scene.client()
    for (const claim of [true, false]) {
      const owed = { owes: [aTarget()], claim }
      const { streamId: userId, ...user } = await firstUser(scene, clientId, owed)
      const talk = await scene.conversation({ id: userId, clientId, createdAt: scene.now }, owed)
      const mapped = await scene.store.mapEndpoint(
        scene.mapping(clientId, { ...owed, endpoint: { sender: `${claim}` } }),
      )
      const gone = await scene.conversation({ id: userId, clientId, createdAt: scene.now })
      const event = scene.event('conversation.deleted', owed)
      const deleted = await scene.store.deleteConversation(clientId, gone.streamId, event)
      const streams = [userId, talk.streamId, mapped.userId, mapped.conversationId, gone.streamId]
      same((await scene.dueStreams()).sort(), claim ? [] : streams.sort())
      for (const { claimed } of [user, ...mapped.appended, present(deleted)])
        same(claimed !== undefined, claim)
    }
  },

  'streams of users and of integrations are due like those of conversations': async (scene) => {
    const { id: clientId } = await scene.client()
    const user: StreamRef = { clientId, streamId: (await scene.user(clientId)).id }
    const integration: StreamRef = { clientId, streamId: newId() }
    await scene.say(user, { kind: 'user', type: 'user.new', owes: [aTarget()] })
    await scene.say(integration, { kind: 'integration', type: 'health.new', owes: [aTarget()] })
    const [first, second] = await scene.claimDue()
    same([first?.streamId, first?.userId, first?.endpoints], [user.streamId, user.streamId, []])
    same([second?.streamId, second?.userId, second?.endpoints], [integration.streamId, undefined, []])
  },

  'what is due longest is taken first, and no more than asked for': async (scene) => {
    const talks = [await scene.talk(), await scene.talk(), await scene.talk()]
    const times = [scene.after(3), scene.after(2), scene.after(1)] as const
    for (const [index, talk] of talks.entries()) await block(scene, talk, present(times[index]))
    const [third, second, first] = talks.map(({ streamId }) => streamId)
    same(await take(scene, { now: scene.now, limit: 10 }), [])
    same(await take(scene, { now: times[2], limit: 10 }), [first])
    same(await take(scene, { now: times[0], limit: 1 }), [second])
    same(await take(scene, { now: times[0], limit: 10 }), [third])
  },

  'clients that are left out keep what they have, and take no room': async (scene) => {
    const [loud, quiet, other] = [await scene.talk(), await scene.talk(), await scene.talk()]
    for (const talk of [loud, quiet, other]) await scene.say(talk, { owes: [aTarget()] })
    const except = [loud.clientId, other.clientId]
    same(await take(scene, { now: scene.now, limit: 1, except }), [quiet.streamId])
    same(await take(scene, { now: scene.now, limit: 10 }), [loud.streamId, other.streamId])
  },

  'of many who take up what is due at once each stream goes to one': async (scene) => {
    const { id: clientId } = await scene.client()
    const talks = await atOnce(30, () => scene.talk(clientId))
    await atOnce(30, (index) => scene.append(present(talks[index]), { owes: [aTarget()] }))
    const { now } = scene
    const claims = [
      await atOnce(10, () => take(scene, { now, limit: 5 })),
      await take(scene, { now, limit: 50 }),
    ].flat(2)
    same(claims.sort(), talks.map(({ streamId }) => streamId).sort())
  },

  'what was taken up is not due again before its lease ends': async (scene) => {
    const talk = await scene.talk()
    await scene.say(talk, { owes: [aTarget()] })
    const { lease } = only(await scene.claimDue())
    same(await scene.claimDue(), [])
    if (lease.until) same(await scene.claimDue(halfway(scene.now, lease.until)), [])
  },

  'an entry that comes in meanwhile leaves the stream with its holder': async (scene) => {
    const talk = await scene.talk()
    const { claimed } = await scene.claimAtAppend(talk, aTarget())
    await scene.say(talk, { owes: [aTarget()] })
    same(await scene.claimDue(), [])
    const again = await scene.append(talk, { owes: [aTarget()], claim: true })
    same(again.claimed, undefined)
    same(await scene.store.mark(talk, claimed.lease, { scanned: 1, lanes: {}, nextAt: 'active' }), 4)
  },

  'an entry that comes in makes a stream due that was to wait': async (scene) => {
    const talk = await scene.talk()
    const target = await block(scene, talk, scene.after(3600))
    const { at } = await scene.say(talk, { owes: [aTarget()] })
    const { lanes, scanned, seq } = only(await scene.claimDue(at))
    same([Object.keys(lanes), scanned, seq], [[target], 2, 3])
  },

  'a store that says when to ask again says no later time than that of what is due next': async (scene) => {
    const [early, late, held, excepted] = [
      await scene.talk(),
      await scene.talk(),
      await scene.talk(),
      await scene.talk(),
    ]
    const next = scene.after(60)
    await block(scene, late, scene.after(120))
    await block(scene, early, next)
    await scene.claimAtAppend(held, aTarget())
    await scene.say(excepted, { owes: [aTarget()] })
    const { now } = scene
    const { claimed, nextAt } = await scene.store.claimDue({ now, limit: 10, except: [excepted.clientId] })
    same(claimed, [])
    if (nextAt) assert.ok(nextAt > now && nextAt <= next, `asks again at ${nextAt.toISOString()}`)
  },

  'wakeClient makes due what the client owes, and nothing of others': async (scene) => {
    const { id: clientId } = await scene.client()
    const [first, second, idle] = [
      await scene.talk(clientId),
      await scene.talk(clientId),
      await scene.talk(clientId),
    ]
    const other = await scene.talk()
    for (const talk of [first, second, other]) await block(scene, talk, scene.after(3600))
    const { entry, claimed } = await scene.claimAtAppend(idle, aTarget())
    await scene.store.mark(idle, claimed.lease, { scanned: entry.seq, lanes: {}, nextAt: null })
    same(await scene.claimDue(), [])
    await scene.store.wakeClient(clientId, scene.tick())
    same((await scene.dueStreams()).sort(), [first.streamId, second.streamId].sort())
    same((await scene.dueStreams(scene.after(3601))).includes(other.streamId), true)
  },

  'the backlog tells how many streams owe something, up to a limit, and how long the oldest has': async (
    scene,
  ) => {
    same(await scene.store.backlog(10), { streams: 0, isMore: false })
    const { id: clientId } = await scene.client()
    const streams = Array.from({ length: 3 }, () => ({ clientId, streamId: newId() }))
    const [a, b] = await Promise.all(
      streams.map((stream) => scene.say(stream, { ...health, owes: [aTarget()] })),
    )
    assert.ok(a && b)
    same(await scene.store.backlog(10), { streams: 3, isMore: false, oldest: a.at })
    same(await scene.store.backlog(3), { streams: 3, isMore: false, oldest: a.at })
    same(await scene.store.backlog(2), { streams: 2, isMore: true, oldest: a.at })
    const [first, second, third] = (await scene.claimDue()) as [Claimed, Claimed, Claimed]
    same(await scene.store.backlog(10), { streams: 3, isMore: false, oldest: a.at })
    await rest(scene, first)
    same(await scene.store.backlog(10), { streams: 2, isMore: false, oldest: b.at })
    const { at } = await scene.say(second, { ...health, at: scene.after(1), owes: [aTarget()] })
    await rest(scene, third)
    const lanes = { [aTarget()]: { done: 1 } }
    await scene.store.mark(second, second.lease, { scanned: 2, lanes, nextAt: scene.after(60) })
    same(await scene.store.backlog(10), { streams: 1, isMore: false, oldest: at })
  },
}

const health = { kind: 'integration', type: 'health.new' } as const

const halfway = (from: Date, to: Date) => new Date((from.getTime() + to.getTime()) / 2)

const aTarget = () => webhookTarget(newId())

/** The streams that this takes. */
async function take({ store }: Scene, claim: { now: Date; limit: number; except?: Id[] }): Promise<Id[]> {
  const { claimed } = await store.claimDue({ except: [], ...claim })
  return claimed.map(({ streamId }) => streamId)
}

/** Leaves the stream with one lane that is to wait until then. */
async function block(scene: Scene, talk: Talk, blockedUntil: Date) {
  const target = aTarget()
  const { entry, claimed } = await scene.claimAtAppend(talk, target)
  const lanes = { [target]: { done: entry.seq - 1, attempt: 1, blockedUntil } }
  await scene.store.mark(talk, claimed.lease, { scanned: entry.seq, lanes, nextAt: blockedUntil })
  return target
}

/** Everything of the stream is delivered. */
const rest = ({ store }: Scene, { seq, lease, ...stream }: Claimed) =>
  store.mark(stream, lease, { scanned: seq, lanes: {}, nextAt: null })

async function firstUser(
  scene: Scene,
  clientId: Id,
  owed: { owes: ReturnType<typeof aTarget>[]; claim: boolean },
) {
  const user = { id: newId(), clientId, createdAt: scene.tick() }
  const { claimed } = await scene.store.createUser(user, scene.event('user.new', owed))
  return { streamId: user.id, claimed }
}
