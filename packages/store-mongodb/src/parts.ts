import { MongoArchive } from './archive/archive.js'
import { Clients } from './clients.js'
import type { DatabaseClock } from './database/clock.js'
import type { Models } from './database/schemas.js'
import { Attempts } from './delivery/attempts.js'
import { BacklogMeter } from './delivery/backlog.js'
import { Claims } from './delivery/claims.js'
import { DeadLetters } from './delivery/dead-letters.js'
import { Leases } from './delivery/leases.js'
import { SentMessages } from './delivery/sent-messages.js'
import { IdempotencyKeys } from './idempotency-keys.js'
import { DeadIndex } from './lists/dead-letter-index.js'
import { Lists } from './lists/lists.js'
import { Meta } from './meta.js'
import { Signals } from './process-messages.js'
import { Pulls } from './pull-lanes.js'
import { Purge } from './purge.js'
import { Queues } from './queues.js'
import { StoredDocuments } from './stored-documents.js'
import { Appender } from './streams/append.js'
import { Conversations } from './streams/conversations.js'
import { Endpoints } from './streams/endpoints.js'
import { Entries } from './streams/entries.js'
import { Holes } from './streams/holes.js'
import { Inserter } from './streams/inserter.js'
import { Reservations } from './streams/reservations.js'
import { StreamCache } from './streams/stream-cache.js'

/** The parts of a store, wired. */
export function partsOf(
  models: Models,
  clock: DatabaseClock,
  options: { leaseMs: number; cacheSize: number },
) {
  const deadIndex = new DeadIndex(models)
  const leases = new Leases(clock, options.leaseMs)
  const streams = new StreamCache(models, clock, leases, options.cacheSize)
  const inserter = new Inserter(models.entries)
  const reservations = new Reservations(models, clock, leases)
  const claims = new Claims(models, clock, leases)
  const appender = new Appender(models, streams, reservations, inserter, claims)
  return {
    claims,
    attempts: new Attempts(models),
    deadLetters: new DeadLetters(models, clock, deadIndex),
    deadIndex,
    lists: new Lists(models),
    sentMessages: new SentMessages(models),
    appender,
    archive: new MongoArchive(models, clock),
    meta: new Meta(models),
    keys: new IdempotencyKeys(models),
    documents: new StoredDocuments(models),
    queues: new Queues(models),
    pulls: new Pulls(models, clock),
    clients: new Clients(models),
    conversations: new Conversations(models, streams, reservations, appender),
    endpoints: new Endpoints(models, streams, appender),
    entries: new Entries(models, streams, new Holes(models, inserter, clock)),
    backlog: new BacklogMeter(models),
    signals: new Signals(models, clock),
    purge: new Purge(models, streams),
  }
}

export type Parts = ReturnType<typeof partsOf>
