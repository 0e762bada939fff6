import { type Id, isId, PlugboardError } from '@plugboard/core'
import type { Hub, KeyScope } from '@plugboard/hub'
import { keyIdOf } from './dialects/sunshine-v2/credentials.js'

/** The key that an operator asks for. */
export interface WantedKey {
  /** The id of an app, or `new`. */
  app: string
  scope: KeyScope
  /** For a key of scope `integration`. */
  integrationId?: string | undefined
  displayName?: string | undefined
}

/** A key of the Sunshine API; the secret is told this once. */
export interface OperatorKey {
  appId: string
  keyId: string
  secret: string
}

/** Makes a key, and its app where that is to be new. @throws NOT_FOUND for the app or the integration, INVALID */
export async function createKey(hub: Hub, wanted: WantedKey): Promise<OperatorKey> {
  const { app, scope, integrationId, displayName = 'operator' } = wanted
  if ((scope === 'integration') !== (integrationId !== undefined))
    throw new PlugboardError('INVALID', '"integration" must be given for the scope integration, and no other')
  const appId = app === 'new' ? (await hub.clients.create()).client.id : await existing(hub, app)
  const { key, secret } = await hub.accounts.createKey({
    ...{ scope, displayName },
    ...(scope !== 'account' && { clientId: appId }),
    ...(integrationId !== undefined && isId(integrationId) && { integrationId }),
  })
  return { appId, keyId: keyIdOf(key), secret }
}

async function existing(hub: Hub, app: string): Promise<Id> {
  const client = isId(app) ? await hub.clients.find({ id: app }) : undefined
  if (!client) throw new PlugboardError('NOT_FOUND', 'there is no such app')
  return client.id
}
