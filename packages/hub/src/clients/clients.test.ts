import type { Id } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring, recordOf } from '../../test/support/clients.js'
import { clientFacts } from '../documents/facts.js'
import type { Range } from '../log/page.js'
import { memoryDatabase } from '../testing/memory-store.js'
import { Accounts } from './accounts.js'
import { Clients } from './clients.js'
import { Directory } from './directory.js'

test('the keys of a client are deleted immediately with it, and people stay without it', async () => {
  const { clients, accounts, ids } = await setUp(2)
  const [mine, theirs] = ids
  await accounts.createKey({ scope: 'app', clientId: mine, displayName: 'mine' })
  await accounts.createKey({ scope: 'app', clientId: theirs, displayName: 'theirs' })
  const person = await accounts.createPerson({
    ...{ email: 'ann@example.org', passwordHash: 'hash' },
    memberships: [
      { clientId: mine, role: 'owner' },
      { clientId: theirs, role: 'agent' },
    ],
  })
  await clients.delete(mine)
  expect(await accounts.listKeys({ clientId: mine })).toEqual([])
  expect(await accounts.listKeys({ clientId: theirs })).toHaveLength(1)
  expect((await accounts.findPerson({ id: person.id }))?.memberships).toEqual([
    { clientId: theirs, role: 'agent' },
  ])
})

test('they go with the purge, where the process ended that deleted it', async () => {
  const { clients, accounts, ids, store } = await setUp(1)
  const [id] = ids
  await accounts.createKey({ scope: 'app', clientId: id, displayName: 'mine' })
  const record = await store.findClient({ id })
  if (record) await store.replaceClient({ ...record, version: 2, deletedAt: new Date() })
  await clients.purge()
  expect(await accounts.listKeys({ clientId: id })).toEqual([])
  expect(await store.listClients({ limit: 10 })).toEqual([])
})

test('those that were deleted are left out of a list, whichever way it goes, and pages stay full', async () => {
  const { clients, ids } = await setUp(7)
  for (const index of [1, 2, 5]) await clients.delete(ids[index] as Id)
  const left = ids.filter((_, index) => ![1, 2, 5].includes(index))
  const list = async (range: Omit<Range, 'limit'>, limit: number) =>
    (await clients.list({ ...range, limit })).map(({ id }) => id)
  expect(await list({}, 10)).toEqual(left)
  expect(await list({}, 2)).toEqual(left.slice(0, 2))
  expect(await list({ fromEnd: true }, 3)).toEqual(left.slice(1))
  expect(await list({ before: ids[5] as Id, fromEnd: true }, 2)).toEqual([ids[3], ids[4]])
  expect(await list({ after: ids[0] as Id }, 1)).toEqual([ids[3]])
})

test('a client has at most twenty tokens, even with concurrent requests', async () => {
  const { clients, store, ids } = await setUp(1)
  const [id] = ids
  for (let i = 0; i < 15; i += 1) await clients.addToken(id)
  const asked = await Promise.allSettled(Array.from({ length: 10 }, () => clients.addToken(id)))
  const refused = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  const { tokens = [] } = (await store.findClient({ id })) ?? {}
  expect(tokens).toHaveLength(20)
  for (const reason of refused) expect(reason).toMatchObject({ code: 'CONFLICT' })
  expect(String(refused[0])).toContain('at most 20 tokens')
  await clients.revokeToken(id, tokens[0]?.id as Id)
  await clients.addToken(id)
  await expect(clients.addToken(id)).rejects.toMatchObject({ code: 'CONFLICT' })
})

/** So many clients. */
async function setUp(count: number) {
  const made = Array.from({ length: count }, () => recordOf())
  const store = memoryDatabase().open()
  for (const record of made) await store.insertClient(record)
  const now = (): Date => new Date()
  const directory = new Directory({ store, keyring, maxClients: 10, maxAgeMs: 0, changed: async () => {} })
  const accounts = new Accounts({ store, keyring, now, maxCached: 10, maxAgeMs: 0 })
  const attachments = { removeOf: async () => undefined }
  const clients = new Clients({ store, facts: clientFacts(store), directory, accounts, attachments, now })
  return { clients, accounts, store, ids: made.map(({ id }) => id) as [Id, Id, ...Id[]] }
}
