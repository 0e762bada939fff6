import { randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Id, isId, PlugboardError } from '@plugboard/core'
import type { BlobInfo, BlobOwner, BlobStore, NewBlob } from '@plugboard/hub'
import { isFull } from './disk.js'

/** Folder of incomplete files, on the same file system, so that a rename completes them. */
const TEMPORARY = '.tmp'
/** Holds an empty file for each blob of a conversation. */
const CONVERSATIONS = '.conversations'

const PIECE_BYTES = 131_072
/** Bytes of the header length at the start of a file. */
const LENGTH_BYTES = 4

/**
 * Blobs in a folder: one file each, `<client>/<id>`, which starts with its metadata, so that one rename writes both. File
 * names are always ids. For a single process, like the embedded database.
 */
export async function localBlobs({ path }: { path: string }): Promise<BlobStore> {
  await mkdir(join(path, TEMPORARY), { recursive: true, mode: 0o700 })
  return new LocalBlobs(path)
}

class LocalBlobs implements BlobStore {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async put(blob: NewBlob, body: AsyncIterable<Uint8Array>): Promise<BlobInfo> {
    const temporary = join(this.#path, TEMPORARY, randomUUID())
    try {
      const size = await writeWhole(temporary, headOf(blob), body)
      await this.#mark(blob)
      const place = this.#fileOf(blob.clientId, blob.id)
      await mkdir(dirname(place), { recursive: true, mode: 0o700 })
      await rename(temporary, place)
      await syncFolder(dirname(place))
      await syncFolder(this.#path)
      return { ...blob, size }
    } catch (error) {
      await rm(temporary, { force: true })
      if (isFull(error)) throw new PlugboardError('NO_SPACE', 'the disk for files is full', { cause: error })
      throw error
    }
  }

  async open(clientId: Id, id: Id) {
    const file = await openFile(this.#fileOf(clientId, id))
    if (!file) return undefined
    try {
      const { info, start } = await readHead(file)
      return { ...info, body: piecesOf(file, start) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async remove(clientId: Id, id: Id): Promise<number | undefined> {
    try {
      const info = await this.#find(clientId, id)
      await rm(this.#fileOf(clientId, id))
      return info?.size
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  async removeAll({ clientId, conversationId }: BlobOwner): Promise<number> {
    if (conversationId === undefined) {
      await rm(this.#folderOf(clientId), { recursive: true, force: true, maxRetries: 3 })
      return 0
    }
    let bytes = 0
    const marks = this.#marksOf(clientId, conversationId)
    for (const id of await namesIn(marks)) {
      // The mark may belong to a replaced blob.
      const info = await this.#find(clientId, id)
      if (info?.conversationId === conversationId) bytes += (await this.remove(clientId, id)) ?? 0
    }
    await rm(marks, { recursive: true, force: true, maxRetries: 3 })
    return bytes
  }

  async list({ after, limit }: Parameters<BlobStore['list']>[0]): Promise<BlobInfo[]> {
    const infos: BlobInfo[] = []
    for (const clientId of await namesIn(this.#path)) {
      if (after && clientId < after.clientId) continue
      for (const id of await namesIn(this.#folderOf(clientId))) {
        if (infos.length === limit) return infos
        if (after?.clientId === clientId && id <= after.id) continue
        const info = await this.#find(clientId, id)
        if (info) infos.push(info)
      }
    }
    return infos
  }

  async sweep(before: Date): Promise<void> {
    const folder = join(this.#path, TEMPORARY)
    for (const name of await readdir(folder)) {
      const file = join(folder, name)
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY }))
      if (mtimeMs < before.getTime()) await rm(file, { force: true })
    }
  }

  async close(): Promise<void> {}

  /** Written before the blob: without its mark, a blob would outlive its conversation. */
  async #mark({ clientId, conversationId, id }: NewBlob): Promise<void> {
    if (conversationId === undefined) return
    const marks = this.#marksOf(clientId, conversationId)
    await mkdir(marks, { recursive: true, mode: 0o700 })
    await writeFile(join(marks, name(id)), '', { mode: 0o600 })
    await syncFolder(marks)
    await syncFolder(dirname(marks))
  }

  async #find(clientId: Id, id: Id): Promise<BlobInfo | undefined> {
    const file = await openFile(this.#fileOf(clientId, id))
    if (!file) return undefined
    try {
      return (await readHead(file)).info
    } finally {
      await file.close()
    }
  }

  #folderOf(clientId: Id): string {
    return join(this.#path, name(clientId))
  }

  #fileOf(clientId: Id, id: Id): string {
    return join(this.#folderOf(clientId), name(id))
  }

  #marksOf(clientId: Id, conversationId: Id): string {
    return join(this.#folderOf(clientId), CONVERSATIONS, name(conversationId))
  }
}

/** Last check: only an id can be a file name. */
function name(id: Id): string {
  if (!isId(id)) throw new Error('a blob name must consist of ids')
  return id
}

/** Length and JSON of the metadata of a blob. */
function headOf({ clientId, conversationId, id, type, name }: NewBlob): Buffer {
  const json = Buffer.from(JSON.stringify({ clientId, conversationId, id, type, name }))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(json.byteLength)
  return Buffer.concat([length, json])
}

async function readHead(file: FileHandle): Promise<{ info: BlobInfo; start: number }> {
  const { buffer: length } = await file.read(Buffer.alloc(LENGTH_BYTES), 0, LENGTH_BYTES, 0)
  const bytes = length.readUInt32BE()
  const { buffer: json } = await file.read(Buffer.alloc(bytes), 0, bytes, LENGTH_BYTES)
  const start = LENGTH_BYTES + bytes
  const { size } = await file.stat()
  return { info: { ...(JSON.parse(json.toString()) as NewBlob), size: size - start }, start }
}

/** On disk when it resolves. Returns the number of bytes after the header. */
async function writeWhole(path: string, head: Buffer, body: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'wx', 0o600)
  try {
    let size = 0
    await writeAll(file, head)
    for await (const piece of body) {
      await writeAll(file, piece)
      size += piece.byteLength
    }
    await file.sync()
    return size
  } finally {
    await file.close()
  }
}

/** A single write may be partial. */
const writeAll = (file: FileHandle, bytes: Uint8Array): Promise<void> => file.writeFile(bytes)

/** Closes the file at the end, and when the reader stops, even before the first chunk, unlike a generator. */
function piecesOf(file: FileHandle, start: number): AsyncIterableIterator<Uint8Array> {
  let at = start
  const end = async (): Promise<IteratorReturnResult<undefined>> => {
    await file.close()
    return { done: true, value: undefined }
  }
  return {
    async next() {
      try {
        const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE_BYTES), 0, PIECE_BYTES, at)
        if (bytesRead === 0) return await end()
        at += bytesRead
        return { value: buffer.subarray(0, bytesRead) }
      } catch (error) {
        await end()
        throw error
      }
    },
    return: end,
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function openFile(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The ids in a folder, in order; none if the folder does not exist. */
async function namesIn(folder: string): Promise<Id[]> {
  try {
    return (await readdir(folder)).filter(isId).sort()
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Makes a rename survive a power failure. Windows cannot open folders, and does not need this. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  if (!folder) return
  try {
    await folder.sync()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  } finally {
    await folder.close()
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
