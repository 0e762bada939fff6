import { type Id, isPlugboardError } from '@plugboard/core'
import type { Accounts } from '../clients/accounts.js'
import type { ClientView } from '../clients/directory.js'
import type { Lookups } from '../delivery/to-webhooks/webhook-format.js'
import type { Entry } from '../log/entry.js'
import { isFull } from '../log/page.js'
import type { Store } from '../ports/store.js'
import type { Conversations } from './conversations.js'
import type { Users } from './users.js'

/** Lookups for webhook events of a client. */
export function lookupsFor(
  client: ClientView,
  {
    store,
    users,
    conversations,
    accounts,
  }: { store: Store; users: Users; conversations: Conversations; accounts: Accounts },
): Lookups {
  return {
    conversation: (id: Id) => there(conversations.view(client, id)),
    user: (id: Id) => there(users.view(client, id)),
    message: (id: Id) => store.findEntry(client.id, id),
    messages: (conversationId: Id, limit: number, maxChars: number) =>
      newest(store, { clientId: client.id, conversationId }, limit, maxChars),
    person: (id: Id) => accounts.findPerson({ id }),
  }
}

/** Messages per read: each may be as large as a request. */
const READ_AT_ONCE = 20

async function newest(
  store: Store,
  { clientId, conversationId }: { clientId: Id; conversationId: Id },
  limit: number,
  maxChars: number,
): Promise<Entry[]> {
  const found: Entry[] = []
  for (let left = maxChars; left > 0 && found.length < limit; ) {
    const before = found.at(-1)?.id
    const page = { limit: Math.min(READ_AT_ONCE, limit - found.length), ...(before && { before }) }
    const read = (await store.listMessages(clientId, conversationId, page)) ?? []
    for (const entry of read) {
      left -= entry.payload.length + (entry.details?.length ?? 0)
      // The newest one in any case.
      if (left >= 0 || found.length === 0) found.push(entry)
      else break
    }
    if (!isFull(read, page.limit)) break
  }
  return found
}

async function there<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked
  } catch (error) {
    if (isPlugboardError(error) && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
