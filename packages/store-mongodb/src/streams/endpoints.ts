import { type Endpoint, type Id, PlugboardError } from '@plugboard/core'
import {
  type Appended,
  type ChannelRef,
  encodeChannel,
  type MapEndpoint,
  type Mapped,
  type MapSender,
  type NewEntry,
  type Place,
} from '@plugboard/hub'
import type { AddressDoc, ObjectId, StreamDoc } from '../database/document-types.js'
import { upsert } from '../database/failure.js'
import type { Models } from '../database/schemas.js'
import { idOf, oid, toAppended, toEndpoint, toEndpointDoc, toEntry } from '../encoding.js'
import type { Appender } from './append.js'
import type { NewStream, StreamCache } from './stream-cache.js'

/** Times that a mapping is begun anew, since its conversation was deleted meanwhile. */
const MAX_TRIES = 5

/** Senders without a conversation that are passed over. */
const MAX_SENDERS = 100

/**
 * Which conversation an address is of, and who is there. An address is a document of its own, since what is unique in a
 * sharded collection has to begin with its shard key. Ids are chosen with it; the user and the conversation are made
 * after, by whoever finds that they are not there.
 */
export class Endpoints {
  readonly #models: Models
  readonly #streams: StreamCache
  readonly #appender: Appender

  constructor(models: Models, streams: StreamCache, appender: Appender) {
    this.#models = models
    this.#streams = streams
    this.#appender = appender
  }

  /** One round trip for an endpoint that is known. */
  async map(input: MapEndpoint): Promise<Mapped> {
    const clientId = oid(input.clientId)
    const address = addressText(input.channel, input.endpoint)
    for (let tries = 1; ; tries += 1) {
      const known = await this.#models.addresses.findOne({ clientId, address }).lean<AddressDoc>()
      if (known && !known.check) return mappedTo(known, [])
      const mapped = known ? await this.#check(input, known, []) : await this.#make(input, address)
      if (mapped) return mapped
      if (tries === MAX_TRIES) {
        throw new PlugboardError('UNAVAILABLE', 'the endpoint is deleted as often as it is mapped')
      }
    }
  }

  async find(client: Id, channel: ChannelRef, endpoint: Endpoint): Promise<Place | undefined> {
    const place = { clientId: oid(client), address: addressText(channel, endpoint) }
    const known = await this.#models.addresses.findOne(place).lean<AddressDoc>()
    if (!known || (known.check && (await this.#stateOf(known)).state !== 'made')) return undefined
    const { appended: _, ...found } = mappedTo(known, [])
    return found
  }

  /** One round trip, and more for those that are being made or taken away. */
  async findPlaces(client: Id, sender: string, limit: number): Promise<Place[]> {
    const prefix = `${JSON.stringify([sender]).slice(0, -1)},`
    // Senders are here too: as many as there are endpoints at most, but for those without a conversation.
    const docs = await this.#models.addresses
      .find({ clientId: oid(client), address: { $gte: prefix, $lt: `${prefix.slice(0, -1)}-` } })
      .limit(2 * limit + MAX_SENDERS)
      .lean<AddressDoc[]>()
    const places: Place[] = []
    for (const doc of docs) {
      if (places.length === limit) break
      if (!doc.conversationId) continue
      if (doc.check && (await this.#stateOf(doc)).state !== 'made') continue
      const { appended: _, ...place } = mappedTo(doc, [])
      places.push(place)
    }
    return places
  }

  async findSender(
    client: Id,
    channel: ChannelRef,
    endpoint: Omit<Endpoint, 'thread'>,
  ): Promise<Id | undefined> {
    const sender = { clientId: oid(client), address: senderText(channel, endpoint) }
    const known = await this.#models.addresses.findOne(sender).lean<AddressDoc>()
    const user = known ? await this.#streams.findUser(client, idOf(known.userId)) : undefined
    return user && idOf(user._id)
  }

  /** Finds who is there, or makes the user. */
  async mapSender(input: MapSender): Promise<Pick<Mapped, 'userId' | 'appended'>> {
    for (let tries = 1; ; tries += 1) {
      const made = await this.#makeSender(input)
      if (made) return { userId: idOf(made.sender.userId), appended: made.appended }
      if (tries === MAX_TRIES) {
        throw new PlugboardError('UNAVAILABLE', 'the user is deleted as often as the sender is mapped')
      }
    }
  }

  /** Undefined when its user was deleted, and the sender is free again. */
  async #makeSender(input: MapSender): Promise<{ sender: AddressDoc; appended: Appended[] } | undefined> {
    const sender = await this.#claim(
      { clientId: oid(input.clientId), address: senderText(input.channel, input.endpoint) },
      { userId: oid(input.ids.user), check: 'new' },
    )
    const appended = sender.check === 'new' ? await this.#makeUser(input, sender) : []
    if (sender.check === 'end' && (await this.#stateOf(sender)).state === 'gone') return undefined
    return { sender, appended }
  }

  /** Undefined when its user was deleted, and the sender is free again. */
  async #make(input: MapEndpoint, address: string): Promise<Mapped | undefined> {
    const clientId = oid(input.clientId)
    const { conversation, endpoint } = input.ids
    const made = await this.#makeSender(input)
    if (!made) return undefined
    const { sender, appended } = made
    const place = await this.#claim(
      { clientId, address },
      { userId: sender.userId, conversationId: oid(conversation), endpointId: oid(endpoint), check: 'new' },
    )
    return place.check ? this.#check(input, place, appended) : mappedTo(place, appended)
  }

  /** The address as it is, or as it is from now on. */
  async #claim(
    name: { clientId: ObjectId; address: string },
    fresh: Partial<AddressDoc>,
  ): Promise<AddressDoc> {
    const claim = () =>
      this.#models.addresses
        .findOneAndUpdate(name, { $setOnInsert: fresh }, { upsert: true, returnDocument: 'after' })
        .lean<AddressDoc>()
    return upsert(claim)
  }

  async #makeUser(input: MapSender, sender: AddressDoc): Promise<Appended[]> {
    const { userId: _id, clientId } = sender
    const { at: createdAt, userData } = input
    const data = userData && JSON.stringify(userData)
    const stream = { _id, clientId, userId: _id, kind: 'user', createdAt, ...(data && { data }) } as const
    const appended = await this.#begin(stream, input.events.user(idOf(_id)))
    await this.#ready(sender)
    return appended
  }

  /**
   * Makes the conversation where it is not there yet. Undefined when it was deleted, or its user, or the endpoint was
   * removed from it: the address is free again. That is looked at after the address was written: who deletes removes it
   * after that, and so one of the two finds the other.
   */
  async #check(input: MapEndpoint, found: AddressDoc, appended: Appended[]): Promise<Mapped | undefined> {
    const { state, place } = await this.#stateOf(found)
    if (state === 'gone') return undefined
    const made = state === 'unmade' ? await this.#makeConversation(input, place) : []
    if (place.check === 'new') await this.#settle(place)
    return mappedTo(place, [...appended, ...made])
  }

  /** The address, of the user that its own was merged into. Undefined if that was deleted. */
  async #moved(place: AddressDoc): Promise<AddressDoc | undefined> {
    const { _id, clientId, userId: known } = place
    const user = await this.#streams.findUser(idOf(clientId), idOf(known))
    if (!user) return undefined
    await this.#models.addresses.updateOne({ _id, clientId, userId: known }, { $set: { userId: user._id } })
    return { ...place, userId: user._id }
  }

  /** Whoever merges the user changes its addresses before its conversations, and so this finds it. */
  async #settle(place: AddressDoc): Promise<void> {
    const { _id, clientId, userId, conversationId } = place
    const { addresses, streams } = this.#models
    const isReady = { $unset: { check: 1 } } as const
    const { matchedCount } = await addresses.updateOne({ _id, clientId, check: 'new', userId }, isReady)
    const now = matchedCount > 0 ? null : await addresses.findOne({ _id, clientId }).lean<AddressDoc>()
    if (!now || !conversationId || now.userId.equals(userId)) return
    await streams.updateOne({ _id: conversationId, clientId, userId }, { $set: { userId: now.userId } })
    this.#streams.forget(idOf(clientId), idOf(conversationId))
    await addresses.updateOne({ _id, clientId, check: 'new' }, isReady)
  }

  #makeConversation(input: MapEndpoint, place: AddressDoc): Promise<Appended[]> {
    const { clientId, userId, conversationId: _id, endpointId } = place as Required<AddressDoc>
    const event = input.events.conversation(idOf(userId), idOf(_id))
    const { channel, endpoint } = input
    const endpoints = [toEndpointDoc({ ...endpoint, id: idOf(endpointId), channel })]
    const stream = { _id, clientId, userId, kind: 'conversation', createdAt: input.at, endpoints } as const
    return this.#begin(stream, event)
  }

  /** Whether what an address names is there, or is to be made. Where it was deleted, the address goes. */
  async #stateOf(place: AddressDoc): Promise<{ state: 'made' | 'unmade' | 'gone'; place: AddressDoc }> {
    const { _id, clientId, check, userId, conversationId, endpointId } = place
    const those = { $in: conversationId ? [userId, conversationId] : [userId] }
    const docs = await this.#models.streams
      .find({ clientId, _id: those }, { userId: 1, deletedAt: 1, mergedInto: 1, 'endpoints._id': 1 })
      .lean<StreamDoc[]>()
    const user = docs.find((doc) => doc._id.equals(userId))
    const moved = user?.mergedInto && (await this.#moved(place))
    if (moved) return this.#stateOf(moved)
    if (user && !user.deletedAt && !user.mergedInto) {
      const talk = docs.find((doc) => conversationId && doc._id.equals(conversationId))
      const leads = !talk?.deletedAt && talk?.endpoints.some((each) => each._id.equals(endpointId))
      if (leads && talk?.userId && !talk.userId.equals(userId))
        await this.#models.streams.updateOne({ _id: talk._id, clientId }, { $set: { userId } })
      if (leads || !conversationId) return { state: 'made', place }
      if (!talk && check === 'new') return { state: 'unmade', place }
    }
    await this.#models.addresses.deleteOne({ _id, clientId, userId })
    return { state: 'gone', place }
  }

  /** The address is marked before and removed after, so that whoever finds it in between looks at the conversation. */
  async remove(clientId: Id, conversationId: Id, endpointId: Id): Promise<boolean> {
    const [client, _id] = [oid(clientId), oid(conversationId)]
    const known = { _id, clientId: client, deletedAt: null, 'endpoints._id': oid(endpointId) }
    const doc = await this.#models.streams.findOne(known, { endpoints: 1 }).lean<StreamDoc>()
    const endpoint = doc?.endpoints.map(toEndpoint).find(({ id }) => id === endpointId)
    if (!endpoint) return false
    const address = addressText(endpoint.channel, endpoint)
    const place = { clientId: client, address, conversationId: _id, endpointId: oid(endpointId) }
    await this.#models.addresses.updateOne(place, { $set: { check: 'end' } })
    const pull = { $pull: { endpoints: { _id: oid(endpointId) } } }
    const { modifiedCount } = await this.#models.streams.updateOne(known, pull)
    this.#streams.forgetEndpoint(clientId, conversationId, endpointId)
    await this.#models.addresses.deleteOne(place)
    return modifiedCount > 0
  }

  /** Nothing when it is there already. */
  async #begin(stream: NewStream, event: NewEntry): Promise<Appended[]> {
    const created = await this.#streams.create(stream, event)
    if (!created) return []
    const { doc, claimed } = created
    await this.#appender.materialise(doc.kept)
    return doc.kept.map((first) => ({
      ...toAppended(toEntry(first, undefined), false, stream.userId),
      ...(claimed && { claimed }),
    }))
  }

  async #ready({ _id, clientId }: AddressDoc): Promise<void> {
    await this.#models.addresses.updateOne({ _id, clientId, check: 'new' }, { $unset: { check: 1 } })
  }
}

function mappedTo({ userId, conversationId, endpointId }: AddressDoc, appended: Appended[]): Mapped {
  const ids = { conversationId: idOf(conversationId as ObjectId), endpointId: idOf(endpointId as ObjectId) }
  return { userId: idOf(userId), ...ids, appended }
}

/** What the documents of a sender and of an endpoint are named by: parts in JSON, so that no two are one text. */
export const senderText = (channel: ChannelRef, { sender, identity }: Omit<Endpoint, 'thread'>): string =>
  JSON.stringify([sender, identity, encodeChannel(channel), channel.custom])

export const addressText = (channel: ChannelRef, { sender, identity, thread }: Endpoint): string =>
  JSON.stringify([sender, identity, encodeChannel(channel), channel.custom, thread])
