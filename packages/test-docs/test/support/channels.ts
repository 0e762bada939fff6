import slack from '@plugboard/channel-slack'
import telegram from '@plugboard/channel-telegram'
import twilio from '@plugboard/channel-twilio'
import webhook from '@plugboard/channel-webhook'
import type { Channel, IntegrationMode } from '@plugboard/core'

export const channels = new Map<string, Channel>(
  ([slack, telegram, twilio, webhook] as Channel[]).map((channel) => [channel.name, channel]),
)

/** What a sync with this body would refuse in the configurations of its channels; empty without `channels`. */
export async function channelFaults(body: string): Promise<string[]> {
  const { channels: configured } = JSON.parse(body) as { channels?: Record<string, object> }
  const faults = await Promise.all(
    Object.entries(configured ?? {}).map(([name, config]) => faultsOf(name, config)),
  )
  return faults.flat()
}

interface Given {
  version?: unknown
  enabled?: unknown
  mode?: IntegrationMode
}

async function faultsOf(name: string, given: object): Promise<string[]> {
  const channel = channels.get(name)
  if (!channel) return [`there is no channel "${name}"`]
  const { version, enabled: _, mode, ...config } = given as Given
  const needed = mode && channel.modes?.[mode]
  const { issues = [] } = await channel.config['~standard'].validate(config)
  return [
    ...(version === channel.version ? [] : [`${name}: the version is ${channel.version}`]),
    ...(mode && !needed ? [`${name}: has no mode ${mode}`] : []),
    ...(needed ?? []).flatMap((field) => (field in config ? [] : [`${name}: ${field} is required`])),
    ...issues.map(({ message }) => `${name}: ${message}`),
  ]
}
