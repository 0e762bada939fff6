import { type Endpoint, newId } from '@plugboard/core'
import type { ChannelRef } from '../../log/endpoint-record.js'
import { webhookTarget } from '../../log/target.js'
import type { MapEndpoint, Mapped } from '../../ports/store.js'
import { atOnce, idsOf, present, same } from './assertions.js'
import { type Cases, firstOf, type MappingFields, type Scene } from './scene.js'

/** From where someone writes to the conversation that it is in. */
export const endpointCases: Cases = {
  'a new endpoint makes a user and a conversation that carries it': async (scene) => {
    const { id: clientId } = await scene.client()
    const input = scene.mapping(clientId, { endpoint: { thread: 'room' } })
    const { userId, conversationId, endpointId } = await scene.store.mapEndpoint(input)
    same({ user: userId, conversation: conversationId, endpoint: endpointId }, input.ids)
    same(await scene.store.findUser(clientId, userId), { id: userId, clientId, createdAt: input.at })
    same(await scene.store.findConversation(clientId, conversationId), {
      id: conversationId,
      clientId,
      userId,
      createdAt: input.at,
      seq: 1,
      endpoints: [{ id: endpointId, channel: input.channel, ...input.endpoint }],
    })
    same(idsOf(await scene.store.listConversations(clientId, userId, { limit: 10 })), [conversationId])
  },

  'is found once it is mapped, as long as it is there, and by no other address': async (scene) => {
    const { id: clientId } = await scene.client()
    const input = scene.mapping(clientId, { endpoint: { thread: 'room' } })
    const { channel, endpoint } = input
    const find = (changes: Partial<Endpoint> = {}) =>
      scene.store.findEndpoint(clientId, channel, { ...endpoint, ...changes })
    same(await find(), undefined)
    const { appended: _, ...place } = await scene.store.mapEndpoint(input)
    same(await find(), place)
    for (const other of [{ thread: 'other' }, { sender: 'other' }, { identity: 'other' }])
      same(await find(other), undefined)
    same(
      await scene.store.findEndpoint(clientId, { ...channel, custom: !channel.custom }, endpoint),
      undefined,
    )
    same(await scene.store.findEndpoint((await scene.client()).id, channel, endpoint), undefined)
    await scene.store.removeEndpoint(clientId, place.conversationId, place.endpointId)
    same(await find(), undefined)
    const { appended: __, ...again } = await scene.store.mapEndpoint({
      ...input,
      ids: { user: newId(), conversation: newId(), endpoint: newId() },
    })
    same(await find(), again)
    await scene.store.deleteConversation(clientId, again.conversationId, scene.event('conversation.deleted'))
    same(await find(), undefined)
  },

  'what is known of the person becomes data of the user that it makes, and of no other': async (scene) => {
    const { id: clientId } = await scene.client()
    const userData = { name: 'Zoë "Z" 👋', locale: 'de-CH' }
    const { userId } = await scene.store.mapEndpoint({ ...scene.mapping(clientId), userData })
    same((await scene.store.findUser(clientId, userId))?.data, userData)
    const thread = scene.mapping(clientId, { endpoint: { thread: 'other' } })
    same((await scene.store.mapEndpoint({ ...thread, userData: { name: 'another' } })).userId, userId)
    same((await scene.store.findUser(clientId, userId))?.data, userData)
  },

  'what it makes has first entries, of which it tells': async (scene) => {
    const { id: clientId } = await scene.client()
    const user = scene.event('user.new', { owes: [webhookTarget(newId())] })
    const conversation = scene.event('conversation.new', { payload: '{"a": 1e400}' })
    const events: MapEndpoint['events'] = { user: () => user, conversation: () => conversation }
    const { appended, ...ids } = await scene.store.mapEndpoint({ ...scene.mapping(clientId), events })
    const expected = [
      firstOf(user, { clientId, streamId: ids.userId }),
      firstOf(conversation, { clientId, streamId: ids.conversationId }),
    ]
    same(
      appended
        .map(({ entry, duplicate }) => ({ entry, duplicate }))
        .sort((a, b) => (a.entry.id < b.entry.id ? -1 : 1)),
      expected.map((entry) => ({ entry, duplicate: false })),
    )
    for (const entry of expected) same(await scene.entries(entry), [entry])
  },

  'a sender that is mapped alone is a user without a conversation, and the same user at each endpoint':
    async (scene) => {
      const { id: clientId } = await scene.client()
      const mapping = scene.mapping(clientId, { endpoint: { thread: 'room' } })
      const { userId, appended } = await scene.store.mapSender({ ...mapping, userData: { name: 'Ada' } })
      same(userId, mapping.ids.user)
      same(
        appended.map(({ entry }) => [entry.type, entry.streamId]),
        [['user.new', userId]],
      )
      same((await scene.store.findUser(clientId, userId))?.data, { name: 'Ada' })
      same(await scene.store.listConversations(clientId, userId, { limit: 10 }), [])
      const mapped = await scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { thread: 'room' } }))
      same(mapped.userId, userId)
      same(
        mapped.appended.map(({ entry }) => entry.type),
        ['conversation.new'],
      )
      same(await scene.store.mapSender(scene.mapping(clientId)), { userId, appended: [] })
      const other = scene.mapping(clientId, { endpoint: { sender: 'other' } })
      same((await scene.store.mapSender(other)).userId, other.ids.user)
    },

  'twenty who map one sender at once get one user, and a deleted one is replaced': async (scene) => {
    const { id: clientId } = await scene.client()
    const mapped = await atOnce(20, () => scene.store.mapSender(scene.mapping(clientId)))
    const [userId, ...others] = new Set(mapped.map((answer) => answer.userId))
    same([mapped.flatMap(({ appended }) => appended).length, others], [1, []])
    await scene.store.deleteUser(clientId, present(userId), scene.event('user.deleted'))
    const fresh = scene.mapping(clientId)
    same((await scene.store.mapSender(fresh)).userId, fresh.ids.user)
  },

  'the events are told the ids of what they are about': async (scene) => {
    const { id: clientId } = await scene.client()
    const first = await scene.store.mapEndpoint(telling(scene, scene.mapping(clientId)))
    const next = scene.mapping(clientId, { endpoint: { thread: 'other' } })
    const second = await scene.store.mapEndpoint(telling(scene, next))
    same(payloads(first), [`["${first.userId}","${first.conversationId}"]`, `["${first.userId}"]`])
    same(payloads(second), [`["${first.userId}","${second.conversationId}"]`])
  },

  'twenty who map one endpoint at once get one user, one conversation and one set of first entries': async (
    scene,
  ) => {
    const { id: clientId } = await scene.client()
    const mapped = await atOnce(20, () => scene.store.mapEndpoint(scene.mapping(clientId)))
    for (const key of ['userId', 'conversationId', 'endpointId'] as const) {
      same(new Set(mapped.map((answer) => answer[key])).size, 1)
    }
    const types = mapped.flatMap(({ appended }) => appended.map(({ entry }) => entry.type))
    same(types.sort(), ['conversation.new', 'user.new'])
    for (const streamId of streamsOf(mapped[0])) same((await scene.entries({ clientId, streamId })).length, 1)
  },

  'an endpoint that is known already gives what it gave before, and appends nothing': async (scene) => {
    const { id: clientId } = await scene.client()
    const { appended: _, ...first } = await scene.store.mapEndpoint(scene.mapping(clientId))
    same(await scene.store.mapEndpoint(scene.mapping(clientId)), { ...first, appended: [] })
  },

  'the same sender in another thread is the same user in another conversation': async (scene) => {
    const { id: clientId } = await scene.client()
    const threads = ['one', 'two', 'three', 'four', 'five']
    const map = (thread = '*') => scene.store.mapEndpoint(scene.mapping(clientId, { endpoint: { thread } }))
    const mapped = await atOnce(20, (index) => map(threads[index % 5]))
    same(new Set(mapped.map(({ userId }) => userId)).size, 1)
    same(new Set(mapped.map(({ conversationId }) => conversationId)).size, 5)
    const types = mapped.flatMap(({ appended }) => appended.map(({ entry }) => entry.type)).sort()
    same(types, [...threads.map(() => 'conversation.new'), 'user.new'])
  },

  'identity, sender, channel and integration tell users apart, and so does whether the channel is a custom one':
    async (scene) => {
      const { id: clientId } = await scene.client()
      const fields: MappingFields[] = [
        {},
        { endpoint: { identity: 'other' } },
        { endpoint: { sender: 'other' } },
        { channel: { name: 'slack', custom: false } },
        { channel: { name: 'telegram', custom: true } },
        { channel: { name: 'telegram', integration: 'support', custom: false } },
        { channel: { name: 'telegram', integration: 'sales', custom: false } },
        { channel: { name: 'slack', integration: 'support', custom: false } },
        // As a custom name, it may look like any of the others.
        { channel: { name: 'telegram/support', custom: true } },
      ]
      await allApart(
        scene,
        fields.map((field) => scene.mapping(clientId, field)),
      )
      const channels: ChannelRef[] = [
        { name: 'telegram', custom: true },
        { name: 'telegram', integration: 'support', custom: false },
        { name: 'telegram/support', custom: true },
      ]
      for (const channel of channels) {
        const { conversationId } = await scene.store.mapEndpoint(scene.mapping(clientId, { channel }))
        const found = present(await scene.store.findConversation(clientId, conversationId))
        same(found.endpoints[0]?.channel, channel)
      }
    },

  'endpoints that are equal to a careless eye are not the same': async (scene) => {
    const { id: clientId } = await scene.client()
    const endpoints: Partial<Endpoint>[] = [
      { sender: 'ann' },
      { sender: 'Ann' },
      { sender: 'ann ' },
      { sender: ' ann' },
      { sender: 'caf\u00e9' },
      { sender: 'cafe\u0301' },
      { sender: '1' },
      { sender: '01' },
      { sender: '1.0' },
      { identity: 'a', sender: 'b:c' },
      { identity: 'a:b', sender: 'c' },
      { identity: 'ab', sender: 'c' },
      { sender: "x' OR 1=1 --" },
      { sender: '$where' },
      { sender: '' },
      { sender: '\u{1f600}' },
    ]
    await allApart(
      scene,
      endpoints.map((endpoint) => scene.mapping(clientId, { endpoint })),
    )
  },

  'the endpoint of a deleted conversation gives a new conversation of the same user': async (scene) => {
    const { id: clientId } = await scene.client()
    const old = await scene.store.mapEndpoint(scene.mapping(clientId))
    await scene.store.deleteConversation(clientId, old.conversationId, scene.event('conversation.deleted'))
    const mapped = await atOnce(10, () => scene.store.mapEndpoint(scene.mapping(clientId)))
    same(new Set(mapped.map(({ conversationId }) => conversationId)).size, 1)
    const [fresh] = mapped as [Mapped]
    same([fresh.userId, fresh.conversationId === old.conversationId], [old.userId, false])
    same((await scene.store.purgeDeleted(1000)) > 0, true)
    same((await scene.store.mapEndpoint(scene.mapping(clientId))).conversationId, fresh.conversationId)
    same((await scene.say({ clientId, streamId: fresh.conversationId })).seq, 2)
  },
}

/** Each mapping gives a user and a conversation of its own, and again the same ones. */
async function allApart({ store }: Scene, inputs: readonly MapEndpoint[]): Promise<void> {
  const mapped: Mapped[] = []
  for (const input of inputs) mapped.push(await store.mapEndpoint(input))
  same(new Set(mapped.map(({ userId }) => userId)).size, inputs.length)
  same(new Set(mapped.map(({ conversationId }) => conversationId)).size, inputs.length)
  for (const [index, input] of inputs.entries()) {
    same((await store.mapEndpoint(input)).conversationId, mapped[index]?.conversationId)
  }
}

/** Its events say what they were told. */
const telling = (scene: Scene, input: MapEndpoint): MapEndpoint => ({
  ...input,
  events: {
    user: (...ids) => scene.event('user.new', { payload: JSON.stringify(ids) }),
    conversation: (...ids) => scene.event('conversation.new', { payload: JSON.stringify(ids) }),
  },
})

const payloads = ({ appended }: Mapped) => appended.map(({ entry }) => entry.payload).sort()

const streamsOf = (mapped: Mapped | undefined) => (mapped ? [mapped.userId, mapped.conversationId] : [])
