import { type Id, isId, PlugboardError } from '@plugboard/core'
import type { Connection } from 'mongoose'
import { oid } from '../encoding.js'
import { REPLACED, STREAM_LISTS, specsOf, versions } from './indexes.js'
import type { Models } from './schemas.js'

interface SchemaDoc {
  _id: 'schema'
  version: number
}

const INDEX_NOT_FOUND = 27
const NAMESPACE_EXISTS = 48

/**
 * The steps from one version of the schema to the next: one that was released is never changed. Each may be done again
 * and by several replicas at once, since it ends in the same.
 */
const migrations: readonly ((models: Models, connection: Connection) => Promise<void>)[] = [
  ...versions.slice(0, 2).map(creating),
  keepGuests,
  ...versions.slice(2, 6).map(creating),
  createLists,
  replaceIndexes,
]

function creating(version: (typeof versions)[number]): (models: Models) => Promise<void> {
  return (models) => createCollections(models, version)
}

async function createCollections(models: Models, indexes: (typeof versions)[number]): Promise<void> {
  for (const name of Object.keys(indexes) as (keyof Models)[]) {
    const { collection, db } = models[name] as Models['streams']
    await db.createCollection(collection.collectionName).catch((error: { code?: unknown }) => {
      if (error.code !== NAMESPACE_EXISTS) throw error
    })
    const specs = specsOf(indexes[name] ?? [])
    if (specs.length > 0) await collection.createIndexes(specs as never)
  }
}

/** Where there is much, what takes long is left to `Backfill`. */
async function createLists(models: Models, connection: Connection): Promise<void> {
  await createCollections(models, versions[6] ?? {})
  const isEmpty = (await models.streams.findOne({}, { _id: 1 }).lean()) === null
  if (isEmpty) await models.streams.collection.createIndexes(specsOf(STREAM_LISTS) as never)
  const lists = connection.collection<{ _id: 'lists'; state: string }>('schema')
  const fresh = { $setOnInsert: { state: isEmpty ? 'whole' : 'none' } }
  await lists.updateOne({ _id: 'lists' }, fresh, { upsert: true })
}

/** Where there is much, this too is left to `Backfill`. */
async function replaceIndexes({ streams }: Models, connection: Connection): Promise<void> {
  const isEmpty = (await streams.findOne({}, { _id: 1 }).lean()) === null
  if (isEmpty) await renewStreamLists(streams.collection)
  const lists = connection.collection<{ _id: 'lists' }>('schema')
  await lists.updateOne({ _id: 'lists', isRenewed: { $exists: false } }, { $set: { isRenewed: isEmpty } })
}

/** Builds the indexes of streams for lists, and drops what they replace: other replicas have either at any time. */
export async function renewStreamLists(streams: Models['streams']['collection']): Promise<void> {
  await streams.createIndexes(specsOf(STREAM_LISTS) as never)
  await streams.dropIndex(REPLACED).catch((error: { code?: unknown }) => {
    if (error.code !== INDEX_NOT_FOUND) throw error
  })
}

/** The client of documents that are no client's. */
const NO_CLIENT = oid('0'.repeat(24) as Id)

/**
 * Every client accepted guests before that was a setting. It stays on where it is used: where people own the client,
 * where it has a subscription of the Smartify API, or users with an id of that API.
 */
async function keepGuests({ clients, documents }: Models): Promise<void> {
  const accepting = { $set: { acceptsGuests: true } }
  const undecided = { acceptsGuests: { $exists: false } }
  await clients.collection.updateMany({ ...undecided, 'webhooks.format': 'smartify' }, accepting)
  const accounts = documents.collection.find({ clientId: NO_CLIENT, kind: 'account' })
  for await (const { data } of accounts) {
    const owned = ownedBy(data).map((id) => oid(id))
    if (owned.length > 0)
      await clients.collection.updateMany({ ...undecided, _id: { $in: owned } }, accepting)
  }
  for await (const { _id } of clients.collection.find(undecided, { projection: { _id: 1 } })) {
    const user = { clientId: _id, kind: 'user', name: /^smartify / }
    if (await documents.collection.findOne(user)) await clients.collection.updateOne({ _id }, accepting)
  }
}

/** The clients that an account belongs to, where it is a person's. */
function ownedBy(data: unknown): Id[] {
  const account: unknown = typeof data === 'string' ? JSON.parse(data) : undefined
  if (typeof account !== 'object' || account === null || !('memberships' in account)) return []
  const { memberships } = account
  return (Array.isArray(memberships) ? memberships : []).flatMap((each: unknown) => {
    const id = typeof each === 'object' && each !== null && 'clientId' in each ? each.clientId : undefined
    return typeof id === 'string' && isId(id) ? [id] : []
  })
}

/**
 * Brings the database to the newest schema, or only makes sure that it has it.
 * @throws CONFLICT when a newer Plugboard has written it, or when it is not up to date and may not be changed
 */
export async function migrate(connection: Connection, models: Models, mayChange: boolean): Promise<void> {
  const schema = connection.collection<SchemaDoc>('schema')
  const version = (await schema.findOne({ _id: 'schema' }))?.version ?? 0
  const newest = migrations.length
  if (version > newest) {
    const ours = `this one knows schema ${newest}, the database has ${version}`
    throw new PlugboardError('CONFLICT', `${connection.name} was written by a newer Plugboard: ${ours}`)
  }
  if (version === newest) return
  if (!mayChange) {
    const theirs = `it has ${version}, this Plugboard needs ${newest}`
    throw new PlugboardError('CONFLICT', `the schema of ${connection.name} is not up to date: ${theirs}`)
  }
  for (const step of migrations.slice(version)) await step(models, connection)
  // Another replica may have come further meanwhile.
  await schema.updateOne({ _id: 'schema' }, { $max: { version: newest } }, { upsert: true })
}
