import type { JsonObject } from '@plugboard/core'
import type { ChannelRef } from '../log/endpoint-record.js'
import type { IntegrationRecord } from '../ports/client-record.js'

/** An integration with its decrypted configuration. Must not be logged. */
export interface OpenIntegration extends Omit<IntegrationRecord, 'config'> {
  name: string
  key: string
  config: JsonObject
}

/** The integrations of a client, by name. */
interface Integrations {
  readonly integrations: ReadonlyMap<string, OpenIntegration>
}

/** Name and key of an integration, which records omit if they are the name of the channel. */
export const namesOf = ({
  channel,
  name = channel,
  key = channel,
}: Pick<IntegrationRecord, 'channel' | 'name' | 'key'>): { name: string; key: string } => ({ name, key })

/** How logs and dead letters call an integration: by its channel, and its name if that differs. */
export function labelOf(integration: Pick<IntegrationRecord, 'channel' | 'name'>): string {
  const { channel, name = channel } = integration
  return name === channel ? channel : `${channel} ${name}`
}

/** The channel of the endpoints of an integration. */
export const channelRefOf = ({ channel, key }: Pick<OpenIntegration, 'channel' | 'key'>): ChannelRef =>
  key === channel ? { name: channel, custom: false } : { name: channel, integration: key, custom: false }

/** The integration that serves the endpoints of this channel. Undefined if it was removed, and for a custom channel. */
export function integrationOf(
  { integrations }: Integrations,
  { name, integration: key = name, custom }: ChannelRef,
): OpenIntegration | undefined {
  if (custom) return undefined
  for (const integration of integrations.values())
    if (integration.channel === name && integration.key === key) return integration
  return undefined
}

/** The integration whose webhook path ends with this name: its name or, if none has it, its key, from before a renaming. */
export function integrationNamed({ integrations }: Integrations, name: string): OpenIntegration | undefined {
  return integrations.get(name) ?? [...integrations.values()].find(({ key }) => key === name)
}
