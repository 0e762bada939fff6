import { isId, PlugboardError } from '@plugboard/core'
import type { Account, ClientView, Hub, WithId } from '@plugboard/hub'
import { z } from 'zod'
import { namedClient } from './map.js'

const PAGE = 100
const MAX_PAGE = 1000

/** A page of an operator's list. `after`: the cursor of the page before. */
export const adminPage = {
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).optional(),
  after: z.string().max(MAX_PAGE).optional(),
}

/** The cursor of the next page; absent after the last one. */
export const nextPage = {
  after: z.string().optional().meta({ description: 'Cursor of the next page; absent after the last one' }),
}

/** One page of accounts, of which `select` takes some. A page with fewer than `limit` items may not be the last one. */
export async function pageOfAccounts<T>(
  hub: Hub,
  {
    limit = PAGE,
    after,
    client,
  }: { limit?: number | undefined; after?: string | undefined; client?: ClientView | undefined },
  select: (account: WithId<Account>) => T | undefined,
): Promise<{ items: T[]; after?: string }> {
  if (after !== undefined && !isId(after)) throw new PlugboardError('NOT_FOUND', 'Not Found')
  const page = await hub.accounts.list({ limit, clientId: client?.id, ...(after !== undefined && { after }) })
  const last = page.at(-1)
  return {
    items: page.flatMap((account) => select(account) ?? []),
    ...(last && page.length === limit && { after: last.id }),
  }
}

/** The client with this id in any of the APIs. @throws NOT_FOUND */
export async function existingClient(hub: Hub, wireId: string, what = 'client'): Promise<ClientView> {
  const client = await hub.clients.find(namedClient(wireId))
  if (!client) throw new PlugboardError('NOT_FOUND', `${what} not found`)
  return client
}
