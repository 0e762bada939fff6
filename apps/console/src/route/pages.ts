import type { ComponentType } from 'preact'
import type { Role } from '../api/wire.js'
import { IntegrationPage } from '../pages/channels/integration.js'
import { NewChannelPage } from '../pages/channels/new.js'
import { ChannelsPage } from '../pages/channels/page.js'
import { ClientPage } from '../pages/clients/client.js'
import { ClientsPage } from '../pages/clients/page.js'
import { ConversationPage } from '../pages/conversations/conversation.js'
import { ConversationsPage } from '../pages/conversations/page.js'
import { DeliveriesPage } from '../pages/deliveries/page.js'
import { LivePage } from '../pages/live/page.js'
import { OverviewPage } from '../pages/overview/page.js'
import { PeoplePage } from '../pages/people/page.js'
import { PersonPage } from '../pages/people/person.js'
import { AccountPage } from '../pages/server/account.js'
import { AuditPage } from '../pages/server/audit.js'
import { KeysPage } from '../pages/server/keys.js'
import { OperatorsPage } from '../pages/server/operators.js'
import { OwnersPage } from '../pages/server/owners.js'
import { SettingsPage } from '../pages/server/settings.js'
import { StartPage } from '../pages/start/page.js'
import { WebhooksPage } from '../pages/webhooks/page.js'
import type { PageParams, PageProps } from './page-props.js'
import { match } from './pattern.js'

/** Pages by their paths, and the role that a page needs which is of no use without it. */
const pages: readonly (readonly [string, ComponentType<PageProps>, Role?])[] = [
  ['', OverviewPage],
  ['live', LivePage],
  ['start', StartPage, 'admin'],
  ['clients', ClientsPage],
  ['clients/:clientId', ClientPage],
  ['clients/:clientId/conversations', ConversationsPage],
  ['clients/:clientId/conversations/:id', ConversationPage],
  ['clients/:clientId/live', LivePage],
  ['clients/:clientId/deliveries', DeliveriesPage],
  ['clients/:clientId/channels', ChannelsPage],
  ['clients/:clientId/channels/new', NewChannelPage, 'admin'],
  ['clients/:clientId/channels/:id', IntegrationPage],
  ['clients/:clientId/webhooks', WebhooksPage],
  ['clients/:clientId/people', PeoplePage],
  ['clients/:clientId/people/:id', PersonPage],
  ['account', AccountPage],
  ['audit', AuditPage, 'admin'],
  ['keys', KeysPage, 'admin'],
  ['operators', OperatorsPage, 'admin'],
  ['owners', OwnersPage, 'admin'],
  ['settings', SettingsPage, 'admin'],
]

export interface FoundPage {
  Component: ComponentType<PageProps>
  params: PageParams
  role: Role
}

/** The page of a path, or undefined if there is none. */
export function findPage(path: string): FoundPage | undefined {
  for (const [pattern, Component, role = 'viewer'] of pages) {
    const params = match(pattern, path)
    if (params) return { Component, params, role }
  }
  return undefined
}
