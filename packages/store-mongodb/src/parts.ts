import { MongoArchive } from './archive.js'
import { Backlog } from './backlog.js'
import { Clients } from './clients.js'
import type { DatabaseClock } from './clock.js'
import { Conversations } from './conversations.js'
import { Deliveries } from './deliveries.js'
import { Endpoints } from './endpoints.js'
import { Entries } from './entries.js'
import { Holes } from './holes.js'
import { Inserter } from './inserter.js'
import { Leases } from './leases.js'
import { Log } from './log.js'
import { Notes } from './notes.js'
import { Purge } from './purge.js'
import { Reservations } from './reservation.js'
import type { Models } from './schemas.js'
import { StoredDocuments } from './stored-documents.js'
import { Streams } from './streams.js'

/** The parts of a store, wired. */
export function partsOf(
  models: Models,
  clock: DatabaseClock,
  options: { leaseMs: number; cacheSize: number },
) {
  const leases = new Leases(clock, options.leaseMs)
  const streams = new Streams(models, clock, leases, options.cacheSize)
  const inserter = new Inserter(models.entries)
  const reservations = new Reservations(models, clock, leases)
  const deliveries = new Deliveries(models, clock, leases)
  const log = new Log(models, streams, reservations, inserter, deliveries)
  return {
    deliveries,
    log,
    archive: new MongoArchive(models, clock),
    notes: new Notes(models),
    documents: new StoredDocuments(models),
    clients: new Clients(models),
    conversations: new Conversations(models, streams, reservations, log),
    endpoints: new Endpoints(models, streams, log),
    entries: new Entries(models, streams, new Holes(models, inserter, clock)),
    backlog: new Backlog(models),
    purge: new Purge(models, streams),
  }
}

export type Parts = ReturnType<typeof partsOf>
