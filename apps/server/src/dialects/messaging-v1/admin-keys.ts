import { type Id, invalid, isId, PlugboardError } from '@plugboard/core'
import type { AuditDetails, ClientView, Hub, KeyAccount, WithId } from '@plugboard/hub'
import { z } from 'zod'
import { keyIdOf, parseKeyId } from '../sunshine-v2/credentials.js'
import { adminPage, existingClient, nextPage, pageOfAccounts } from './admin-lists.js'

/** A key requested by the operator. */
export const wantedKey = z.strictObject({
  /** The id of an app, in the format of any API, or `new`. */
  app: z.string().min(1),
  scope: z.enum(['app', 'account', 'integration']),
  /** For a key of scope `integration`. */
  integrationId: z.string().min(1).optional(),
  displayName: z.string().min(1).max(100).optional(),
})
export type WantedKey = z.infer<typeof wantedKey>

/** A key of the Sunshine API. The secret is only returned here. */
export const madeKey = z.object({ appId: z.string(), keyId: z.string(), secret: z.string() })
export type MadeKey = z.infer<typeof madeKey>

/** Creates a key, and its app if requested. @throws NOT_FOUND for the app or the integration, INVALID */
export async function createKey(hub: Hub, wanted: WantedKey): Promise<MadeKey> {
  const { app, scope, integrationId, displayName = DEFAULT_NAME } = wanted
  if ((scope === 'integration') !== (integrationId !== undefined))
    throw invalid({
      path: ['integration'],
      message: 'is required for the scope integration, and not allowed for others',
    })
  if (integrationId !== undefined && app === 'new')
    throw invalid({ path: ['app'], message: 'must be the app of the integration' })
  const client = app === 'new' ? (await hub.clients.create()).client : await existingClient(hub, app, 'app')
  const { key, secret } = await keyOf(hub, client, { scope, displayName, integrationId })
  return { appId: client.id, keyId: keyIdOf(key), secret }
}

/** What the audit log says of a new key. */
export const ofKey = ({ keyId, appId }: MadeKey): [AuditDetails, Id | undefined] => [
  { keyId },
  isId(appId) ? appId : undefined,
]

/** Creates a key of the scope `account`, which belongs to no app. */
export async function createAccountKey(
  hub: Hub,
  displayName = DEFAULT_NAME,
): Promise<Omit<MadeKey, 'appId'>> {
  const { key, secret } = await hub.accounts.createKey({ scope: 'account', displayName })
  return { keyId: keyIdOf(key), secret }
}

/** Display name of a key for which none is given. */
const DEFAULT_NAME = 'operator'

export const keysQuery = z.strictObject({ ...adminPage, app: z.string().min(1).optional() })

/** Keys without their secrets. */
export const keyList = z.object({
  keys: z.array(
    z.object({
      keyId: z.string(),
      scope: z.enum(['app', 'account', 'integration']),
      appId: z.string().optional(),
      integrationId: z.string().optional(),
      displayName: z.string(),
      createdOn: z.string(),
    }),
  ),
  ...nextPage,
})

/** Lists the keys of the Sunshine API, of all apps or of one. @throws NOT_FOUND for the app */
export async function listKeys(
  hub: Hub,
  { app, ...page }: z.infer<typeof keysQuery>,
): Promise<z.infer<typeof keyList>> {
  const client = app === undefined ? undefined : await existingClient(hub, app, 'app')
  const { items, ...next } = await pageOfAccounts(hub, { ...page, client }, (account) => {
    if (account.kind !== 'key') return undefined
    const { scope, clientId: appId, integrationId, displayName, createdAt: createdOn } = account
    return {
      keyId: keyIdOf(account),
      scope,
      ...(appId && { appId }),
      ...(integrationId && { integrationId }),
      displayName,
      createdOn,
    }
  })
  return { keys: items, ...next }
}

/** Revokes a key of the Sunshine API. @throws NOT_FOUND */
export async function revokeKey(hub: Hub, keyId: string): Promise<void> {
  const id = parseKeyId(keyId)
  const key = id && (await hub.accounts.findKey(id))
  if (!key || keyIdOf(key) !== keyId) throw new PlugboardError('NOT_FOUND', 'key not found')
  await hub.accounts.remove(key.id)
}

/** Parses the operator's options. @throws INVALID that names the option */
export function parseWantedKey(typed: Partial<Record<keyof WantedKey, string>>): WantedKey {
  const result = wantedKey.safeParse(typed)
  if (result.success) return result.data
  const expected: Readonly<Record<string, [option: string, message: string]>> = {
    app: ['app', 'must be `new` or the id of an app'],
    scope: ['scope', 'must be app, account or integration'],
    integrationId: ['integration', 'must be the id of an integration'],
    displayName: ['name', 'must have 1 to 100 characters'],
  }
  const fields = [...new Set(result.error.issues.map(({ path }) => String(path[0])))]
  throw invalid(
    ...fields.map((field) => {
      const [option, message] = expected[field] ?? [field, 'is invalid']
      return { path: [option], message }
    }),
  )
}

interface Wanted {
  scope: WantedKey['scope']
  displayName: string
  integrationId: string | undefined
}

function keyOf(
  hub: Hub,
  client: ClientView,
  { scope, displayName, integrationId }: Wanted,
): Promise<{ key: WithId<KeyAccount>; secret: string }> {
  if (integrationId !== undefined) return hub.integrations.createKey(client, idOf(integrationId), displayName)
  return hub.accounts.createKey({ scope, displayName, ...(scope === 'app' && { clientId: client.id }) })
}

function idOf(text: string): Id {
  if (!isId(text)) throw new PlugboardError('NOT_FOUND', 'integration not found')
  return text
}
