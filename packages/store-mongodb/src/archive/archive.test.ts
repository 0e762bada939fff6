import { type Id, newId } from '@plugboard/core'
import type { ArchivedStore, ArchiveRecord } from '@plugboard/hub'
import { createConnection, mongo } from 'mongoose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dropDatabase, hasServer, newDatabaseUrl } from '../../test/database.js'
import { mapping, say, talk, target } from '../../test/scene.js'
import { openMongoStore } from '../index.js'

/** A store, and its collections as they are. */
async function open() {
  const url = newDatabaseUrl()
  const store = await openMongoStore({ url })
  const connection = await createConnection(url).asPromise()
  onTestFinished(async () => {
    await connection.close()
    await store.close()
    await dropDatabase(url)
  })
  return { store, of: (collection: string) => connection.collection(collection) }
}

async function recordsOf<K extends ArchiveRecord['kind']>(store: ArchivedStore, kind: K) {
  const all: ArchiveRecord[] = []
  for await (const { records } of store.archive.read()) all.push(...records)
  return all.filter((record): record is Extract<ArchiveRecord, { kind: K }> => record.kind === kind)
}

const oid = (id: Id) => mongo.ObjectId.createFromHexString(id)

describe.runIf(hasServer)('what a crash left half-made', () => {
  test('is completed before it is read: an entry that its stream has kept, and a number that nobody used', async () => {
    const { store, of } = await open()
    const stream = await talk(store)
    const streamId = oid(stream.streamId)
    const { entry: kept } = await say(store, stream, { owes: [target()] })
    const { entry: lost } = await say(store, stream)
    await of('entries').deleteMany({ streamId, seq: { $in: [1, lost.seq] } })
    const entries = (await recordsOf(store, 'entry')).filter((entry) => entry.streamId === stream.streamId)
    const bySeq = entries.sort((a, b) => a.seq - b.seq)
    expect(bySeq.map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'conversation.new'],
      [2, 'message'],
      [3, 'void'],
    ])
    expect(bySeq[2]?.at).toEqual(kept.at)
    expect((await store.archive.count()).entry).toBe((await recordsOf(store, 'entry')).length)
    expect((await store.readEntries(stream, 0, 10)).length).toBe(3)
  })

  test('is left out where it leads nowhere: a sender whose user was never made', async () => {
    const { store, of } = await open()
    const clientId = newId()
    const { userId } = await store.mapEndpoint(mapping(clientId))
    await of('addresses').insertOne({
      ...{
        clientId: oid(clientId),
        address: '["else","bot","telegram",false]',
        userId: oid(newId()),
        check: 'new',
      },
    })
    await of('addresses').updateMany({ userId: oid(userId) }, { $set: { check: 'new' } })
    const senders = await recordsOf(store, 'sender')
    expect(senders.map((sender) => [sender.sender, sender.userId])).toEqual([['someone', userId]])
    expect((await store.archive.count()).sender).toBe(1)
  })

  test('is not brought back of what is being purged', async () => {
    const { store, of } = await open()
    const stream = await talk(store)
    const event = { id: newId(), type: 'conversation.deleted', payload: '{}', at: new Date() } as const
    await store.deleteConversation(stream.clientId, stream.streamId, { ...event, owes: [], claim: false })
    await of('entries').deleteMany({ streamId: oid(stream.streamId) })
    const entries = await recordsOf(store, 'entry')
    expect(entries.filter((entry) => entry.streamId === stream.streamId)).toEqual([])
  })
})

describe.runIf(hasServer)('a stream that was copied', () => {
  test('begins as it did for who makes it again, although it keeps no entry in itself', async () => {
    const [{ store }, { store: copy }] = [await open(), await open()]
    const stream = await talk(store)
    for await (const { records } of store.archive.read()) await copy.archive.write(records)
    const { clientId, userId, streamId: id } = stream
    const [first] = await store.readEntries(stream, 0, 1)
    const event = { id: newId(), type: 'conversation.new', payload: '[]', at: new Date() } as const
    const conversation = { id, clientId, userId, createdAt: new Date() }
    const again = await copy.createConversation(conversation, { ...event, owes: [], claim: false })
    expect(again).toMatchObject({ duplicate: true, entry: first })
  })
})
