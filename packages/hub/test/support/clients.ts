import { type Id, newId, PlugboardError } from '@plugboard/core'
import { Keyring } from '../../src/clients/keyring.js'
import type { ClientRecord, IntegrationRecord, WebhookRecord } from '../../src/ports/client-record.js'
import type { Store } from '../../src/ports/store.js'

export const keyring = new Keyring(new Uint8Array(32).fill(7))

/** The part of a store that a test needs. */
export const storeOf = (part: Partial<Store>): Store => part as Store

export function recordOf(fields: Partial<ClientRecord> = {}): ClientRecord {
  const lists = { tokens: [], integrations: [], webhooks: [] }
  return { id: newId(), version: 1, createdAt: new Date(), ...lists, ...fields }
}

export const webhookOf = (clientId: Id, url: string, format = 'test'): WebhookRecord => ({
  ...{ id: newId(), url, format },
  token: keyring.seal(`token of ${url}`, clientId),
})

export const integrationOf = (clientId: Id, config: object = {}): IntegrationRecord => ({
  ...{ id: newId(), channel: 'acme', version: '1.0.0', status: 'active' },
  config: keyring.seal(JSON.stringify(config), clientId),
})

type ClientStore = Pick<Store, 'insertClient' | 'findClient' | 'replaceClient'>

/** Clients in memory. Each call is answered in its own turn of the event loop. */
export class MemoryClients implements ClientStore {
  readonly records = new Map<Id, ClientRecord>()

  constructor(...records: ClientRecord[]) {
    for (const record of records) this.records.set(record.id, record)
  }

  async insertClient(client: ClientRecord): Promise<void> {
    await turn()
    if (this.records.has(client.id)) throw new PlugboardError('CONFLICT', 'the id is taken')
    this.records.set(client.id, client)
  }

  async findClient(by: Parameters<Store['findClient']>[0]): Promise<ClientRecord | undefined> {
    const record = [...this.records.values()].find((record) =>
      Object.entries(by).every(([key, value]) => record[key as 'id' | 'name' | 'externalId'] === value),
    )
    await turn()
    return record
  }

  async replaceClient(client: ClientRecord): Promise<boolean> {
    await turn()
    if (this.records.get(client.id)?.version !== client.version - 1) return false
    this.records.set(client.id, client)
    return true
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
