/** Every operation of the published document: what it may be called with, and whether this server has it. */

export type Scope = 'account' | 'app' | 'integration'

/** What paths name, of one app. */
export interface Named {
  appId: string
  conversationId: string
  messageId: string
  userId: string
  integrationId: string
  webhookId: string
  keyId: string
}

export interface Operation {
  id: string
  method: string
  /** With the names of {@link Named} in braces; others are unknown ones. */
  path: string
  /** The scopes that may call it. */
  scopes: readonly Scope[]
  isHere: boolean
}

const APP = '/v2/apps/{appId}'
const CONVERSATION = `${APP}/conversations/{conversationId}`
const INTEGRATION = `${APP}/integrations/{integrationId}`
const USER = `${APP}/users/{userId}`
const SWITCHBOARD = `${APP}/switchboards/{switchboardId}`

const ACCOUNT: readonly Scope[] = ['account']
const OWN_APP: readonly Scope[] = ['account', 'app']
const ALL: readonly Scope[] = ['account', 'app', 'integration']

type Row = readonly [id: string, method: string, path: string, scopes: readonly Scope[]]

const here: readonly Row[] = [
  ['CreateApp', 'POST', '/v2/apps', ACCOUNT],
  ['ListApps', 'GET', '/v2/apps', ACCOUNT],
  ['GetApp', 'GET', APP, OWN_APP],
  ['UpdateApp', 'PATCH', APP, OWN_APP],
  ['CreateAppKey', 'POST', `${APP}/keys`, ACCOUNT],
  ['ListAppKeys', 'GET', `${APP}/keys`, ACCOUNT],
  ['GetAppKey', 'GET', `${APP}/keys/{keyId}`, ACCOUNT],
  ['DeleteAppKey', 'DELETE', `${APP}/keys/{keyId}`, ACCOUNT],
  ['UploadAttachment', 'POST', `${APP}/attachments`, ALL],
  ['DeleteAttachment', 'POST', `${APP}/attachments/remove`, ALL],
  ['CreateConversation', 'POST', `${APP}/conversations`, ALL],
  ['ListConversations', 'GET', `${APP}/conversations`, ALL],
  ['GetConversation', 'GET', CONVERSATION, ALL],
  ['UpdateConversation', 'PATCH', CONVERSATION, ALL],
  ['JoinConversation', 'POST', `${CONVERSATION}/join`, ALL],
  ['ListParticipants', 'GET', `${CONVERSATION}/participants`, ALL],
  ['LeaveConversation', 'POST', `${CONVERSATION}/leave`, ALL],
  ['PostMessage', 'POST', `${CONVERSATION}/messages`, ALL],
  ['ListMessages', 'GET', `${CONVERSATION}/messages`, ALL],
  ['DeleteMessage', 'DELETE', `${CONVERSATION}/messages/{messageId}`, ALL],
  ['DeleteAllMessages', 'DELETE', `${CONVERSATION}/messages`, ALL],
  ['PostActivity', 'POST', `${CONVERSATION}/activity`, ALL],
  ['DownloadMessageRef', 'POST', `${CONVERSATION}/download`, ALL],
  ['DeleteConversation', 'DELETE', CONVERSATION, ALL],
  ['CreateIntegration', 'POST', `${APP}/integrations`, OWN_APP],
  ['ListIntegrations', 'GET', `${APP}/integrations`, OWN_APP],
  ['GetIntegration', 'GET', INTEGRATION, OWN_APP],
  ['UpdateIntegration', 'PATCH', INTEGRATION, OWN_APP],
  ['CreateCustomIntegrationKey', 'POST', `${INTEGRATION}/keys`, OWN_APP],
  ['ListCustomIntegrationKeys', 'GET', `${INTEGRATION}/keys`, OWN_APP],
  ['GetCustomIntegrationKey', 'GET', `${INTEGRATION}/keys/{integrationKeyId}`, OWN_APP],
  ['DeleteCustomIntegrationKey', 'DELETE', `${INTEGRATION}/keys/{integrationKeyId}`, OWN_APP],
  ['CreateWebhook', 'POST', `${INTEGRATION}/webhooks`, ALL],
  ['ListWebhooks', 'GET', `${INTEGRATION}/webhooks`, ALL],
  ['GetWebhook', 'GET', `${INTEGRATION}/webhooks/{webhookId}`, ALL],
  ['UpdateWebhook', 'PATCH', `${INTEGRATION}/webhooks/{webhookId}`, ALL],
  ['DeleteWebhook', 'DELETE', `${INTEGRATION}/webhooks/{webhookId}`, ALL],
  ['DeleteIntegration', 'DELETE', INTEGRATION, OWN_APP],
  ['CreateUser', 'POST', `${APP}/users`, ALL],
  ['ListUsers', 'GET', `${APP}/users`, ALL],
  ['GetUser', 'GET', USER, ALL],
  ['UpdateUser', 'PATCH', USER, ALL],
  ['ListClients', 'GET', `${USER}/clients`, ALL],
  ['RemoveClient', 'DELETE', `${USER}/clients/{clientId}`, ALL],
  ['DeleteUserPersonalInformation', 'DELETE', `${USER}/personalinformation`, ALL],
  ['DeleteUser', 'DELETE', USER, ALL],
  ['DeleteApp', 'DELETE', APP, ACCOUNT],
]

const notHere: readonly Row[] = [
  ['PassControl', 'POST', `${CONVERSATION}/passControl`, ALL],
  ['ReleaseControl', 'POST', `${CONVERSATION}/releaseControl`, ALL],
  ['OfferControl', 'POST', `${CONVERSATION}/offerControl`, ALL],
  ['AcceptControl', 'POST', `${CONVERSATION}/acceptControl`, ALL],
  ['PostConversionEvents', 'POST', `${CONVERSATION}/conversionEvents`, ALL],
  ['CreateSwitchboard', 'POST', `${APP}/switchboards`, OWN_APP],
  ['ListSwitchboards', 'GET', `${APP}/switchboards`, OWN_APP],
  ['UpdateSwitchboard', 'PATCH', SWITCHBOARD, OWN_APP],
  ['DeleteSwitchboard', 'DELETE', SWITCHBOARD, OWN_APP],
  ['CreateSwitchboardIntegration', 'POST', `${SWITCHBOARD}/switchboardIntegrations`, OWN_APP],
  ['ListSwitchboardIntegrations', 'GET', `${SWITCHBOARD}/switchboardIntegrations`, OWN_APP],
  ['UpdateSwitchboardIntegration', 'PATCH', `${SWITCHBOARD}/switchboardIntegrations/{id}`, OWN_APP],
  ['DeleteSwitchboardIntegration', 'DELETE', `${SWITCHBOARD}/switchboardIntegrations/{id}`, OWN_APP],
  ['CreateClient', 'POST', `${USER}/clients`, ALL],
  ['ListDevices', 'GET', `${USER}/devices`, ALL],
  ['GetDevice', 'GET', `${USER}/devices/{deviceId}`, ALL],
  ['SyncUser', 'POST', `${APP}/users/{zendeskId}/sync`, ALL],
  ['GetTokenInfo', 'GET', '/v2/tokenInfo', ALL],
]

/** Those that need no key. */
export const open: readonly { id: string; method: string; path: string }[] = [
  { id: 'Authorize', method: 'GET', path: '/oauth/authorize' },
  { id: 'GetToken', method: 'POST', path: '/oauth/token' },
  { id: 'RevokeAccess', method: 'DELETE', path: '/oauth/authorization' },
]

const rows = (table: readonly Row[], isHere: boolean): Operation[] =>
  table.map(([id, method, path, scopes]) => ({ id, method, path, scopes, isHere }))

/** In an order that what is needed later is deleted last. */
export const operations: readonly Operation[] = [...rows(notHere, false), ...rows(here, true)]

/** The path of an operation on what is named; unknown names are replaced by an id that names nothing. */
export const pathOf = ({ path }: Pick<Operation, 'path'>, named: Partial<Named>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: keyof Named) => named[name] ?? '0123456789abcdef01234567')
