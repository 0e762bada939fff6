import { type Id, isPlugboardError } from '@plugboard/core'
import type { Accounts } from './accounts.js'
import type { Conversations } from './conversations.js'
import type { ClientView } from './directory.js'
import type { Look } from './format.js'
import type { Store } from './store.js'
import type { Users } from './users.js'

/** Looks up, for the webhooks of a client, what their events tell of. */
export function lookFor(
  client: ClientView,
  {
    store,
    users,
    conversations,
    accounts,
  }: { store: Store; users: Users; conversations: Conversations; accounts: Accounts },
): Look {
  return {
    conversation: (id: Id) => there(conversations.view(client, id)),
    user: (id: Id) => there(users.view(client, id)),
    message: (id: Id) => store.findEntry(client.id, id),
    messages: async (conversationId: Id, limit: number) =>
      (await store.listMessages(client.id, conversationId, { limit })) ?? [],
    person: (id: Id) => accounts.findPerson({ id }),
  }
}

async function there<T>(looked: Promise<T>): Promise<T | undefined> {
  try {
    return await looked
  } catch (error) {
    if (isPlugboardError(error) && error.code === 'NOT_FOUND') return undefined
    throw error
  }
}
