import type { HTTPMethods } from 'fastify'
import { z } from 'zod'
import type { Access } from '../credentials.js'
import { notOffered } from '../errors.js'
import { defineRoute, type Scope } from '../route.js'

type Operation = readonly [operationId: string, method: HTTPMethods, url: string]

/** Operations of the published document that this server leaves out, and why. */
interface LeftOut {
  /** Follows the operation's name in the error. */
  why: string
  access: Access
  operations: readonly Operation[]
}

const CONVERSATION = '/apps/:appId/conversations/:conversationId'
const SWITCHBOARDS = '/apps/:appId/switchboards'
const SWITCHBOARD = `${SWITCHBOARDS}/:switchboardId`
const MEMBER = `${SWITCHBOARD}/switchboardIntegrations/:switchboardIntegrationId`
const USER = '/apps/:appId/users/:userIdOrExternalId'

const NO_CONTROL = 'every integration receives every event, so there is no control to pass'

const LEFT_OUT: readonly LeftOut[] = [
  {
    why: NO_CONTROL,
    access: 'integration',
    operations: [
      ['PassControl', 'POST', `${CONVERSATION}/passControl`],
      ['ReleaseControl', 'POST', `${CONVERSATION}/releaseControl`],
      ['OfferControl', 'POST', `${CONVERSATION}/offerControl`],
      ['AcceptControl', 'POST', `${CONVERSATION}/acceptControl`],
    ],
  },
  {
    why: NO_CONTROL,
    access: 'app',
    operations: [
      ['CreateSwitchboard', 'POST', SWITCHBOARDS],
      ['ListSwitchboards', 'GET', SWITCHBOARDS],
      ['UpdateSwitchboard', 'PATCH', SWITCHBOARD],
      ['DeleteSwitchboard', 'DELETE', SWITCHBOARD],
      ['CreateSwitchboardIntegration', 'POST', `${SWITCHBOARD}/switchboardIntegrations`],
      ['ListSwitchboardIntegrations', 'GET', `${SWITCHBOARD}/switchboardIntegrations`],
      ['UpdateSwitchboardIntegration', 'PATCH', MEMBER],
      ['DeleteSwitchboardIntegration', 'DELETE', MEMBER],
    ],
  },
  {
    why: 'it forwards events to Meta, for which this server has no channel',
    access: 'integration',
    operations: [['PostConversionEvents', 'POST', `${CONVERSATION}/conversionEvents`]],
  },
  {
    why: 'people are linked when they write first, because no channel of this server can invite them',
    access: 'integration',
    operations: [['CreateClient', 'POST', `${USER}/clients`]],
  },
  {
    why: 'devices belong to the mobile SDKs, which this server does not support',
    access: 'integration',
    operations: [
      ['ListDevices', 'GET', `${USER}/devices`],
      ['GetDevice', 'GET', `${USER}/devices/:deviceId`],
    ],
  },
  {
    why: 'it needs the users of the hosted help desk',
    access: 'integration',
    operations: [['SyncUser', 'POST', '/apps/:appId/users/:zendeskId/sync']],
  },
  {
    why: 'this server does not accept tokens of the hosted marketplace',
    access: 'integration',
    operations: [['GetTokenInfo', 'GET', '/tokenInfo']],
  },
]

/** Beside the API, and without credentials. */
export const OAUTH: Pick<LeftOut, 'why' | 'operations'> = {
  why: 'this server has no marketplace',
  operations: [
    ['Authorize', 'GET', '/authorize'],
    ['GetToken', 'POST', '/token'],
    ['RevokeAccess', 'DELETE', '/authorization'],
  ],
}

/** Responds in this API's format, instead of with a 404 that could be misread. */
export function routesNotHere(scope: Scope): void {
  for (const { why, access, operations } of LEFT_OUT) {
    for (const [operationId, method, url] of operations) {
      defineRoute(scope, {
        ...{ operationId, method, url, access, tag: 'apps' },
        summary: `${operationId}: ${why}`,
        response: z.never(),
        handle: async () => {
          throw notOffered(operationId, why)
        },
      })
    }
  }
}
