import { type Id, newId } from '@plugboard/core'
import type { BlobStore } from '@plugboard/hub'
import { blobSuite } from '@plugboard/hub/testing'
import { createConnection } from 'mongoose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dropDatabase, hasServer, newDatabaseUrl } from '../test/database.js'
import { openMongoBlobs } from './index.js'

async function create() {
  const url = newDatabaseUrl()
  const handles: BlobStore[] = []
  const open = async () => {
    const blobs = await openMongoBlobs({ url })
    handles.push(blobs)
    return blobs
  }
  return {
    blobs: await open(),
    reopen: open,
    async close() {
      await Promise.all(handles.map((handle) => handle.close()))
      await dropDatabase(url)
    },
    url,
  }
}

async function* inPieces(count: number) {
  for (let i = 0; i < count; i += 1) yield new Uint8Array(300_000)
}

describe.runIf(hasServer)('the blob port', () => {
  for (const { name, run } of blobSuite({ name: 'mongodb', create })) test(name, run)
})

describe.runIf(hasServer)('GridFS', () => {
  const counts = async (url: string) => {
    const connection = await createConnection(url).asPromise()
    const names = ['files', 'chunks', 'pending']
    const counted = names.map((name) => connection.collection(`blobs.${name}`).countDocuments())
    const [files, chunks, pending] = await Promise.all(counted)
    await connection.close()
    return { files, chunks, pending }
  }
  const blobOf = (clientId: Id) => ({ clientId, id: newId(), type: 'image/png' })

  test('keeps nothing of what was removed, replaced or broken off, once it was swept', async () => {
    const { blobs, url, close } = await create()
    onTestFinished(close)
    const [clientId, conversationId] = [newId(), newId()]
    const blob = blobOf(clientId)
    for (const more of [{}, { conversationId }, {}]) await blobs.put({ ...blob, ...more }, inPieces(3))
    expect(await counts(url)).toEqual({ files: 1, chunks: 4, pending: 0 })
    await blobs.remove(clientId, blob.id)
    const broken = async function* () {
      yield* inPieces(3)
      throw new Error('gone')
    }
    await expect(blobs.put(blob, broken())).rejects.toThrow('gone')
    await blobs.sweep(new Date(Date.now() - 60_000))
    expect(await counts(url)).toMatchObject({ files: 0, pending: 1 })
    await blobs.sweep(new Date(Date.now() + 60_000))
    expect(await counts(url)).toEqual({ files: 0, chunks: 0, pending: 0 })
  })

  test('finds blobs by an index', async () => {
    const { blobs, url, close } = await create()
    onTestFinished(close)
    await blobs.put(blobOf(newId()), inPieces(1))
    const connection = await createConnection(url).asPromise()
    onTestFinished(() => connection.close())
    const filters = [
      { 'metadata.clientId': newId(), 'metadata.id': newId() },
      { 'metadata.clientId': newId(), 'metadata.conversationId': newId() },
      { 'metadata.clientId': newId() },
    ]
    for (const filter of filters) {
      const plan = await connection.collection('blobs.files').find(filter).explain('queryPlanner')
      expect(JSON.stringify(plan)).toContain('IXSCAN')
      expect(JSON.stringify(plan)).not.toContain('COLLSCAN')
    }
  })

  test('says what is unavailable', async () => {
    const options = { url: 'mongodb://127.0.0.1:1/plugboard', selectionTimeoutMs: 100 }
    await expect(openMongoBlobs(options)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const { blobs, close } = await create()
    await close()
    await expect(blobs.open(newId(), newId())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})
