import type { Id } from '@plugboard/core'
import {
  type Appended,
  type EndpointRecord,
  encodeChannel,
  type MapEndpoint,
  type Mapped,
  type MapSender,
  type Place,
} from '@plugboard/hub'
import { type Connection, prepareOne, prepareText, prepareWrite, toBytes, toHex } from '../database/sql.js'
import type { Activity } from '../lists/activity.js'
import { type Appender, isUser } from './append.js'
import type { StreamCache } from './stream-cache.js'
import type { StreamState } from './stream-state.js'

type Address = Pick<MapEndpoint, 'clientId' | 'channel' | 'endpoint'>

type Row = [endpointId: Id, conversationId: Id, userId: Id]

const FIND = `
  SELECT json_array(${toHex('id')}, ${toHex('conversation')}, ${toHex('user')}) FROM endpoints
  WHERE client = ${toBytes} AND sender = ? AND identity = ? AND channel = ? AND custom = ? AND thread = ? AND ended = 0`

const FIND_SENDER = `
  SELECT ${toHex('user')} FROM senders
  WHERE client = ${toBytes} AND sender = ? AND identity = ? AND channel = ? AND custom = ?`

const INSERT = `
  INSERT INTO endpoints (client, sender, identity, channel, custom, thread, id, stream, conversation, user)
  VALUES (${toBytes}, ?, ?, ?, ?, ?, ${toBytes}, ?, ${toBytes}, ${toBytes})`

const sender = (or: 'IGNORE' | 'REPLACE') => `
  INSERT OR ${or} INTO senders (client, sender, identity, channel, custom, user) VALUES (${toBytes}, ?, ?, ?, ?, ${toBytes})`

/** Which conversation an address is of, and who is there. */
export class Endpoints {
  readonly #streams: StreamCache
  readonly #appender: Appender
  readonly #activity: Activity
  readonly #find
  readonly #findSender
  readonly #insert
  readonly #addSender
  readonly #replaceSender
  readonly #remove

  constructor(db: Connection, streams: StreamCache, appender: Appender, activity: Activity) {
    this.#streams = streams
    this.#appender = appender
    this.#activity = activity
    this.#find = prepareOne<Row>(db, FIND)
    this.#findSender = prepareText(db, FIND_SENDER)
    this.#insert = prepareWrite(db, INSERT)
    this.#addSender = prepareWrite(db, sender('IGNORE'))
    this.#replaceSender = prepareWrite(db, sender('REPLACE'))
    this.#remove = prepareWrite(db, `DELETE FROM endpoints WHERE id = ${toBytes} AND stream = ?`)
  }

  /** Finds, or makes what is not there. Runs within a transaction of the writer. */
  map(input: MapEndpoint): Mapped {
    const { clientId, ids, events, at, userData: data } = input
    // Who is new has no endpoint: that costs no look.
    const isNew = this.#addSender(...senderOf(input), ids.user) > 0
    const known = isNew ? undefined : this.find(input)
    if (known) return { ...known, appended: [] }
    const userId = isNew ? ids.user : this.#userAt(input)
    const userEvent = userId === ids.user ? events.user(userId) : undefined
    const conversationEvent = events.conversation(userId, ids.conversation)
    const appended: Appended[] = []
    if (userEvent) {
      const user = { id: userId, clientId, createdAt: at, ...(data && { data }) }
      appended.push(this.#appender.openUser(user, userEvent))
    }
    const conversation = { id: ids.conversation, clientId, userId, createdAt: at }
    appended.push(this.#appender.openConversation(conversation, conversationEvent, [recordOf(input)]))
    const { n } = this.#streams.find(clientId, ids.conversation) as StreamState
    this.#insert(...senderOf(input), input.endpoint.thread, ids.endpoint, n, ids.conversation, userId)
    return { userId, conversationId: ids.conversation, endpointId: ids.endpoint, appended }
  }

  /** Finds who is there, or makes the user. Runs within a transaction of the writer. */
  mapSender(input: MapSender): Pick<Mapped, 'userId' | 'appended'> {
    const { clientId, ids, events, at, userData: data } = input
    const isNew = this.#addSender(...senderOf(input), ids.user) > 0
    const userId = isNew ? ids.user : this.#userAt(input)
    if (userId !== ids.user) return { userId, appended: [] }
    const user = { id: userId, clientId, createdAt: at, ...(data && { data }) }
    return { userId, appended: [this.#appender.openUser(user, events.user(userId))] }
  }

  findSender(sender: Pick<MapSender, keyof Address>): Id | undefined {
    const known = this.#findSender(...senderOf(sender)) as Id | undefined
    const user = known && this.#streams.findUser(sender.clientId, known)
    return user && isUser(user) ? user.streamId : undefined
  }

  find(address: Address): Place | undefined {
    const row = this.#find(...senderOf(address), address.endpoint.thread)
    if (!row) return undefined
    const [endpointId, conversationId, userId] = row
    return { userId, conversationId, endpointId }
  }

  /** Who is there, or from now on the new user, where the one who was has been deleted. */
  #userAt(input: MapSender): Id {
    const known = this.findSender(input)
    if (known) return known
    this.#replaceSender(...senderOf(input), input.ids.user)
    return input.ids.user
  }

  /** Runs within a transaction of the writer. */
  remove(stream: StreamState, endpointId: Id): boolean {
    if (this.#remove(endpointId, stream.n) === 0) return false
    const removed = stream.endpoints.find(({ id }) => id === endpointId)
    stream.endpoints = stream.endpoints.filter(({ id }) => id !== endpointId)
    const channel = removed && encodeChannel(removed.channel)
    if (removed && !stream.endpoints.some((each) => encodeChannel(each.channel) === channel))
      this.#activity.removeChannel(stream.n, removed.channel)
    this.#streams.touch(stream)
    return true
  }
}

const senderOf = ({ clientId, channel, endpoint }: Pick<MapSender, keyof Address>) =>
  [clientId, endpoint.sender, endpoint.identity, encodeChannel(channel), channel.custom ? 1 : 0] as const

const recordOf = ({ ids, channel, endpoint }: MapEndpoint): EndpointRecord => ({
  id: ids.endpoint,
  channel: { ...channel },
  identity: endpoint.identity,
  sender: endpoint.sender,
  thread: endpoint.thread,
})
