import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import discord from '@plugboard/channel-discord'
import instagram from '@plugboard/channel-instagram'
import messenger from '@plugboard/channel-messenger'
import slack from '@plugboard/channel-slack'
import smooch from '@plugboard/channel-smooch'
import teams from '@plugboard/channel-teams'
import telegram from '@plugboard/channel-telegram'
import twilio from '@plugboard/channel-twilio'
import vonage from '@plugboard/channel-vonage'
import web from '@plugboard/channel-web'
import webhook from '@plugboard/channel-webhook'
import whatsapp from '@plugboard/channel-whatsapp'
import {
  type Channel,
  type ChannelRuntime,
  type InboundEvent,
  type IntegrationMode,
  silentLogger,
} from '@plugboard/core'
import { readRecordings } from '@plugboard/core/testing'

export const channels = new Map<string, Channel>(
  (
    [
      discord,
      instagram,
      messenger,
      slack,
      smooch,
      teams,
      telegram,
      twilio,
      vonage,
      web,
      webhook,
      whatsapp,
    ] as Channel[]
  ).map((channel) => [channel.name, channel]),
)

/** The running half of a channel, with the default options of the operator. */
export async function runtimeOf(channel: Channel): Promise<ChannelRuntime<unknown, unknown>> {
  const given = await channel.options?.['~standard'].validate({})
  const options = given && 'value' in given ? given.value : undefined
  return channel.load({ options, logger: silentLogger, fetch })
}

/** The events of every recorded request of a channel. Its recordings may be in folders by kind. */
export function recordedEvents(name: string): InboundEvent[] {
  const top = fileURLToPath(new URL(`../../../channel-${name}/src/fixtures/inbound`, import.meta.url))
  const entries = readdirSync(top, { withFileTypes: true, recursive: true })
  const inner = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
  const requested = [top, ...inner].flatMap((folder) =>
    readRecordings(pathToFileURL(`${folder}/`)).flatMap(({ events }) => events),
  )
  return [...requested, ...heardEvents(name)]
}

/** The events of what a channel only hears over a connection. */
function heardEvents(name: string): InboundEvent[] {
  const folder = new URL(`../../../channel-${name}/src/fixtures/gateway/`, import.meta.url)
  if (!existsSync(folder)) return []
  return readdirSync(folder).flatMap((file) => {
    const { events } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
      events: (InboundEvent & { at: string })[]
    }
    return events.map((event) => ({ ...event, at: new Date(event.at) }))
  })
}

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
  channel?: string
}

async function faultsOf(name: string, given: object): Promise<string[]> {
  const { version, enabled: _, mode, channel: channelName = name, ...config } = given as Given
  const channel = channels.get(channelName)
  if (!channel) return [`there is no channel "${channelName}"`]
  const needed = mode && channel.modes?.[mode]
  const { issues = [] } = await channel.config['~standard'].validate(config)
  return [
    ...(version === channel.version ? [] : [`${name}: the version is ${channel.version}`]),
    ...(mode && !needed ? [`${name}: has no mode ${mode}`] : []),
    ...(needed ?? []).flatMap((field) =>
      [field].flat().some((each) => each in config) ? [] : [`${name}: ${String(field)} is required`],
    ),
    ...issues.map(({ message }) => `${name}: ${message}`),
  ]
}
