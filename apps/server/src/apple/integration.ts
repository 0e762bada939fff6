import type { JsonObject } from '@plugboard/core'
import type { ClientView } from '@plugboard/hub'
import type { AppleCredentials } from './gateway.js'

/** What a client has of Apple: its integration of the channel `apple`, as far as it knows a service provider. */
export interface AppleIntegration {
  credentials: AppleCredentials | undefined
}

/** Undefined if the client has none. */
export function appleIntegrationOf(client: ClientView): AppleIntegration | undefined {
  const integration = [...client.integrations.values()].find(({ channel }) => channel === 'apple')
  return integration && { credentials: credentialsOf(integration.config) }
}

function credentialsOf({ businessId, mspId, apiSecret }: JsonObject): AppleCredentials | undefined {
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
  if (!isText(businessId) || !isText(mspId) || !isText(apiSecret)) return undefined
  return { businessId, mspId, apiSecret }
}
