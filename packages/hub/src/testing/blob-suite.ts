import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type Id, newId } from '@plugboard/core'
import type { BlobInfo, BlobStore, NewBlob } from '../ports/blob-store.js'
import { atOnce, present, same } from './store-suite/assertions.js'
import type { StoreCase } from './store-suite.js'

/** A blob store that was made for one case. */
export interface OpenBlobStore {
  /** Fresh and empty. */
  blobs: BlobStore
  /** Opens the same data as another process does after this one was killed. */
  reopen(): Promise<BlobStore>
  /** Closes every handle that was opened, and removes the data. */
  close(): Promise<void>
}

/** What the suite needs to know of a blob store. */
export interface BlobSuite {
  /** Begins the names of the cases. */
  name: string
  /** Opens a fresh and empty one; asked once for each case. */
  create(): Promise<OpenBlobStore>
}

type Cases = Readonly<Record<string, (open: OpenBlobStore) => Promise<void>>>

/** The rules of the blob port as cases for any test runner, as `storeSuite` is of the store. */
export function blobSuite({ name, create }: BlobSuite): StoreCase[] {
  return Object.entries(cases).map(([sentence, prove]) => ({
    name: `${name} > blobs > ${sentence}`,
    run: async () => {
      const open = await create()
      try {
        await prove(open)
      } finally {
        await open.close()
      }
    },
  }))
}

const MANY_BYTES = 6_000_000
const CHUNK_BYTES = 100_000

/** Pieces of a length that fits no block. */
async function* inPieces(bytes: Uint8Array, length = CHUNK_BYTES - 1): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += length) yield bytes.subarray(at, at + length)
}

async function* broken(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inPieces(bytes)
  throw new Error('the sender went away')
}

const blobOf = (clientId: Id, more: Partial<NewBlob> = {}): NewBlob => ({
  ...{ clientId, id: newId(), type: 'application/octet-stream' },
  ...more,
})

/** Puts some bytes; answers the blob and them. */
async function put(blobs: BlobStore, blob: NewBlob, bytes: Uint8Array = randomBytes(1000)) {
  return { info: await blobs.put(blob, inPieces(bytes)), bytes }
}

/** All that there is of a blob; undefined when it is not there. */
async function read(blobs: BlobStore, { clientId, id }: Pick<NewBlob, 'clientId' | 'id'>) {
  const opened = await blobs.open(clientId, id)
  if (!opened) return undefined
  const { body, ...info } = opened
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return { info, bytes: Buffer.concat(pieces), pieces: pieces.length }
}

async function holds(blobs: BlobStore, info: BlobInfo, bytes: Uint8Array): Promise<void> {
  const found = present(await read(blobs, info), 'the blob')
  same(found.info, info)
  assert.ok(found.bytes.equals(bytes), 'other bytes came back')
}

async function lacks(blobs: BlobStore, blob: Pick<NewBlob, 'clientId' | 'id'>): Promise<void> {
  same(await read(blobs, blob), undefined)
}

const list = async (blobs: BlobStore, limit: number): Promise<BlobInfo[]> => {
  const all: BlobInfo[] = []
  for (;;) {
    const after = all.at(-1)
    const page = await blobs.list({ limit, ...(after && { after }) })
    assert.ok(page.length <= limit, `${page.length} blobs on a page of ${limit}`)
    all.push(...page)
    if (page.length < limit) return all
  }
}

const cases: Cases = {
  async 'come back byte for byte, with type, name and size'({ blobs }) {
    const name = 'Straße/../„naïve“ 😀.png'
    for (const size of [0, 1, 262_143, 262_144, 262_145]) {
      const blob = blobOf(newId(), { type: 'image/png', name, conversationId: newId() })
      const { info, bytes } = await put(blobs, blob, randomBytes(size))
      same(info, { ...blob, size })
      await holds(blobs, info, bytes)
    }
  },

  async 'that are large are read in pieces'({ blobs }) {
    const { info, bytes } = await put(blobs, blobOf(newId()), randomBytes(MANY_BYTES))
    await holds(blobs, info, bytes)
    const { pieces = 0 } = present(await read(blobs, info))
    assert.ok(pieces > 10, `${MANY_BYTES} bytes came in ${pieces} pieces`)
  },

  async 'that a reader leaves half-read can be read again, and removed'({ blobs }) {
    const { info, bytes } = await put(blobs, blobOf(newId()), randomBytes(MANY_BYTES))
    for await (const piece of present(await blobs.open(info.clientId, info.id)).body) {
      assert.ok(piece.byteLength > 0)
      break
    }
    await holds(blobs, info, bytes)
    same(await blobs.remove(info.clientId, info.id), info.size)
  },

  async 'that are unknown, or gone, are not there'({ blobs }) {
    const blob = blobOf(newId())
    await lacks(blobs, blob)
    same(await blobs.remove(blob.clientId, blob.id), undefined)
    const { info } = await put(blobs, blob)
    same(await blobs.remove(blob.clientId, blob.id), info.size)
    await lacks(blobs, blob)
    same(await blobs.remove(blob.clientId, blob.id), undefined)
  },

  async 'of one client are unknown to another'({ blobs }) {
    const { info, bytes } = await put(blobs, blobOf(newId()))
    const theirs = { clientId: newId(), id: info.id }
    await lacks(blobs, theirs)
    same(await blobs.remove(theirs.clientId, theirs.id), undefined)
    await blobs.removeAll({ clientId: theirs.clientId })
    await holds(blobs, info, bytes)
    const other = await put(blobs, { ...blobOf(theirs.clientId), id: info.id })
    await holds(blobs, other.info, other.bytes)
    await holds(blobs, info, bytes)
  },

  async 'go with their conversation, and no others do'({ blobs }) {
    const [clientId, conversationId] = [newId(), newId()]
    const own = await atOnce(3, () => put(blobs, blobOf(clientId, { conversationId })))
    const others = [
      await put(blobs, blobOf(clientId)),
      await put(blobs, blobOf(clientId, { conversationId: newId() })),
      await put(blobs, blobOf(newId(), { conversationId })),
    ]
    const bytesOfOwn = own.reduce((sum, { info }) => sum + info.size, 0)
    same(await blobs.removeAll({ clientId, conversationId }), bytesOfOwn)
    same(await blobs.removeAll({ clientId, conversationId }), 0)
    for (const { info } of own) await lacks(blobs, info)
    for (const { info, bytes } of others) await holds(blobs, info, bytes)
  },

  async 'go with their client, and can come again'({ blobs }) {
    const clientId = newId()
    const own = await atOnce(3, (n) =>
      put(blobs, blobOf(clientId, n === 0 ? { conversationId: newId() } : {})),
    )
    const other = await put(blobs, blobOf(newId()))
    await blobs.removeAll({ clientId })
    await blobs.removeAll({ clientId })
    for (const { info } of own) await lacks(blobs, info)
    await holds(blobs, other.info, other.bytes)
    const again = await put(blobs, blobOf(clientId))
    await holds(blobs, again.info, again.bytes)
  },

  async 'take the place of others, and leave their conversation'({ blobs }) {
    const blob = blobOf(newId(), { conversationId: newId() })
    await put(blobs, blob)
    const { conversationId: _, ...free } = blob
    const { info, bytes } = await put(blobs, { ...free, type: 'image/gif' }, randomBytes(300_000))
    await holds(blobs, info, bytes)
    await blobs.removeAll(blob)
    await holds(blobs, info, bytes)
    same(await blobs.remove(blob.clientId, blob.id), info.size)
    await lacks(blobs, blob)
  },

  async 'whose bytes do not all come are never seen'({ blobs }) {
    const blob = blobOf(newId())
    const failed = () => blobs.put({ ...blob, type: 'image/gif' }, broken(randomBytes(MANY_BYTES)))
    await assert.rejects(failed, /the sender went away/)
    await lacks(blobs, blob)
    const { info, bytes } = await put(blobs, blob)
    await assert.rejects(failed, /the sender went away/)
    await holds(blobs, info, bytes)
  },

  async 'that are still coming are not seen, and a process that ended leaves none half-written'(open) {
    const { blobs } = open
    const blob = blobOf(newId())
    const kept = await put(blobs, blobOf(blob.clientId))
    let go: () => void = () => undefined
    const wait = new Promise<void>((resolve) => {
      go = resolve
    })
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield randomBytes(MANY_BYTES)
      await wait
      throw new Error('killed')
    }
    const writing = blobs.put(blob, slow())
    writing.catch(() => undefined)
    await lacks(blobs, blob)
    const again = await open.reopen()
    await lacks(again, blob)
    same(await list(again, 10), [kept.info])
    go()
    await assert.rejects(writing)
    await again.sweep(new Date(Date.now() + 1000))
    await holds(again, kept.info, kept.bytes)
    same(await list(again, 10), [kept.info])
  },

  async 'are there after a restart'(open) {
    const { info, bytes } = await put(open.blobs, blobOf(newId(), { conversationId: newId() }))
    const again = await open.reopen()
    await holds(again, info, bytes)
    await again.removeAll(info)
    await lacks(again, info)
  },

  async 'are listed in order of client and id, in pages of any size'({ blobs }) {
    const clients = [newId(), newId(), newId()]
    const made = await atOnce(7, (n) => put(blobs, blobOf(clients[n % 3] as Id)))
    const key = ({ clientId, id }: NewBlob): string => `${clientId} ${id}`
    const expected = made.map(({ info }) => info).sort((a, b) => (key(a) < key(b) ? -1 : 1))
    for (const limit of [1, 2, 3, 7, 100]) same(await list(blobs, limit), expected)
  },
}
