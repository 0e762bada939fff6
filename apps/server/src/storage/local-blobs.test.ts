import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Id, newId } from '@plugboard/core'
import { blobSuite } from '@plugboard/hub/testing'
import { expect, test } from 'vitest'
import { localBlobs } from './local-blobs.js'

async function create() {
  const path = await mkdtemp(join(tmpdir(), 'plugboard-blobs-'))
  return {
    path,
    blobs: await localBlobs({ path }),
    reopen: () => localBlobs({ path }),
    close: () => rm(path, { recursive: true }),
  }
}

for (const { name, run } of blobSuite({ name: 'local', create })) test(name, run)

async function* bytes(text: string) {
  yield Buffer.from(text)
}

test('sweeps what was left half-written, once it is old', async () => {
  const { path, blobs, close } = await create()
  await writeFile(join(path, '.tmp', 'left'), 'half')
  await blobs.sweep(new Date(Date.now() - 60_000))
  expect(await readdir(join(path, '.tmp'))).toEqual(['left'])
  await blobs.sweep(new Date(Date.now() + 1000))
  expect(await readdir(join(path, '.tmp'))).toEqual([])
  await close()
})

test('lets a blob go with its conversation whose process ended between the mark and the blob', async () => {
  const { path, blobs, close } = await create()
  const [clientId, conversationId, id] = [newId(), newId(), newId()]
  const marks = join(path, clientId, '.conversations', conversationId)
  await mkdir(marks, { recursive: true })
  await writeFile(join(marks, id), '')
  await blobs.removeAll({ clientId, conversationId })
  expect(await readdir(join(path, clientId, '.conversations'))).toEqual([])
  await close()
})

test('opens no file by a name that is no id', async () => {
  const { blobs, close } = await create()
  const blob = { clientId: newId(), id: '../../etc/passwd' as Id, type: 'text/plain' }
  await expect(blobs.put(blob, bytes('x'))).rejects.toThrow('ids')
  await expect(blobs.open(blob.clientId, blob.id)).rejects.toThrow('ids')
  await close()
})

test('makes every file and folder for its owner alone, whatever the umask', async () => {
  const umask = process.umask(0)
  const { path, blobs, close } = await create()
  try {
    const of = { clientId: newId(), conversationId: newId(), id: newId() }
    await blobs.put({ ...of, type: 'text/plain' }, bytes('x'))
    const names = await readdir(path, { recursive: true })
    expect(names).toHaveLength(6)
    for (const name of names) expect([name, (await stat(join(path, name))).mode & 0o077]).toEqual([name, 0])
  } finally {
    process.umask(umask)
    await close()
  }
})
