import { isPlugboardError, newId } from '@plugboard/core'
import { clientsBeforeGuests } from '@plugboard/hub/testing'
import { createConnection, Types } from 'mongoose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dropDatabase, hasServer, newDatabaseUrl } from '../../test/database.js'
import { event, mapping, say, talk, target } from '../../test/scene.js'
import { openMongoStore } from '../index.js'
import { indexes, STREAM_LISTS, versions } from './indexes.js'

/** A database as the first version of the schema left it, with what somebody made. */
async function ofTheFirst() {
  const url = newDatabaseUrl()
  onTestFinished(() => dropDatabase(url))
  const store = await openMongoStore({ url })
  const stream = await talk(store)
  await say(store, stream)
  const mapped = await store.mapEndpoint(mapping(stream.clientId))
  await store.close()
  const connection = await createConnection(url).asPromise()
  const [first, ...later] = versions
  for (const [name, added] of later.flatMap((version) => Object.entries(version))) {
    const collection = connection.collection(name)
    if (first && name in first) for (const [index] of added) await collection.dropIndex(index)
    else await collection.drop()
  }
  for (const [index] of STREAM_LISTS) await connection.collection('streams').dropIndex(index)
  await connection.collection('streams').createIndex({ clientId: 1, nextAt: 1 }, { name: 'due_of_client' })
  await connection.collection('streams').updateMany({}, { $unset: { activeAt: 1 } })
  await connection.collection<{ _id: string }>('schema').deleteOne({ _id: 'lists' })
  const schema = connection.collection<{ _id: string }>('schema')
  await schema.updateOne({ _id: 'schema' }, { $set: { version: 1 } })
  await connection.close()
  return { url, stream, mapped }
}

describe.runIf(hasServer)('a database of the second version', () => {
  test('is brought up, and accepts guests where there are some or people want them', async () => {
    const url = newDatabaseUrl()
    onTestFinished(() => dropDatabase(url))
    const store = await openMongoStore({ url })
    const clients = await clientsBeforeGuests(store)
    await store.close()
    const connection = await createConnection(url).asPromise()
    const schema = connection.collection<{ _id: string }>('schema')
    await schema.updateOne({ _id: 'schema' }, { $set: { version: 2 } })
    await connection.close()
    const again = await openMongoStore({ url })
    onTestFinished(() => again.close())
    for (const [client, isOn] of clients)
      expect(await again.findClient({ id: client.id })).toEqual({
        ...client,
        ...(isOn && { acceptsGuests: true }),
      })
  })
})

describe.runIf(hasServer)('a database of the first version', () => {
  test('is brought up with what is in it', async () => {
    const { url, stream, mapped } = await ofTheFirst()
    const { clientId, streamId, userId } = stream
    await expect(openMongoStore({ url, migrate: false })).rejects.toThrow(/not up to date/)
    const store = await openMongoStore({ url })
    onTestFinished(() => store.close())
    const walked = await store.walkConversations(clientId, { limit: 10 })
    expect(walked.map(({ id, seq }) => [id, seq])).toEqual([
      [streamId, 2],
      [mapped.conversationId, 1],
    ])
    expect((await store.walkConversations(clientId, { limit: 10, userId })).length).toBe(1)
    expect(await store.countMessages(clientId, streamId, { after: 0, limit: 10 })).toBe(1)
    const document = { clientId, collection: 'user', id: newId(), name: 'ann', version: 1, data: '{}' }
    expect(await store.insertDocument({ ...document, terms: [] })).toBe(true)
    expect(await store.insertDocument({ ...document, id: newId(), terms: [] })).toBe(false)
    await store.deleteUser(clientId, mapped.userId, event('user.deleted'))
    expect((await store.mapEndpoint(mapping(clientId))).appended.length).toBe(2)
  })

  test('has the lists of what is in it soon, and says so until then', async () => {
    const { url, stream, mapped } = await ofTheFirst()
    const { clientId, streamId } = stream
    const to = target()
    const connection = await createConnection(url).asPromise()
    const at = new Date()
    const dead = { [to]: { reason: 'gone', attempts: 1, at, label: 'url', channel: 'telegram' } }
    await connection.collection('clients').insertOne({ _id: new Types.ObjectId(clientId), version: 1 })
    const entry = await connection
      .collection('entries')
      .findOneAndUpdate(
        { streamId: new Types.ObjectId(streamId), type: 'message' },
        { $set: { dead, isDead: true } },
      )
    await connection.close()
    const store = await openMongoStore({ url })
    onTestFinished(() => store.close())
    const ids = async (page: { channel?: string }) => {
      const listed = await store.recentConversations(clientId, { limit: 10, ...page }).catch((error) => {
        expect(isPlugboardError(error, 'UNAVAILABLE'), String(error)).toBe(true)
        return []
      })
      return listed.map(({ id }) => id)
    }
    const isWhole = { timeout: 20_000 }
    await expect.poll(() => ids({}), isWhole).toEqual([mapped.conversationId, streamId])
    expect(await ids({ channel: 'telegram' })).toEqual([mapped.conversationId])
    const found = async () => (await store.findDead(clientId, { channel: 'telegram', limit: 10 })).letters
    await expect
      .poll(async () => (await found()).map((letter) => letter.entry.id), isWhole)
      .toEqual([entry?._id.toHexString()])
  })

  test('has the indexes of the newest soon, without those that they replace', async () => {
    const { url } = await ofTheFirst()
    const store = await openMongoStore({ url })
    onTestFinished(() => store.close())
    const connection = await createConnection(url).asPromise()
    onTestFinished(() => connection.close())
    for (const [name, declared] of Object.entries(indexes)) {
      const found = async () =>
        (await connection.collection(name).indexes()).map((index) => index.name).sort()
      await expect.poll(found).toEqual(['_id_', ...declared.map(([index]) => index)].sort())
    }
  })
})

describe.runIf(hasServer)('a database whose lists are whole', () => {
  test('gets the indexes of lists that came later, while the lists are there', async () => {
    const url = newDatabaseUrl()
    onTestFinished(() => dropDatabase(url))
    const first = await openMongoStore({ url })
    const { clientId, streamId } = await talk(first)
    await first.close()
    const connection = await createConnection(url).asPromise()
    onTestFinished(() => connection.close())
    const streams = connection.collection('streams')
    await streams.dropIndex('owing')
    await streams.createIndex({ clientId: 1, nextAt: 1 }, { name: 'due_of_client' })
    const schema = connection.collection<{ _id: string }>('schema')
    await schema.updateOne({ _id: 'schema' }, { $set: { version: 8 } })
    await schema.updateOne({ _id: 'lists' }, { $unset: { isRenewed: 1 } })
    const store = await openMongoStore({ url })
    onTestFinished(() => store.close())
    const listed = await store.recentConversations(clientId, { limit: 10 })
    expect(listed.map(({ id }) => id)).toEqual([streamId])
    const found = async () => (await streams.indexes()).map((index) => index.name)
    await expect.poll(found).toContain('owing')
    await expect.poll(found).not.toContain('due_of_client')
    await expect
      .poll(() => schema.findOne({ _id: 'lists' }))
      .toMatchObject({ state: 'whole', isRenewed: true })
  })
})
