import type { Endpoint, Id } from '@plugboard/core'
import type { OpenIntegration } from '../../clients/open-integration.js'

/** Where a channel's parts go. */
export interface EndpointAddress {
  clientId: Id
  conversationId: Id
  integration: OpenIntegration
  endpoint: Endpoint & { id: Id }
  /** Where the provider calls for the integration. */
  webhookUrl: string
}

/** The endpoint as a channel sees it. */
export const endpointOf = ({
  endpoint: { identity, sender, thread },
}: Pick<EndpointAddress, 'endpoint'>): Endpoint => ({
  identity,
  sender,
  thread,
})
