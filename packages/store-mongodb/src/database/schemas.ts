import { type Connection, type Model, Schema } from 'mongoose'
import type {
  AddressDoc,
  AttemptDoc,
  ClientDoc,
  CounterDoc,
  DeadLetterDoc,
  EndpointDoc,
  EntryDoc,
  KeyDoc,
  MetaDoc,
  PromptAttemptsDoc,
  PullDoc,
  QueuedDoc,
  SignalDoc,
  StoredDoc,
  StreamDoc,
} from './document-types.js'

/** Unknown fields are refused, empty objects kept, and nothing is made or changed but by a migration. */
const OPTIONS = {
  strict: 'throw',
  strictQuery: 'throw',
  minimize: false,
  versionKey: false,
  autoIndex: false,
  autoCreate: false,
  id: false,
} as const

const { ObjectId, Mixed } = Schema.Types
const id = { type: ObjectId, required: true } as const
const text = { type: String, required: true } as const
/** A text that may be empty, which mongoose does not take for a required one. */
const anyText = { type: String } as const
const time = { type: Date, required: true } as const

const part = <T>(definition: Record<string, unknown>) =>
  new Schema<T>(definition as never, { ...OPTIONS, excludeIndexes: true })

const endpoint = part<EndpointDoc>({
  _id: id,
  channel: anyText,
  custom: { type: Boolean, required: true },
  identity: anyText,
  sender: anyText,
  thread: anyText,
})

const entryFields = {
  _id: id,
  clientId: id,
  streamId: id,
  seq: { type: Number, required: true },
  at: time,
  type: text,
  payload: anyText,
  details: anyText,
  authorId: { type: ObjectId },
  channel: anyText,
  incomingId: { type: ObjectId },
  collectUntil: { type: Date },
  turnEndedAt: { type: Date },
  dedupe: anyText,
  owes: { type: [String], required: true },
  deletedAt: { type: Date },
  listed: { type: Boolean },
  dead: { type: Mixed },
  isDead: { type: Boolean },
  sent: { type: Mixed },
  replaying: { type: Mixed },
}

const entry = new Schema<EntryDoc>(entryFields as never, OPTIONS)

const reservation = {
  _id: false,
  first: { type: Number, required: true },
  last: { type: Number, required: true },
  at: time,
}

const stream = new Schema<StreamDoc>(
  {
    _id: id,
    clientId: id,
    kind: text,
    userId: { type: ObjectId },
    createdAt: time,
    data: anyText,
    endpoints: { type: [endpoint], required: true },
    kept: { type: [part<EntryDoc>(entryFields)], required: true },
    seq: { type: Number, required: true },
    reserved: { type: [reservation], default: undefined },
    lastAt: time,
    priorAt: { type: Date },
    lastMessageAt: { type: Date },
    listAt: { type: Date },
    activeAt: { type: Date },
    deletedAt: { type: Date },
    mergedInto: { type: ObjectId },
    isOver: { type: Boolean },
    scanned: { type: Number, required: true },
    lanes: { type: Mixed, required: true },
    nextAt: { type: Date },
    wakeAt: { type: Date },
    owedAt: { type: Date },
    owner: { type: ObjectId },
    fence: { type: Number, required: true },
    reclaimedFrom: { type: Number },
    claim: { type: ObjectId },
    woken: { type: Boolean },
  } as never,
  OPTIONS,
)

const address = new Schema<AddressDoc>(
  {
    clientId: id,
    address: text,
    userId: id,
    conversationId: { type: ObjectId },
    endpointId: { type: ObjectId },
    check: { type: String },
  } as never,
  OPTIONS,
)

const key = new Schema<KeyDoc>({ clientId: id, key: anyText, hash: anyText, id, at: time } as never, OPTIONS)

const meta = new Schema<MetaDoc>({ _id: text, value: anyText } as never, OPTIONS)

const client = new Schema<ClientDoc>(
  {
    _id: id,
    externalId: anyText,
    name: anyText,
    version: { type: Number, required: true },
    createdAt: time,
    deletedAt: { type: Date },
    disabled: { type: Mixed },
    acceptsGuests: { type: Boolean },
    maxStoredBytes: { type: Number },
    isStreamed: { type: Boolean },
    tokens: [part({ _id: id, hash: anyText, createdAt: time })],
    integrations: [
      part({
        _id: id,
        name: anyText,
        key: anyText,
        channel: anyText,
        version: anyText,
        config: anyText,
        mode: anyText,
        status: text,
        reason: anyText,
        isUnproven: { type: Boolean },
        pausedAt: { type: Date },
      }),
    ],
    formerIntegrations: { type: Mixed },
    webhooks: [
      part({
        _id: id,
        url: anyText,
        mode: anyText,
        token: anyText,
        former: { type: Mixed },
        format: anyText,
        events: { type: [String], default: undefined },
        ownerId: anyText,
        createdAt: { type: Date },
        settings: { type: Mixed },
        isGone: { type: Boolean },
        pausedAt: { type: Date },
      }),
    ],
  } as never,
  OPTIONS,
)

const stored = new Schema<StoredDoc>(
  {
    clientId: id,
    kind: text,
    documentId: id,
    name: anyText,
    terms: { type: [String], default: undefined },
    version: { type: Number, required: true },
    data: anyText,
  } as never,
  OPTIONS,
)

const counter = new Schema<CounterDoc>(
  { clientId: id, name: anyText, value: { type: Number, required: true } } as never,
  OPTIONS,
)

const signal = new Schema<SignalDoc>(
  { clientId: id, streamId: id, text: anyText, at: time } as never,
  OPTIONS,
)

const queued = new Schema<QueuedDoc>(
  {
    ...{ clientId: id, queueId: id, n: { type: Number, required: true } },
    ...{ streamId: id, seq: { type: Number, required: true }, userId: { type: ObjectId }, at: time },
  } as never,
  OPTIONS,
)

const pull = new Schema<PullDoc>(
  {
    ...{ _id: text, clientId: id, webhookId: id, streamId: id, replay: anyText, userId: { type: ObjectId } },
    ...{ done: { type: Number, required: true }, upTo: { type: Number, required: true } },
    ...{ since: time, dueAt: { type: Date }, idleAt: { type: Date }, wakeAt: { type: Date } },
    ...{ heldTo: { type: Number }, fence: { type: Number, required: true }, given: { type: Mixed } },
    ...{ version: { type: Number, required: true }, by: { type: ObjectId } },
  } as never,
  OPTIONS,
)

const attempt = new Schema<AttemptDoc>(
  {
    ...{ _id: text, at: time, took: { type: Number, required: true }, status: { type: Number } },
    ...{ failed: anyText, error: anyText, code: anyText, response: anyText },
  } as never,
  OPTIONS,
)

const deadLetter = new Schema<DeadLetterDoc>(
  {
    ...{ _id: text, clientId: id, streamId: id, seq: { type: Number, required: true }, entryId: id },
    ...{
      type: text,
      target: text,
      at: time,
      reason: text,
      channel: anyText,
      integrationId: { type: ObjectId },
    },
  } as never,
  OPTIONS,
)

const promptAttempts = new Schema<PromptAttemptsDoc>(
  { _id: text, of: { type: Mixed, required: true } } as never,
  OPTIONS,
)

/** The collections of one connection. */
export interface Models {
  streams: Model<StreamDoc>
  entries: Model<EntryDoc>
  addresses: Model<AddressDoc>
  keys: Model<KeyDoc>
  clients: Model<ClientDoc>
  meta: Model<MetaDoc>
  documents: Model<StoredDoc>
  counters: Model<CounterDoc>
  signals: Model<SignalDoc>
  queued: Model<QueuedDoc>
  pulls: Model<PullDoc>
  attempts: Model<AttemptDoc>
  promptAttempts: Model<PromptAttemptsDoc>
  deadLetters: Model<DeadLetterDoc>
}

export function modelsOf(connection: Connection): Models {
  return {
    streams: connection.model<StreamDoc>('stream', stream, 'streams'),
    entries: connection.model<EntryDoc>('entry', entry, 'entries'),
    addresses: connection.model<AddressDoc>('address', address, 'addresses'),
    keys: connection.model<KeyDoc>('key', key, 'keys'),
    clients: connection.model<ClientDoc>('client', client, 'clients'),
    meta: connection.model<MetaDoc>('meta', meta, 'meta'),
    documents: connection.model<StoredDoc>('document', stored, 'documents'),
    counters: connection.model<CounterDoc>('counter', counter, 'counters'),
    signals: connection.model<SignalDoc>('signal', signal, 'signals'),
    queued: connection.model<QueuedDoc>('queued', queued, 'queued'),
    pulls: connection.model<PullDoc>('pull', pull, 'pulls'),
    attempts: connection.model<AttemptDoc>('attempt', attempt, 'attempts'),
    promptAttempts: connection.model<PromptAttemptsDoc>('promptAttempts', promptAttempts, 'promptAttempts'),
    deadLetters: connection.model<DeadLetterDoc>('deadLetter', deadLetter, 'deadLetters'),
  }
}
