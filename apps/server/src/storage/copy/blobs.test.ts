import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Id, newId } from '@plugboard/core'
import { expect, onTestFinished, test } from 'vitest'
import { openBlobs } from '../open-blobs.js'
import { copyBlobs } from './blobs.js'
import type { CopiedBlobs } from './mark.js'

const FROM = 'file:from.db'
const TO = 'file:to.db'

async function* bytes(text: string) {
  yield Buffer.from(text)
}

/** A folder with a database that has this many files. */
async function prepare(count: number) {
  const workingFolder = await mkdtemp(join(tmpdir(), 'plugboard-copy-blobs-'))
  onTestFinished(() => rm(workingFolder, { recursive: true }))
  const from = await openBlobs({ workingFolder, databaseUrl: FROM })
  const clients = [newId(), newId()]
  for (let i = 0; i < count; i += 1) {
    const blob = { clientId: clients[i % 2] as Id, id: newId(), type: 'text/plain', name: `${i}.txt` }
    await from.put(blob, bytes(`file ${i}`))
  }
  return { workingFolder, from, to: await openBlobs({ workingFolder, databaseUrl: TO }) }
}

const saved: CopiedBlobs[] = []
const save = async (copied: CopiedBlobs) => void saved.push(copied)

test('copies every file, and goes on where it was cut off', async () => {
  const { workingFolder, from, to } = await prepare(230)
  const places = { workingFolder, from: FROM, to: TO }
  let left = 1
  const cutOff = async (copied: CopiedBlobs) => {
    await save(copied)
    left -= 1
    if (left < 0) throw new Error('cut off')
  }
  await expect(copyBlobs(places, { count: 0 }, cutOff)).rejects.toThrow('cut off')
  expect(await to.list({ limit: 1000 })).toHaveLength(200)
  const { count } = await copyBlobs(places, saved.at(-1) as CopiedBlobs, save)
  expect(count).toBe(230)
  const all = await from.list({ limit: 1000 })
  expect(await to.list({ limit: 1000 })).toEqual(all)
  const { clientId, id, name } = all[7] as (typeof all)[number]
  const text: string[] = []
  for await (const piece of (await to.open(clientId, id))?.body ?? [])
    text.push(Buffer.from(piece).toString())
  expect(text).toEqual([`file ${Number.parseInt(name ?? '', 10)}`])
})

test('leaves them where they are when both databases have one folder', async () => {
  const { workingFolder, to } = await prepare(3)
  const places = { workingFolder, blobPath: 'from.db.blobs', from: FROM, to: TO }
  expect(await copyBlobs(places, { count: 0 }, save)).toMatchObject({ count: 3 })
  expect(await to.list({ limit: 10 })).toEqual([])
})
