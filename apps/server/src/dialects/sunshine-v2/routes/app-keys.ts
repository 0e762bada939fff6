import { defineKeyRoutes } from '../keys.js'
import type { Scope } from '../route.js'

/** Keys of an app, for who acts for the whole account. */
export function appKeyRoutes(scope: Scope): void {
  const { hub } = scope
  defineKeyRoutes(scope, {
    ...{ url: '/apps/:appId/keys', tag: 'app keys', access: 'account', operation: 'AppKey' },
    list: ({ client }) => hub.accounts.listKeys({ clientId: client.id }),
    create: ({ client }, displayName, limit) =>
      hub.accounts.createKey({ scope: 'app', clientId: client.id, displayName }, limit),
  })
}
