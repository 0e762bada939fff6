import type { Session } from '../api/wire.js'
import { at } from '../route/location.js'
import type { IconName } from '../ui/icon.js'
import type { Destination } from './shortcuts.js'

export interface NavItem extends Destination {
  icon: IconName
}

/** What concerns the whole server, then what concerns one client. */
export interface Navigation {
  server: readonly NavItem[]
  client: readonly NavItem[]
  administration: readonly NavItem[]
}

/** The pages that somebody may open. */
export function navigationOf({ actor }: Session, clientId: string | undefined): Navigation {
  const isTenant = actor.kind === 'tenant'
  // Without a client, one is chosen first.
  const of = (...parts: string[]) =>
    clientId === undefined ? at('clients') : at('clients', clientId, ...parts)
  return {
    server: [
      { key: 'o', label: 'Overview', icon: 'overview', href: at() },
      ...(isTenant ? [] : [{ key: 'l', label: 'Clients', icon: 'client' as const, href: at('clients') }]),
      { key: 'v', label: 'Live', icon: 'live', href: at('live') },
    ],
    client: [
      { key: 'c', label: 'Conversations', icon: 'talk', href: of('conversations') },
      { key: 'd', label: 'Deliveries', icon: 'delivery', href: of('deliveries') },
      { key: 'h', label: 'Channels', icon: 'channel', href: of('channels') },
      { key: 'w', label: 'Webhooks', icon: 'webhook', href: of('webhooks') },
      { key: 'p', label: 'People', icon: 'person', href: of('people') },
    ],
    administration:
      isTenant || actor.role !== 'admin'
        ? []
        : [
            { key: 'a', label: 'Audit log', icon: 'audit', href: at('audit') },
            { key: 't', label: 'Operators', icon: 'operator', href: at('operators') },
            { key: 'k', label: 'API keys', icon: 'key', href: at('keys') },
            { key: 'n', label: 'Owners', icon: 'owner', href: at('owners') },
            { key: 's', label: 'Settings', icon: 'settings', href: at('settings') },
          ],
  }
}
