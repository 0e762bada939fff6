import type { HTTPMethods } from 'fastify'
import { z } from 'zod'
import type { Access } from '../credentials.js'
import { notImplemented } from '../errors.js'
import { defineRoute, type Scope } from '../route.js'

type Operation = readonly [operationId: string, method: HTTPMethods, url: string, access: Access]

const CONVERSATION = '/apps/:appId/conversations/:conversationId'
const SWITCHBOARD = '/apps/:appId/switchboards/:switchboardId'
const USER = '/apps/:appId/users/:userIdOrExternalId'

/** What the published document has and this server does not. */
const NOT_HERE: readonly Operation[] = [
  ['PassControl', 'POST', `${CONVERSATION}/passControl`, 'integration'],
  ['ReleaseControl', 'POST', `${CONVERSATION}/releaseControl`, 'integration'],
  ['OfferControl', 'POST', `${CONVERSATION}/offerControl`, 'integration'],
  ['AcceptControl', 'POST', `${CONVERSATION}/acceptControl`, 'integration'],
  ['PostConversionEvents', 'POST', `${CONVERSATION}/conversionEvents`, 'integration'],
  ['CreateSwitchboard', 'POST', '/apps/:appId/switchboards', 'app'],
  ['ListSwitchboards', 'GET', '/apps/:appId/switchboards', 'app'],
  ['UpdateSwitchboard', 'PATCH', SWITCHBOARD, 'app'],
  ['DeleteSwitchboard', 'DELETE', SWITCHBOARD, 'app'],
  ['CreateSwitchboardIntegration', 'POST', `${SWITCHBOARD}/switchboardIntegrations`, 'app'],
  ['ListSwitchboardIntegrations', 'GET', `${SWITCHBOARD}/switchboardIntegrations`, 'app'],
  [
    'UpdateSwitchboardIntegration',
    'PATCH',
    `${SWITCHBOARD}/switchboardIntegrations/:switchboardIntegrationId`,
    'app',
  ],
  [
    'DeleteSwitchboardIntegration',
    'DELETE',
    `${SWITCHBOARD}/switchboardIntegrations/:switchboardIntegrationId`,
    'app',
  ],
  ['CreateClient', 'POST', `${USER}/clients`, 'integration'],
  ['ListDevices', 'GET', `${USER}/devices`, 'integration'],
  ['GetDevice', 'GET', `${USER}/devices/:deviceId`, 'integration'],
  ['SyncUser', 'POST', '/apps/:appId/users/:zendeskId/sync', 'integration'],
  ['GetTokenInfo', 'GET', '/tokenInfo', 'integration'],
]

/** Beside the API, and without credentials. */
export const OAUTH: readonly (readonly [operationId: string, method: HTTPMethods, url: string])[] = [
  ['Authorize', 'GET', '/authorize'],
  ['GetToken', 'POST', '/token'],
  ['RevokeAccess', 'DELETE', '/authorization'],
]

/** Says so, in the words of this API, in place of an answer that would be taken for another. */
export function routesNotHere(scope: Scope): void {
  for (const [operationId, method, url, access] of NOT_HERE) {
    defineRoute(scope, {
      ...{ method, url, access, tag: 'not here' },
      summary: `${operationId}: not implemented`,
      response: z.never(),
      handle: async () => {
        throw notImplemented(operationId)
      },
    })
  }
}
