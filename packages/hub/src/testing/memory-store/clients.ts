import { PlugboardError } from '@plugboard/core'
import type { ClientRecord } from '../../ports/client-record.js'
import type { Database, Methods } from './database.js'
import { rangeOf } from './range.js'

export const clientMethods = (database: Database) =>
  ({
    insertClient(client) {
      refuseTaken(database, client)
      if (database.clients.has(client.id)) throw new PlugboardError('CONFLICT', 'this id is taken')
      write(database, client)
    },

    findClient(by) {
      if ('id' in by) return database.clients.get(by.id)
      const clients = [...database.clients.values()]
      return 'name' in by
        ? clients.find(({ name }) => name === by.name)
        : clients.find(({ externalId }) => externalId === by.externalId)
    },

    replaceClient(client) {
      if (database.clients.get(client.id)?.version !== client.version - 1) return false
      refuseTaken(database, client)
      write(database, client)
      return true
    },

    listClients: (range) => rangeOf(database.clients.values(), range),

    findClients(prefix, { limit, after = '' }) {
      const named = [...database.clients.values()].filter(
        ({ name }) => name?.startsWith(prefix) && compare(name, after) > 0,
      )
      return named.sort((a, b) => compare(a.name, b.name)).slice(0, limit)
    },
  }) satisfies Partial<Methods>

const compare = (a = '', b = ''): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

function write(database: Database, client: ClientRecord): void {
  database.clients.set(client.id, structuredClone(client))
  database.announce((watcher) => watcher.clientChanged(client.id))
}

/** @throws CONFLICT when another client has the external id or the name */
function refuseTaken({ clients }: Database, { id, externalId, name }: ClientRecord): void {
  for (const other of clients.values()) {
    if (other.id === id) continue
    if (externalId !== undefined && other.externalId === externalId)
      throw new PlugboardError('CONFLICT', 'this external id is taken')
    if (name !== undefined && other.name === name) throw new PlugboardError('CONFLICT', 'this name is taken')
  }
}
