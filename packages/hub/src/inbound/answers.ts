import {
  type ButtonReply,
  buttonsOf,
  type Capabilities,
  type Endpoint,
  type Id,
  type JsonObject,
  numberedAnswer,
  parseJsonObject,
} from '@plugboard/core'
import type { ButtonTokens } from '../delivery/button-tokens.js'
import { type ChannelRef, type EndpointRecord, isSameChannel } from '../log/endpoint-record.js'
import type { Entry } from '../log/entry.js'
import type { Store } from '../ports/store.js'

export interface AnswersOptions {
  store: Store
  tokens: ButtonTokens
}

interface Place {
  clientId: Id
  conversationId: Id
}

/** A button that was pressed, and the conversation of its message. */
export interface Press {
  conversationId: Id
  /** The endpoint that shows the button. */
  endpointId: Id
  /** The person of the conversation, if that person pressed it. */
  userId?: Id
  /** Undefined if the message was deleted. */
  reply?: ButtonReply
}

/** How many messages back a question may be. */
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
   * Resolves a button that was pressed at `endpoint`: by the person of the conversation, or by somebody else in the same
   * room. Undefined if the token is invalid, or if somebody else pressed it outside that room.
   */
  async toButton(
    clientId: Id,
    channel: ChannelRef,
    endpoint: Endpoint,
    token: string,
  ): Promise<Press | undefined> {
    const { store, tokens } = this.#options
    const messageId = tokens.messageOf(token)
    const entry = messageId && (await store.findEntry(clientId, messageId))
    const button = entry && tokens.open(token, { clientId, conversationId: entry.streamId })
    const conversation = button && (await store.findConversation(clientId, entry.streamId))
    const inRoom = conversation?.endpoints.filter((each) => shows(each, channel, endpoint)) ?? []
    const shown = inRoom.find(({ sender }) => sender === endpoint.sender) ?? inRoom[0]
    if (!button || !conversation || !shown) return undefined
    const reply = entry.deletedAt ? undefined : buttonsOf(payloadOf(entry))[button.index]?.reply
    const { userId } = conversation
    return {
      conversationId: conversation.id,
      endpointId: shown.id,
      ...(userId && shown.sender === endpoint.sender && { userId }),
      ...(reply && { reply }),
    }
  }

  /**
   * Resolves a text that answers the newest message of the business with numbered options; undefined for any other text.
   */
  async toText(place: Place, capabilities: Capabilities, text: string): Promise<ButtonReply | undefined> {
    if (capabilities.content === 'any' || text.length > MAX_ANSWER || text.trim() === '') return undefined
    const { clientId, conversationId } = place
    const entries = await this.#options.store.listMessages(clientId, conversationId, { limit: MESSAGES_BACK })
    for (const entry of entries ?? []) {
      if (entry.author !== 'business') continue
      const payload = payloadOf(entry)
      if (buttonsOf(payload).length > 0) return numberedAnswer(payload, capabilities, text)?.reply
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

const payloadOf = (entry: Entry): JsonObject => parseJsonObject(entry.payload)
