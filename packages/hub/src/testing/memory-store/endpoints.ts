import { type EndpointRecord, encodeChannel, isSameChannel } from '../../log/endpoint-record.js'
import type { Appended, MapEndpoint, MapSender } from '../../ports/store.js'
import { openConversation, openUser } from './conversations.js'
import { type Database, keyOf, type Methods } from './database.js'
import type { Owner, Stream } from './stream.js'

type Address = Pick<MapEndpoint, 'clientId' | 'channel' | 'endpoint'>

/** Which conversation a message from an address is in, and who is at that address. */
export const endpointMethods = (database: Database, owner: Owner) =>
  ({
    mapEndpoint(input) {
      const { clientId, ids, events, at, userData } = input
      const person = userAt(database, input)
      const userId = person ?? ids.user
      const known = person && findEndpoint(database, input, userId)
      if (known) return { userId, ...known, appended: [] }
      // Asked before anything is changed, since it may throw.
      const userEvent = person ? undefined : events.user(userId)
      const conversationEvent = events.conversation(userId, ids.conversation)
      const appended: Appended[] = []
      if (userEvent) {
        const user = { id: userId, clientId, createdAt: at, ...(userData && { data: userData }) }
        database.people.set(addressOf(input), { clientId, userId })
        appended.push(openUser(database, owner, user, userEvent))
      }
      const conversation = { id: ids.conversation, clientId, userId, createdAt: at }
      const endpoints = [recordOf(input)]
      appended.push(openConversation(database, owner, conversation, conversationEvent, endpoints))
      return { userId, conversationId: ids.conversation, endpointId: ids.endpoint, appended }
    },

    findEndpoint(clientId, channel, endpoint) {
      const address = { clientId, channel, endpoint }
      const userId = userAt(database, address)
      const known = userId && findEndpoint(database, address, userId)
      return known && { userId, ...known }
    },

    findSender: (clientId, channel, endpoint) => userAt(database, { clientId, channel, endpoint }),

    mapSender(input) {
      const { clientId, ids, events, at, userData } = input
      const person = userAt(database, input)
      if (person) return { userId: person, appended: [] }
      const event = events.user(ids.user)
      const user = { id: ids.user, clientId, createdAt: at, ...(userData && { data: userData }) }
      database.people.set(addressOf(input), { clientId, userId: ids.user })
      return { userId: ids.user, appended: [openUser(database, owner, user, event)] }
    },

    removeEndpoint(clientId, conversationId, endpointId) {
      const stream = database.conversation(clientId, conversationId)
      if (!stream?.endpoints.some(({ id }) => id === endpointId)) return false
      stream.endpoints = stream.endpoints.filter(({ id }) => id !== endpointId)
      return true
    },
  }) satisfies Partial<Methods>

/** The user at an address. */
function userAt(database: Database, address: Pick<MapSender, keyof Address>): Stream['userId'] {
  const person = database.people.get(addressOf(address))
  return person && (database.user(person.clientId, person.userId)?.streamId ?? person.userId)
}

/** The conversation of the user that has this endpoint. One that was deleted has it no more. */
function findEndpoint(database: Database, input: Address, userId: Stream['userId']) {
  for (const stream of database.streamsOf(input.clientId)) {
    if (stream.deletedAt || stream.userId !== userId) continue
    const endpoint = stream.endpoints.find((each) => isSame(each, input))
    if (endpoint) return { conversationId: stream.streamId, endpointId: endpoint.id }
  }
  return undefined
}

const isSame = (record: EndpointRecord, { channel, endpoint }: Address): boolean =>
  isSameChannel(record.channel, channel) &&
  record.identity === endpoint.identity &&
  record.sender === endpoint.sender &&
  record.thread === endpoint.thread

/** A person is the same in each thread. */
const addressOf = ({ clientId, channel, endpoint }: Pick<MapSender, keyof Address>): string =>
  keyOf(clientId, encodeChannel(channel), channel.custom, endpoint.identity, endpoint.sender)

const recordOf = ({ ids, channel, endpoint }: MapEndpoint): EndpointRecord =>
  structuredClone({ id: ids.endpoint, channel, ...endpoint })
