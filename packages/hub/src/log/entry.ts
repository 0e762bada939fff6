import type { Author, Id } from '@plugboard/core'
import type { Target } from './target.js'

export type StreamKind = 'user' | 'conversation' | 'integration'

/** Names a stream in calls of the delivery. A user's and a conversation's stream have their id. */
export interface StreamRef {
  clientId: Id
  streamId: Id
}

/**
 * What an entry is about. `void` fills a number that was reserved and never used; `activity` is what a provider tells of
 * a conversation beside its messages (a message was edited, delivered, and so on).
 */
export type EntryType =
  | 'message'
  | 'user.new'
  | 'user.deleted'
  | 'conversation.new'
  | 'conversation.started'
  | 'conversation.deleted'
  | 'health.new'
  | 'void'
  | 'activity'

/** An entry before it has its place. */
export interface NewEntry {
  id: Id
  type: Exclude<EntryType, 'void'>
  /** A message's payload, or what an event tells, as JSON text. Kept byte for byte. */
  payload: string
  /** Of messages: what is known beside the payload, as JSON text. Kept byte for byte. */
  details?: string
  /** Of messages. */
  author?: Author
  /** Of messages: the channel that the conversation was on at that time. */
  channel?: string
  /** The message that this one replies to, for collect. */
  incomingId?: Id
  /** A collect request waits for replies to this message until then. */
  collectUntil?: Date
  /** The provider's event id: unique in the stream. */
  dedupe?: string
  /** The store moves it forward where the entry before it is younger. */
  at: Date
  owes: readonly Target[]
  /** This process would deliver it now: the store takes the lease of the stream if it can be had. */
  claim: boolean
}

/** One place in a stream. */
export interface Entry extends Omit<NewEntry, 'type' | 'claim'> {
  type: EntryType
  clientId: Id
  streamId: Id
  seq: number
  turnEndedAt?: Date
  /** A tombstone: its payload and its details are gone and nothing of it is delivered any more. */
  deletedAt?: Date
  /** Deliveries that were given up. */
  dead?: Readonly<Partial<Record<Target, Dead>>>
}

/** An entry with dead deliveries, without what it says. */
export type DeadEntry = Omit<Entry, 'payload' | 'details'>

/** Why a delivery may be given up. `invalid`: the entry can never be sent there, or not be put in the target's form. */
export const deathReasons = ['exhausted', 'invalid', 'recipient', 'target-removed'] as const

/** Why and when a delivery was given up. */
export interface Dead {
  reason: (typeof deathReasons)[number]
  /** What the last attempt met. */
  error?: string
  attempts: number
  at: Date
  /** The target in words (a URL, a channel), since it may be gone. */
  label: string
}
