import type { Author, Id } from '@plugboard/core'
import type { Target } from './target.js'

export type StreamKind = 'user' | 'conversation' | 'integration'

/** Identifies a stream. The stream of a user or a conversation has its id. */
export interface StreamRef {
  clientId: Id
  streamId: Id
}

/**
 * Type of an entry. `void` fills a reserved number that was never used. `activity` is an event of a conversation other
 * than a message (a message was edited, delivered, and so on).
 */
export type EntryType =
  | 'message'
  | 'user.new'
  | 'user.deleted'
  | 'user.merged'
  | 'user.updated'
  | 'conversation.new'
  | 'conversation.started'
  | 'conversation.deleted'
  | 'health.new'
  | 'void'
  | 'activity'

/** An entry before it has a number. */
export interface NewEntry {
  id: Id
  type: Exclude<EntryType, 'void'>
  /** Payload of a message or an event, as JSON text. Stored byte for byte. */
  payload: string
  /** Of messages: the details, as JSON text. Stored byte for byte. */
  details?: string
  /** Of messages. */
  author?: Author
  /** Of messages: the channel of the conversation at that time. */
  channel?: string
  /** The message that this one replies to, for collect. */
  incomingId?: Id
  /** A collect request waits for replies to this message until then. */
  collectUntil?: Date
  /** The provider's event id: unique in the stream. */
  dedupe?: string
  /** The store moves it forward if the previous entry is newer. */
  at: Date
  owes: readonly Target[]
  /** This process can deliver it now: the store takes the lease of the stream if it is free. */
  claim: boolean
}

/** One entry of a stream. */
export interface Entry extends Omit<NewEntry, 'type' | 'claim'> {
  type: EntryType
  clientId: Id
  streamId: Id
  seq: number
  turnEndedAt?: Date
  /** A tombstone: payload and details are removed, and it is no longer delivered. */
  deletedAt?: Date
  /** Dead deliveries by target. */
  dead?: Readonly<Partial<Record<Target, Dead>>>
  /** Of messages: what endpoints show of it, if their channel needs that later. */
  sent?: Readonly<Partial<Record<Target, SentMessage>>>
}

/** What an endpoint shows of a message. */
export interface SentMessage {
  /** Its parts, in order. */
  parts: readonly SentMessagePart[]
  /** Every part of it was sent. */
  isWhole?: true
}

/** A part as it is at the provider now. */
export interface SentMessagePart {
  /** Ids that the provider gave; empty if they are unknown. */
  ids: readonly string[]
  /** Digest of the rendered part. */
  digest: string
}

/** Whether an entry is in the stream of a conversation. */
export const hasConversation = ({ type }: Pick<Entry, 'type'>): boolean =>
  !type.startsWith('user.') && type !== 'health.new'

/** An entry with dead deliveries, without its content. */
export type DeadEntry = Omit<Entry, 'payload' | 'details'>

/**
 * Why a delivery is dead. `invalid`: the entry can never be sent to the target, or cannot be rendered for it.
 * `window-closed`: the person has not written for so long that the provider accepts templates only. `gone`: the
 * target answered that it is gone. `target-removed`: the client removed it. `undelivered`: the provider accepted it, and
 * reported later that it could not deliver it.
 */
export const deathReasons = [
  'exhausted',
  'invalid',
  'recipient',
  'window-closed',
  'gone',
  'target-removed',
  'undelivered',
] as const

/** Why and when a delivery became dead. */
export interface Dead {
  reason: (typeof deathReasons)[number]
  /** Error of the last attempt. */
  error?: string
  /** The provider's code of that error. */
  code?: string
  attempts: number
  at: Date
  /** Display text of the target (a URL, a channel), because the target may be removed. */
  label: string
  /** Nobody wants it to be retried: it is in no list of dead letters. */
  isDiscarded?: true
  /** Of an endpoint or an integration that was there: the name of the channel, and the id of the integration. */
  channel?: string
  integrationId?: Id
}

/** The event that an entry is for the people who run a client: of a message, that there is a new one. */
export const eventOf = (type: EntryType): string => (type === 'message' ? 'message.new' : type)
