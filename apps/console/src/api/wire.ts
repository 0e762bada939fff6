/** What `/admin/v1` answers, as far as the console shows it. Times are ISO 8601 in UTC. */

export type Role = 'viewer' | 'operator' | 'admin'

interface Actor {
  kind: 'operator' | 'key' | 'tenant'
  id: string
  name: string
  role: Role
  clientId?: string
}

export interface Session {
  actor: Actor
  csrfToken?: string
  version: string
  expiresAt?: string
}

/** How somebody can sign in. */
export interface SignIn {
  isOn: boolean
  /** Why nobody can sign in, and what to do. */
  reason?: string
  password: boolean
  oidc?: { label: string }
}

/** Where deliveries go. */
interface Target {
  kind: string
  id: string
  label: string
}

/** A bot with its channels, conversations and credentials. */
export interface Client {
  id: string
  name?: string
  displayName?: string
  createdAt: string
  disabled?: boolean
  disabledReason?: string
  integrations?: { name: string; channel: string; status: string }[]
  webhooks?: number
}

export interface ClientDetails extends Client {
  /** Whether anonymous users are allowed. */
  guests?: boolean
  /** Null: the limit of the server. 0: none. */
  maxStoredBytes?: number | null
  storedBytes?: number
  tokens?: { id: string; createdAt: string }[]
  troubles?: Trouble[]
}

/** The answer to a new client. Its token is shown only here. */
export interface CreatedClient {
  client: ClientDetails
  token: string
}

/** Something that keeps people from being answered. */
export interface Trouble {
  /** Absent: of the whole server. */
  clientId?: string
  clientName?: string
  target: { kind: string; id?: string; label: string; channel?: string }
  state: string
  since: string
  /** In words of the provider or of this server. */
  reason: string
  /** Failures in a row. */
  failures?: number
  nextAttemptAt?: string
  /** Who waits, or did not get what was given up. */
  people?: AtLeast
  deadLetters?: AtLeast
  fix: string
}

/** A count that ends somewhere. */
interface AtLeast {
  count: number
  isMore: boolean
}

export interface Rates {
  receivedPerMinute: number
  postedPerMinute: number
  deliveredPerMinute: number
  failedPerMinute: number
  /** Minutes in which something happened, oldest first. */
  history: { at: string; received: number; posted: number; delivered: number; failed: number }[]
}

export interface Replica {
  id: string
  state: 'running' | 'silent' | 'stopped'
  startedAt: string
  version: string
  role: string
  host?: string
  leases: number
  listening: number
  seenAt: string
}

/** The members after `troubles` are absent for a link to one client. */
export interface Overview {
  status: 'ok' | 'trouble'
  at: string
  version: string
  troubles: Trouble[]
  hasMoreTroubles: boolean
  replicas?: Replica[]
  rates?: Rates
  backlog?: { streams: number; isMore: boolean; oldestAt?: string }
  store?: { kind: string; sizeBytes?: number }
}

export interface ConversationItem {
  id: string
  /** Absent for a group. */
  userId?: string
  /** Of the person, if that is known. */
  name?: string
  createdAt: string
  lastActivityAt: string
  preview?: string
  /** `identity` is the address of the business, `sender` that of the person. */
  channels: { channel: string; integration?: string; identity?: string; sender?: string }[]
  /** Counted up to 100. */
  state: { pending: number; dead: number }
}

export interface Attempt {
  at: string
  durationMs: number
  /** `delivered`, or the kind of the failure. */
  outcome: string
  status?: number
  error?: string
  /** Start of an answer that is no success. */
  response?: string
}

/** What a delivery waits for. */
export interface Hold {
  by: string
  since?: string
  until?: string
  reason: string
  entryId?: string
}

export interface EntryDelivery {
  target: Target
  state: string
  /** The newest ten that are kept, in order of time. */
  attempts: Attempt[]
  nextAttemptAt?: string
  held?: Hold
  /** Why it was given up. */
  reason?: string
  /** Of the last attempt. */
  error?: string
  code?: string
}

export interface TimelineItem {
  entry: {
    id: string
    /** Its number in the conversation. */
    seq: number
    type: string
    at: string
    author: { kind: 'user' | 'business' | 'system'; id?: string }
    channel?: string
    preview?: string
    payload?: unknown
    isDeleted?: true
  }
  deliveries: EntryDelivery[]
}

export interface DeliveryItem {
  entryId: string
  conversationId: string
  type: string
  at: string
  target: Target
  state: string
  reason?: string
  code?: string
  attempts: number
  error?: string
  nextAttemptAt?: string
  diedAt?: string
}

export interface Job {
  id: string
  action: 'replay' | 'discard'
  state: 'running' | 'stopped' | 'done' | 'failed'
  done: number
  /** For targets that were removed. */
  failed: number
  total: number
  isMore: boolean
  /** Conversations whose replays wait for their target. */
  waiting: number
  createdAt: string
  by: { name: string }
  error?: string
}

/** JSON schema of the configuration of a channel, as far as the form knows it. */
export interface ConfigSchema {
  type?: string | string[]
  title?: string
  description?: string
  default?: unknown
  enum?: unknown[]
  format?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  pattern?: string
  items?: ConfigSchema
  properties?: Record<string, ConfigSchema>
  required?: string[]
}

/** A kind of platform. */
export interface Channel {
  name: string
  title: string
  config: ConfigSchema
  secrets: string[]
  /** How it can get messages, the default of the server first. */
  modes: { mode: Mode; needs: string[][]; setup?: string }[]
}

/**
 * `webhook`: the provider calls the server. `listen`: the server keeps a connection to the provider. `direct`: there is no
 * provider.
 */
export type Mode = 'webhook' | 'listen' | 'direct'

/** A channel that is configured for a client. */
export interface Integration {
  id: string
  name: string
  displayName?: string
  channel: string
  status: 'active' | 'pending' | 'paused'
  reason?: string
  paused?: boolean
  mode: Mode
  webhookUrl?: string
  setup?: string
  config: Record<string, unknown>
  /** Those that it has. */
  secrets: string[]
  listening?: { state: string; since?: string; failure?: { message: string }; nextAttemptAt?: string }
  lastInboundAt?: string
  lastOutboundAt?: string
  lastFailure?: { at: string; kind: string; message: string }
  consecutiveFailures: number
  counts: { delivered: number; failed: number; dead: number }
  trouble?: Trouble
}

/** Where a bot gets its events. */
export interface Webhook {
  id: string
  /** Absent if its events are read. */
  url?: string
  label: string
  state: 'active' | 'retrying' | 'failing' | 'gone'
  paused: boolean
  pausedAt?: string
  /** Of the last one to two hours, from 0 to 1. */
  successRate?: number
  latencyMs?: number
  latencyP50Ms?: number
  latencyP95Ms?: number
  circuit: 'open' | 'closed'
  circuitUntil?: string
  lastDeliveredAt?: string
  lastFailure?: { at: string; message: string; nextAttemptAt?: string }
  counts: { delivered: number; failed: number; dead: number }
  /** What waits for readers. */
  waiting?: { conversations: number; isMore?: boolean; oldestAt?: string }
  formerSecretUntil?: string
}

export interface Person {
  id: string
  createdAt: string
  name?: string
  email?: string
  locale?: string
  externalId?: string
  /** What the provider or the page says of the person. */
  data?: Record<string, string>
}

export interface PersonDetails extends Person {
  /** `identity` is the address of the business, `sender` that of the person. */
  identities: { channel: string; integration?: string; identity: string; sender: string; aliases: string[] }[]
  /** The newest. */
  conversations: { id: string; createdAt: string; channels: string[] }[]
  hasMoreConversations: boolean
}

export interface AuditEntry {
  id: string
  at: string
  action: string
  actor: { kind: string; id: string; name: string }
  from: string
  requestId: string
  clientId?: string
  target?: Record<string, string>
  fields?: string[]
  details?: Record<string, string | number | boolean | string[]>
  outcome: 'started' | 'done' | 'refused' | 'failed'
  code?: string
}

export interface Operator {
  id: string
  email: string
  name?: string
  role: Role
  hasPassword: boolean
  isFromProvider: boolean
  createdAt: string
}

/** A session of an operator. */
export interface OperatorSession {
  id: string
  createdAt: string
  usedAt: string
  from: string
  userAgent?: string
}

/** A key of the Sunshine API, without its secret. */
export interface ApiKey {
  keyId: string
  scope: 'app' | 'account' | 'integration'
  /** Id of the client, in hexadecimal characters. Absent: of the whole server. */
  appId?: string
  integrationId?: string
  displayName: string
  createdOn: string
}

/** Somebody who owns projects of the Smartify API. */
export interface Owner {
  userId: string
  email: string
  firstName?: string
  lastName?: string
  /** Ids of clients, in hexadecimal characters. */
  projects: string[]
  createdOn: string
}
