import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Id } from '@plugboard/core'
import type { BlobInfo, BlobOwner, BlobStore, NewBlob } from '@plugboard/hub'
import { type Connection, mongo } from 'mongoose'
import { DatabaseClock } from './database/clock.js'
import { connect } from './database/connection.js'
import type { ObjectId } from './database/document-types.js'
import { toOpenError, toStoreError } from './database/failure.js'
import { idOf, oid } from './encoding.js'

export interface MongoBlobsOptions {
  /** As of the store: `mongodb://…` or `mongodb+srv://…`, with the name of the database. */
  url: string
  /** Makes collections and indexes when it is opened. Default: true. */
  migrate?: boolean
  /** How long a call waits for a primary before it fails, in milliseconds. Default: 5,000. */
  selectionTimeoutMs?: number
}

/** What GridFS keeps of a file for us. */
interface Metadata {
  clientId: ObjectId
  id: ObjectId
  conversationId?: ObjectId
  type: string
  name?: string
}

interface FileDoc {
  _id: ObjectId
  length: number
  metadata: Metadata
}

/** A file that is being written or removed: what a crash leaves of it is found by this. */
interface PendingDoc {
  _id: ObjectId
  at: Date
}

const BUCKET = 'blobs'
const AT_ONCE = 100

/**
 * Opens the blobs in the GridFS bucket `blobs` of a database, over a connection of their own. Any number of processes may
 * have them open. @throws UNAVAILABLE and UNAUTHORIZED as the store does
 */
export async function openMongoBlobs(options: MongoBlobsOptions): Promise<BlobStore> {
  const { url, selectionTimeoutMs = 5000, migrate = true } = options
  const clock = new DatabaseClock(Date.now)
  const { connection } = await connect({ url, selectionTimeoutMs, monitorCommands: false }, clock)
  try {
    const blobs = new MongoBlobs(connection)
    if (migrate) await blobs.migrate()
    return blobs
  } catch (error) {
    await connection.close().catch(() => undefined)
    throw toOpenError(error)
  }
}

/**
 * Each upload is a GridFS file with an id of its own; the newest of a blob counts. GridFS writes the document of a file
 * after its chunks, so that nobody sees a half-written one.
 */
class MongoBlobs implements BlobStore {
  readonly #connection: Connection
  readonly #bucket: mongo.GridFSBucket
  readonly #files: mongo.Collection<FileDoc>
  readonly #chunks: mongo.Collection<{ files_id: ObjectId; n: number }>
  readonly #pending: mongo.Collection<PendingDoc>

  constructor(connection: Connection) {
    const db = connection.getClient().db(connection.name)
    this.#connection = connection
    const writeConcern = { w: 'majority', journal: true } as const
    this.#bucket = new mongo.GridFSBucket(db, { bucketName: BUCKET, writeConcern })
    this.#files = db.collection(`${BUCKET}.files`)
    this.#chunks = db.collection(`${BUCKET}.chunks`)
    this.#pending = db.collection(`${BUCKET}.pending`)
  }

  /** May be done again, and by several processes at once. Two of the indexes are those that every GridFS bucket has. */
  async migrate(): Promise<void> {
    await this.#files.createIndexes([
      { name: 'filename_1_uploadDate_1', key: { filename: 1, uploadDate: 1 } },
      { name: 'blobs', key: { 'metadata.clientId': 1, 'metadata.id': 1, _id: 1 } },
      { name: 'of_conversation', key: { 'metadata.clientId': 1, 'metadata.conversationId': 1 } },
    ])
    await this.#chunks.createIndexes([{ name: 'files_id_1_n_1', key: { files_id: 1, n: 1 }, unique: true }])
    await this.#pending.createIndexes([{ name: 'age', key: { at: 1 } }])
  }

  put(blob: NewBlob, body: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    return answered(async () => {
      const _id = new mongo.ObjectId()
      await this.#pending.insertOne({ _id, at: new Date() })
      const upload = this.#bucket.openUploadStreamWithId(_id, blob.id, { metadata: metadataOf(blob) })
      try {
        await pipeline(Readable.from(body, { objectMode: true }), upload)
      } catch (error) {
        // It stays pending: a chunk may still be on its way.
        await this.#chunks.deleteMany({ files_id: _id }).catch(() => undefined)
        throw error
      }
      await this.#drop({ ...filterOf(blob.clientId, blob.id), _id: { $lt: _id } })
      await this.#pending.deleteOne({ _id })
      return { ...blob, size: upload.length }
    })
  }

  open(clientId: Id, id: Id) {
    return answered(async () => {
      const file = await this.#files.findOne(filterOf(clientId, id), { sort: { _id: -1 } })
      return file ? { ...infoOf(file), body: this.#piecesOf(file._id) } : undefined
    })
  }

  remove(clientId: Id, id: Id): Promise<number | undefined> {
    return answered(() => this.#drop(filterOf(clientId, id)))
  }

  removeAll({ clientId, conversationId }: BlobOwner): Promise<number> {
    const filter = {
      'metadata.clientId': oid(clientId),
      ...(conversationId && { 'metadata.conversationId': oid(conversationId) }),
    }
    return answered(async () => (await this.#drop(filter)) ?? 0)
  }

  list({ after, limit }: Parameters<BlobStore['list']>[0]): Promise<BlobInfo[]> {
    return answered(async () => {
      const clientId = after && oid(after.clientId)
      const behind = after && [
        { 'metadata.clientId': clientId, 'metadata.id': { $gt: oid(after.id) } },
        { 'metadata.clientId': { $gt: clientId } },
      ]
      const sort = { 'metadata.clientId': 1, 'metadata.id': 1, _id: 1 } as const
      const infos: BlobInfo[] = []
      const found = this.#files.find((behind ? { $or: behind } : {}) as object, { sort })
      for await (const file of found) {
        const info = infoOf(file)
        // Of two that are there, since one takes the place of the other right now, the newer one comes last.
        if (infos.at(-1)?.id === info.id && infos.at(-1)?.clientId === info.clientId) infos.pop()
        if (infos.length === limit) break
        infos.push(info)
      }
      return infos
    })
  }

  sweep(before: Date): Promise<void> {
    return answered(async () => {
      for (;;) {
        const left = await this.#pending.find({ at: { $lt: before } }, { limit: AT_ONCE }).toArray()
        const ids = left.map(({ _id }) => _id)
        const whole = await this.#files.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray()
        const isWhole = new Set(whole.map(({ _id }) => _id.toHexString()))
        const orphans = ids.filter((id) => !isWhole.has(id.toHexString()))
        await this.#chunks.deleteMany({ files_id: { $in: orphans } })
        await this.#pending.deleteMany({ _id: { $in: ids } })
        if (left.length < AT_ONCE) return
      }
    })
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async *#piecesOf(_id: ObjectId): AsyncGenerator<Uint8Array> {
    const stream = this.#bucket.openDownloadStream(_id)
    try {
      yield* stream
    } catch (error) {
      throw toStoreError(error)
    } finally {
      stream.destroy()
    }
  }

  /** Removes files, some at once: the document first, so that nobody sees one without its bytes. */
  /** Answers how many bytes went; undefined when there was nothing. */
  async #drop(filter: object): Promise<number | undefined> {
    let bytes: number | undefined
    for (;;) {
      const projection = { _id: 1, length: 1 }
      const files = await this.#files.find(filter, { projection, limit: AT_ONCE }).toArray()
      const ids = files.map(({ _id }) => _id)
      if (ids.length === 0) return bytes
      for (const { length } of files) bytes = (bytes ?? 0) + length
      const at = new Date()
      const writes = ids.map((_id) => ({
        updateOne: { filter: { _id }, update: { $set: { at } }, upsert: true },
      }))
      await this.#pending.bulkWrite(writes)
      await this.#files.deleteMany({ _id: { $in: ids } })
      await this.#chunks.deleteMany({ files_id: { $in: ids } })
      await this.#pending.deleteMany({ _id: { $in: ids } })
    }
  }
}

/** Errors as the store tells them. */
async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toStoreError(error)
  }
}

const filterOf = (clientId: Id, id: Id) => ({ 'metadata.clientId': oid(clientId), 'metadata.id': oid(id) })

const metadataOf = ({ clientId, conversationId, id, type, name }: NewBlob): Metadata => ({
  clientId: oid(clientId),
  id: oid(id),
  type,
  ...(conversationId && { conversationId: oid(conversationId) }),
  ...(name !== undefined && { name }),
})

function infoOf({ length, metadata }: FileDoc): BlobInfo {
  const { clientId, conversationId, id, type, name } = metadata
  return {
    clientId: idOf(clientId),
    id: idOf(id),
    type,
    size: length,
    ...(conversationId && { conversationId: idOf(conversationId) }),
    ...(name !== undefined && { name }),
  }
}
