import { type Id, newId } from '@plugboard/core'
import { createConnection } from 'mongoose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dropDatabase, hasServer, newDatabaseUrl, openStore } from '../test/database.js'
import { event, mapping } from '../test/scene.js'

/** A store with one endpoint that is mapped, and its collections as they are. */
async function mapped() {
  const url = newDatabaseUrl()
  const store = await openStore({ url })
  const connection = await createConnection(url).asPromise()
  onTestFinished(async () => {
    await connection.close()
    await dropDatabase(url)
  })
  const clientId = newId()
  const map = () => store.mapEndpoint(mapping(clientId))
  const of = (collection: string) => connection.collection(collection)
  const oid = (id: Id) => new connection.base.Types.ObjectId(id)
  const mark = (check: 'new' | 'end') => of('addresses').updateMany({}, { $set: { check } })
  return { store, clientId, map, of, oid, mark, first: await map() }
}

describe.runIf(hasServer)('the deletion of a user by a process that died', () => {
  test('has not happened where only its addresses are marked', async () => {
    const { store, clientId, map, mark, first } = await mapped()
    await mark('end')
    expect(await map()).toEqual({ ...first, appended: [] })
    expect(await store.findUser(clientId, first.userId)).toBeDefined()
  })

  test('has happened once the user reads as deleted, also where an address is left', async () => {
    const { store, clientId, map, mark, of, oid, first } = await mapped()
    await mark('end')
    await of('streams').updateOne({ _id: oid(first.userId) }, { $set: { deletedAt: new Date() } })
    const second = await map()
    expect(second.userId).not.toBe(first.userId)
    expect(second.appended.map(({ entry }) => entry.type)).toEqual(['user.new', 'conversation.new'])
    expect(await map()).toEqual({ ...second, appended: [] })
    expect(await store.findUser(clientId, second.userId)).toBeDefined()
  })

  test('is ended by who deletes it again, and by the purge', async () => {
    const { store, clientId, of, oid, first } = await mapped()
    const left = await of('addresses').find({}).toArray()
    expect(await store.deleteUser(clientId, first.userId, event('user.deleted'))).toBeDefined()
    const ofUser = { userId: oid(first.userId) }
    await of('addresses').insertMany(left)
    expect(await store.deleteUser(clientId, first.userId, event('user.deleted'))).toBeUndefined()
    expect(await of('addresses').countDocuments(ofUser)).toBe(0)
    await of('addresses').insertMany(left)
    await store.purgeDeleted(100)
    expect(await of('addresses').countDocuments(ofUser)).toBe(0)
  })
})

describe.runIf(hasServer)('the removal of an endpoint by a process that died', () => {
  test('has not happened where only its address is marked', async () => {
    const { map, mark, first } = await mapped()
    await mark('end')
    expect(await map()).toEqual({ ...first, appended: [] })
  })

  test('has happened once the conversation has it no more, also where its address is left', async () => {
    const { map, mark, of, oid, first } = await mapped()
    await mark('end')
    await of('streams').updateOne({ _id: oid(first.conversationId) }, { $set: { endpoints: [] } })
    const second = await map()
    expect([second.userId, second.conversationId === first.conversationId]).toEqual([first.userId, false])
    expect(await map()).toEqual({ ...second, appended: [] })
  })
})
