import { newId } from '@plugboard/core'
import type { ClientRecord, Sealed, WebhookRecord } from '../ports/client-record.js'
import type { Store } from '../ports/store.js'
import { NO_CLIENT } from '../ports/stored-document.js'

/** Clients as they were before it was a setting whether they accept guests, each with whether it does from then on. */
export async function clientsBeforeGuests(store: Store): Promise<Map<ClientRecord, boolean>> {
  const make = async (name: string, fields: Partial<ClientRecord> = {}) => {
    const times = { version: 1, createdAt: new Date() }
    const client = { id: newId(), name, ...times, tokens: [], integrations: [], webhooks: [], ...fields }
    await store.insertClient(client)
    return client
  }
  const documentOf = { version: 1, terms: [], data: '{}' }
  const [bot, asked, owned, visited] = [
    await make('a bot'),
    await make('with a subscription', { webhooks: [webhookOf('messaging-v1'), webhookOf('smartify')] }),
    await make('of a person'),
    await make('with a guest'),
  ]
  const keyed = await make('with a key')
  await store.insertDocument({
    ...{ ...documentOf, clientId: visited.id, collection: 'user', id: newId(), name: 'smartify a-guest' },
  })
  await store.insertDocument({
    ...{ ...documentOf, clientId: bot.id, collection: 'user', id: newId(), name: 'sunshine-v2 smartify' },
  })
  for (const [kind, { id: clientId }] of [
    ['person', owned],
    ['key', keyed],
  ] as const)
    await store.insertDocument({
      ...{ ...documentOf, clientId: NO_CLIENT, collection: 'account', id: newId() },
      terms: [`client ${clientId}`],
      data: JSON.stringify({ kind, clientId, ...(kind === 'person' && { memberships: [{ clientId }] }) }),
    })
  return new Map([
    [bot, false],
    [asked, true],
    [owned, true],
    [visited, true],
    [keyed, false],
  ])
}

const webhookOf = (format: string): WebhookRecord => ({
  ...{ id: newId(), url: 'https://bot.example/', token: 'v1.sealed' as Sealed, format },
})
