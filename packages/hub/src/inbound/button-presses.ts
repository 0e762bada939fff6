import {
  buttonsOf,
  type Capabilities,
  type Endpoint,
  type Id,
  type InboundEvent,
  type JsonObject,
  numberedAnswer,
  parseJsonObject,
  toUuid,
} from '@plugboard/core'
import type { ButtonTokens } from '../delivery/to-channels/button-tokens.js'
import { type ChannelRef, type EndpointRecord, isSameChannel } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import { endpointTarget } from '../log/target.js'
import type { Store } from '../ports/store.js'
import { findSent } from './find-sent.js'

export interface AnswersOptions {
  store: Store
  tokens: ButtonTokens
}

interface Place {
  clientId: Id
  conversationId: Id
}

type PressEvent = Pick<InboundEvent & { type: 'choice' }, 'endpoint' | 'token' | 'label' | 'refersTo'>

/** What a press is about: a value of the client itself, or whatever else the provider carries. */
export interface Press {
  payload: JsonObject
  /** Where it belongs. Undefined: to the conversation of the person who pressed. */
  place?: PressPlace
}

/** The conversation of the message with the button. */
interface PressPlace {
  conversationId: Id
  /** The endpoint that shows the button. */
  endpointId: Id
  /** The person of the conversation, if that person pressed it. */
  userId?: Id
}

/** How many messages back a question, or what an event refers to, may be. */
const MESSAGES_BACK = 50
/** Longer texts are not compared with labels. */
const MAX_ANSWER = 200

/** Resolves button presses and typed numbers. Reads from the store, so any replica can do it. */
export class Answers {
  readonly #options: AnswersOptions

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /**
   * Resolves a press of any button. A value that the client gave is returned as it was, if who pressed it can see the
   * message: the person of the conversation, or somebody else in the same room or under the same message. Any other value
   * is marked as `foreign`: of a template, of another program, of a message that is gone, or of a conversation of somebody
   * else.
   */
  async toButton(
    clientId: Id,
    channel: ChannelRef,
    { endpoint, token, label, refersTo }: PressEvent,
  ): Promise<Press> {
    const { store, tokens } = this.#options
    const messageId = tokens.messageOf(token)
    const entry = messageId && (await store.findEntry(clientId, messageId))
    const button = tokens.open(token, clientId, entry?.streamId)
    if (!button) return foreign(token, label)
    const conversation = entry && (await store.findConversation(clientId, entry.streamId))
    // Nothing is left of the message but what the person saw.
    if (!conversation) return foreign(label || token, label)
    const inRoom = conversation.endpoints.filter((each) => shows(each, channel, endpoint))
    const shown =
      inRoom.find(({ sender }) => sender === endpoint.sender) ??
      inRoom[0] ??
      // The provider may not say which part of the room it was, but names the message.
      conversation.endpoints.find(
        (each) => isSameChannel(each.channel, channel) && isSent(entry, each.id, refersTo),
      )
    if (!shown) return foreign(token, label)
    const reply = entry.deletedAt ? undefined : buttonsOf(payloadOf(entry))[button.index]?.reply
    const { userId } = conversation
    const place: PressPlace = { conversationId: conversation.id, endpointId: shown.id }
    if (userId && shown.sender === endpoint.sender) place.userId = userId
    const of = { messageId: toUuid(button.messageId) }
    return reply
      ? { payload: { ...reply, ...of }, place }
      : { payload: { ...foreignReply(label || token, label), ...of }, place }
  }

  /** The message that an endpoint shows with this id of the provider, if it is among the newest and its id was kept. */
  async messageSent(place: Place, endpointId: Id, providerId: string): Promise<Id | undefined> {
    return (await findSent(this.#options.store, { ...place, endpointId }, providerId))?.id
  }

  /**
   * Resolves a text that answers the newest message of the business with numbered options; undefined for any other text.
   */
  async toText(place: Place, capabilities: Capabilities, text: string): Promise<JsonObject | undefined> {
    if (capabilities.content === 'any' || text.length > MAX_ANSWER || text.trim() === '') return undefined
    const { clientId, conversationId } = place
    const entries = await this.#options.store.listMessages(clientId, conversationId, { limit: MESSAGES_BACK })
    for (const entry of entries ?? []) {
      if (entry.author !== 'business') continue
      const payload = payloadOf(entry)
      if (buttonsOf(payload).length === 0) continue
      const reply = numberedAnswer(payload, capabilities, text)?.reply
      return reply && { ...reply, messageId: toUuid(entry.id) }
    }
    return undefined
  }
}

/**
 * Whether who is at `endpoint` can see what the bot wrote to `record`: a person sees what the bot wrote to that person,
 * wherever the provider shows it, and everybody in a room sees what the bot wrote there.
 */
const shows = (
  record: EndpointRecord,
  channel: ChannelRef,
  { identity, sender, thread }: Endpoint,
): boolean =>
  isSameChannel(record.channel, channel) &&
  record.identity === identity &&
  (record.sender === sender || (record.thread === thread && thread !== '*'))

/** Whether the endpoint shows the message with this id of the provider. */
const isSent = ({ sent }: Entry, endpointId: Id, providerId: string | undefined): boolean =>
  providerId !== undefined &&
  sent?.[endpointTarget(endpointId)]?.parts.some(({ ids }) => ids.includes(providerId)) === true

const foreign = (value: string, label?: string): Press => ({ payload: foreignReply(value, label) })

/** A press with a value that is not known to be one that the client gave to this person. */
const foreignReply = (value: string, label: string | undefined): JsonObject => ({
  ...{ type: 'quick_reply', text: label || value, payload: value },
  foreign: true,
})

const payloadOf = (entry: Entry): JsonObject => parseJsonObject(entry.payload)
