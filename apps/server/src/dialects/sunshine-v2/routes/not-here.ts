import type { HTTPMethods } from 'fastify'
import { z } from 'zod'
import type { Access } from '../credentials.js'
import { notOffered } from '../errors.js'
import { defineRoute, type Scope } from '../route.js'

type Operation = readonly [operationId: string, method: HTTPMethods, url: string]

/** Operations of the published document that this server leaves out, and why. */
interface LeftOut {
  /** Follows the operation's name in what a caller is told. */
  why: string
  access: Access
  operations: readonly Operation[]
}

const CONVERSATION = '/apps/:appId/conversations/:conversationId'
const SWITCHBOARDS = '/apps/:appId/switchboards'
const SWITCHBOARD = `${SWITCHBOARDS}/:switchboardId`
const MEMBER = `${SWITCHBOARD}/switchboardIntegrations/:switchboardIntegrationId`
const USER = '/apps/:appId/users/:userIdOrExternalId'

const NO_CONTROL = 'every integration hears every event here, so that there is no control to hand over'

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
    why: 'it passes events on to Meta, for which there is no channel here',
    access: 'integration',
    operations: [['PostConversionEvents', 'POST', `${CONVERSATION}/conversionEvents`]],
  },
  {
    why: 'people are linked by writing first, since no channel here can ask them to',
    access: 'integration',
    operations: [['CreateClient', 'POST', `${USER}/clients`]],
  },
  {
    why: 'devices are made by the mobile SDKs, which are not served here',
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
    why: 'tokens of the hosted marketplace are not taken here',
    access: 'integration',
    operations: [['GetTokenInfo', 'GET', '/tokenInfo']],
  },
]

/** Beside the API, and without credentials. */
export const OAUTH: Pick<LeftOut, 'why' | 'operations'> = {
  why: 'there is no marketplace here',
  operations: [
    ['Authorize', 'GET', '/authorize'],
    ['GetToken', 'POST', '/token'],
    ['RevokeAccess', 'DELETE', '/authorization'],
  ],
}

/** Says so, in the words of this API, in place of an answer that would be taken for another. */
export function routesNotHere(scope: Scope): void {
  for (const { why, access, operations } of LEFT_OUT) {
    for (const [operationId, method, url] of operations) {
      defineRoute(scope, {
        ...{ method, url, access, tag: 'not here' },
        summary: `${operationId}: ${why}`,
        response: z.never(),
        handle: async () => {
          throw notOffered(operationId, why)
        },
      })
    }
  }
}
