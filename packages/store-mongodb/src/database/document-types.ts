import type { Id, JsonObject } from '@plugboard/core'
import type {
  AttemptRecord,
  Dead,
  EntryType,
  LaneKey,
  LaneState,
  SentMessage,
  StreamKind,
  Target,
} from '@plugboard/hub'
import type { Types } from 'mongoose'

export type ObjectId = Types.ObjectId
type Lanes = Readonly<Record<LaneKey, LaneState>>

export interface EndpointDoc {
  _id: ObjectId
  channel: string
  custom: boolean
  identity: string
  sender: string
  thread: string
}

/** One place in a stream, and what it owes. */
export interface EntryDoc {
  _id: ObjectId
  clientId: ObjectId
  streamId: ObjectId
  seq: number
  at: Date
  type: EntryType
  /** JSON text, byte for byte; empty once deleted. */
  payload: string
  /** JSON text, byte for byte; gone once deleted. */
  details?: string
  /** Null: the business. */
  authorId?: ObjectId | null
  channel?: string
  incomingId?: ObjectId
  collectUntil?: Date
  turnEndedAt?: Date
  dedupe?: string
  owes: Target[]
  deletedAt?: Date
  /** A message that is not deleted. Absent otherwise, so that the index of messages has nothing else. */
  listed?: true
  dead?: Partial<Record<Target, Dead>>
  /** Absent when nothing is dead. */
  isDead?: true
  /** What endpoints show of a message. */
  sent?: Partial<Record<Target, SentMessage>>
  /** Dead deliveries that are being replayed, since when. */
  replaying?: Partial<Record<Target, Date>>
}

/** Numbers that were reserved at once, and when, by the clock of the database. */
export interface ReservationDoc {
  first: number
  last: number
  at: Date
}

/**
 * A stream: who it is of, the newest number, and how far its deliveries are. Times about due work and leases
 * (`nextAt`, `wakeAt`) are by the clock of the database.
 */
export interface StreamDoc {
  _id: ObjectId
  clientId: ObjectId
  kind: StreamKind
  userId?: ObjectId
  createdAt: Date
  /** Of a user, as JSON text. */
  data?: string
  endpoints: EndpointDoc[]
  /** Entries that were written with the stream itself, so that both are one write: the first, and that of its end. */
  kept: EntryDoc[]
  seq: number
  /** Reservations of which it is not known whether each number is an entry, or will be. */
  reserved?: ReservationDoc[]
  lastAt: Date
  /** `lastAt` before the newest numbers were reserved. */
  priorAt?: Date
  lastMessageAt?: Date
  /** The place in the list of conversations. What has none is no conversation, or a deleted one. */
  listAt?: Date
  /** Of a conversation that was not deleted: its place in the order of recent ones. */
  activeAt?: Date
  deletedAt?: Date
  /** Of a user: the one that it was merged into. */
  mergedInto?: ObjectId
  /** It was deleted and owes nothing: it may be purged. */
  isOver?: true
  scanned: number
  lanes: Lanes
  /** When there is something to do, or the end of the lease; absent when nothing is owed. */
  nextAt?: Date
  /** Follows `nextAt` while nobody has the lease, so that change streams tell of that alone. */
  wakeAt?: Date
  /** Not later than the time of the first entry that may still be owed. */
  owedAt?: Date
  /** Who has the lease. */
  owner?: ObjectId
  /** Rises with each change of the owner. */
  fence: number
  /** The fence of the lease that was reclaimed, if it was: that reclaim may be repeated. */
  reclaimedFrom?: number
  /** The call that took it up. */
  claim?: ObjectId
  /** It became due while someone had the lease. */
  woken?: true
}

/** Who is at an address, or which conversation. */
export interface AddressDoc {
  _id: ObjectId
  clientId: ObjectId
  address: string
  userId: ObjectId
  /** Absent for a sender, whatever the thread. */
  conversationId?: ObjectId
  endpointId?: ObjectId
  /**
   * What it names may not be there: it is being made (`new`) or taken away (`end`), or a process died at that. Who finds
   * this looks at the user and the conversation themselves.
   */
  check?: 'new' | 'end'
}

export interface KeyDoc {
  _id: ObjectId
  clientId: ObjectId
  key: string
  hash: string
  id: ObjectId
  at: Date
}

/** What is kept beside the logs. */
export interface StoredDoc {
  _id: ObjectId
  clientId: ObjectId
  /** The collection, a word that mongoose keeps for itself. */
  kind: string
  documentId: ObjectId
  name?: string
  /** Absent when there are none, so that the index of terms has nothing else. */
  terms?: string[]
  version: number
  /** JSON text, byte for byte. */
  data: string
}

export interface CounterDoc {
  _id: ObjectId
  clientId: ObjectId
  name: string
  value: number
}

/** What other processes are told of a stream. */
export interface SignalDoc {
  _id: ObjectId
  clientId: ObjectId
  streamId: ObjectId
  text: string
  at: Date
}

/** An item of a queue. */
export interface QueuedDoc {
  _id: ObjectId
  clientId: ObjectId
  queueId: ObjectId
  n: number
  streamId: ObjectId
  seq: number
  userId?: ObjectId
  at: Date
}

/** What a pull webhook has of a stream. `dueAt` and `wakeAt` are by the clock of the database. */
export interface PullDoc {
  /** The ids of the webhook and of the stream, and what is replayed. */
  _id: string
  clientId: ObjectId
  webhookId: ObjectId
  streamId: ObjectId
  replay?: string
  userId?: ObjectId
  done: number
  upTo: number
  since: Date
  dueAt?: Date
  /** `since` while nothing waits. Absent otherwise, so that the index has nothing else. */
  idleAt?: Date
  /** Follows `dueAt` while no reader has it, so that change streams tell of that alone. */
  wakeAt?: Date
  heldTo?: number
  fence: number
  given: { seq: number; count: number }[]
  version: number
  /** The call that wrote it last. */
  by?: ObjectId
}

/** An attempt at a delivery. */
export interface AttemptDoc {
  /** The client, the stream, the number of the entry, the target and the time. */
  _id: string
  at: Date
  took: number
  status?: number
  /** The kind of the failure; absent: it was delivered. */
  failed?: Exclude<AttemptRecord['outcome'], 'delivered'>
  error?: string
  code?: string
  response?: string
}

export type PromptAttempt = [seq: number, target: Target, at: Date, took: number, status: number | null]

/** Attempts of prompt deliveries that ended in the same second. */
export interface PromptAttemptsDoc {
  /** Begins with the second. */
  _id: string
  /** By the ids of the client and the stream. */
  of: Record<`${Id} ${Id}`, PromptAttempt[]>
}

/** By what a dead letter is found. */
export interface DeadLetterDoc {
  /** The id of the entry, and the target. */
  _id: string
  clientId: ObjectId
  streamId: ObjectId
  seq: number
  entryId: ObjectId
  type: EntryType
  target: Target
  at: Date
  reason: Dead['reason']
  channel?: string
  integrationId?: ObjectId
}

export interface MetaDoc {
  _id: string
  value: string
}

interface TokenDoc {
  _id: ObjectId
  hash: string
  createdAt: Date
}

interface IntegrationDoc {
  _id: ObjectId
  name?: string
  key?: string
  channel: string
  version: string
  config: string
  mode?: 'webhook' | 'listen' | 'direct'
  status: 'active' | 'pending' | 'paused'
  reason?: string
  isUnproven?: true
  pausedAt?: Date
}

interface WebhookDoc {
  _id: ObjectId
  url: string
  mode?: 'pull' | 'feed'
  token: string
  former?: { token: string; until: Date }
  format: string
  events?: string[]
  ownerId?: string
  createdAt?: Date
  settings?: JsonObject
  isGone?: true
  pausedAt?: Date
}

export interface ClientDoc {
  _id: ObjectId
  externalId?: string
  name?: string
  version: number
  createdAt: Date
  deletedAt?: Date
  disabled?: { at: Date; reason?: string }
  acceptsGuests?: boolean
  maxStoredBytes?: number
  isStreamed?: true
  tokens: TokenDoc[]
  integrations: IntegrationDoc[]
  formerIntegrations?: { channel: string; name: string; key: string }[]
  webhooks: WebhookDoc[]
}
