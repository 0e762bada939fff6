import { useEffect } from 'preact/hooks'
import { useQuery } from '../api/query.js'
import type { Client, ClientDetails } from '../api/wire.js'
import { kept } from '../browser-storage.js'
import { match } from '../route/pattern.js'
import { short } from '../ui/short.js'
import { useSession } from './session.js'

/** The client that the pages are about: that of the address, that of the link, or the last one. */
export function useScope(path: string): string | undefined {
  const { actor } = useSession()
  const named = match('clients/:id', path.split('/').slice(0, 2).join('/'))?.id
  const scope = actor.clientId ?? named ?? kept.get(KEPT)
  const { error } = useClient(scope)
  const isGone = error?.status === 404
  useEffect(() => {
    if (actor.clientId === undefined && named !== undefined) kept.set(KEPT, isGone ? undefined : named)
    else if (isGone) kept.set(KEPT, undefined)
  }, [actor.clientId, named, isGone])
  return isGone && named === undefined ? undefined : scope
}

const KEPT = 'client'

/** A client, for its name. */
export const useClient = (id: string | undefined) =>
  useQuery<ClientDetails>(id === undefined ? undefined : `clients/${encodeURIComponent(id)}`)

/** What the newest clients are called, by their ids. `isWanted: false`: no request. */
export function useClientNames(isWanted = true): ReadonlyMap<string, string> {
  const { data } = useQuery<{ items: Client[] }>(isWanted ? 'clients?limit=200' : undefined)
  return new Map(data?.items.map((client) => [client.id, nameOf(client)]))
}

/** What a client is called. */
export const nameOf = ({ displayName, name, id }: Pick<Client, 'id' | 'name' | 'displayName'>): string =>
  displayName ?? name ?? `Client ${short(id)}`
