import { integrationIdOf } from '../find-integration.js'
import { defineKeyRoutes, ONLY_CUSTOM } from '../keys.js'
import type { Scope } from '../route.js'

/** Keys of a custom integration. */
export function integrationKeyRoutes(scope: Scope): void {
  const { hub } = scope
  defineKeyRoutes(scope, {
    ...{ url: '/apps/:appId/integrations/:integrationId/keys', tag: 'integration keys' },
    ...{ access: 'app', operation: 'CustomIntegrationKey', missing: 'integration' },
    list: async ({ client, params }) => {
      const integrationId = integrationIdOf(params.integrationId)
      await hub.integrations.assertCustom(client, integrationId, ONLY_CUSTOM)
      return hub.accounts.listKeys({ integrationId })
    },
    create: ({ client, params }, displayName, limit) =>
      hub.integrations.createKey(client, integrationIdOf(params.integrationId), displayName, limit),
  })
}
