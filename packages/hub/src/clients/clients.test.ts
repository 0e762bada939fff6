import type { Id } from '@plugboard/core'
import { expect, test } from 'vitest'
import { keyring, MemoryClients, recordOf, storeOf } from '../../test/support/clients.js'
import { MemoryDocuments } from '../../test/support/memory-documents.js'
import { clientFacts } from '../documents/facts.js'
import type { Range } from '../log/page.js'
import { Accounts } from './accounts.js'
import { Clients } from './clients.js'
import { Directory } from './directory.js'

test('the keys of a client go at once when it is deleted, and people stay without it', async () => {
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
  const { clients, accounts, ids, records } = await setUp(1)
  const [id] = ids
  await accounts.createKey({ scope: 'app', clientId: id, displayName: 'mine' })
  const record = records.records.get(id)
  if (record) records.records.set(id, { ...record, deletedAt: new Date() })
  await clients.purge()
  expect(await accounts.listKeys({ clientId: id })).toEqual([])
  expect(records.records.size).toBe(0)
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

test('a client has at most twenty tokens, also when many are asked for at once', async () => {
  const { clients, records, ids } = await setUp(1)
  const [id] = ids
  for (let i = 0; i < 15; i += 1) await clients.addToken(id)
  const asked = await Promise.allSettled(Array.from({ length: 10 }, () => clients.addToken(id)))
  const refused = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
  expect(records.records.get(id)?.tokens).toHaveLength(20)
  for (const reason of refused) expect(reason).toMatchObject({ code: 'CONFLICT' })
  expect(String(refused[0])).toContain('at most 20 tokens')
  const revoked = records.records.get(id)?.tokens[0]?.id as Id
  await clients.revokeToken(id, revoked)
  await clients.addToken(id)
  await expect(clients.addToken(id)).rejects.toMatchObject({ code: 'CONFLICT' })
})

/** So many clients. */
async function setUp(count: number) {
  const made = Array.from({ length: count }, () => recordOf())
  const records = new MemoryClients(...made)
  const store = storeOf({
    findClient: (by) => records.findClient(by),
    replaceClient: (client) => records.replaceClient(client),
    async listClients({ after, before, fromEnd, limit }) {
      const found = [...records.records.values()]
        .filter(({ id }) => (!after || id > after) && (!before || id < before))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      return fromEnd ? found.slice(-limit) : found.slice(0, limit)
    },
    purgeClient: async (id) => records.records.delete(id),
    ...new MemoryDocuments(),
  })
  const now = (): Date => new Date()
  const directory = new Directory({ store, keyring, maxClients: 10, maxAgeMs: 0, changed: async () => {} })
  const accounts = new Accounts({ store, keyring, now, maxCached: 10, maxAgeMs: 0 })
  const attachments = { removeOf: async () => undefined }
  const clients = new Clients({ store, facts: clientFacts(store), directory, accounts, attachments, now })
  return { clients, accounts, records, ids: made.map(({ id }) => id) as [Id, Id, ...Id[]] }
}
