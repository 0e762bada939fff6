import { invalid, isPlugboardError, type Json, type JsonObject } from '@plugboard/core'
import type { Hub, IntegrationView } from '@plugboard/hub'
import { z } from 'zod'
import { jsonObject } from '../bounded-schemas.js'
import { badRequest } from './errors.js'
import { known, ownOf } from './map.js'
import { parseInput } from './validate.js'

/** The type of an integration that is no channel. */
export const CUSTOM = 'custom'

/** Fields of types that this API knows, and what their channels call them. */
const NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  telegram: { token: 'botToken' },
  twilio: {
    accountSid: 'accountSID',
    authToken: 'authToken',
    messagingServiceSid: 'messagingServiceSid',
    // Ours: the sender of what is no answer. This API names it by an id that Twilio alone can resolve.
    phoneNumber: 'from',
  },
}

/** Fields that are kept and shown, and mean nothing here. */
const KEPT: Readonly<Record<string, readonly string[]>> = { twilio: ['phoneNumberSid'] }

/** The field of every type of channel that no channel has itself. */
const MODE = 'mode'

const anyConfig = z.object({ config: jsonObject.optional() })

/** Body of an integration of a channel. */
export interface Wanted {
  /** In the format of the channel. Absent if the body does not have it. */
  config?: JsonObject
  own: JsonObject
}

/** @throws bad_request that lists the valid types, for a type without a channel here */
export function assertType(hub: Hub, type: string): void {
  if (hub.channels.find(type)) return
  const types = [CUSTOM, ...hub.channels.names].sort()
  throw badRequest(`Invalid integration type: .type should be one of ${types.join(', ')}`)
}

/**
 * Reads the fields of a type, over those that there are. Channels that this API has no type for take their own fields, in
 * `config`, whole.
 */
export function wantedOf(
  type: string,
  body: Readonly<Record<string, Json | undefined>>,
  old: JsonObject = {},
): Wanted {
  const names = NAMES[type]
  if (!names) {
    const { config } = parseInput(anyConfig, body)
    return { ...(config && { config }), own: {} }
  }
  const kept = (KEPT[type] ?? []).filter((name) => body[name] !== undefined)
  const own = known(Object.fromEntries(kept.map((name) => [name, body[name]])))
  const given = Object.entries(names).filter(([name]) => body[name] !== undefined)
  if (given.length === 0) return { own }
  const config = { ...old }
  for (const [name, inChannel] of given) {
    const value = body[name]
    if (value === null) delete config[inChannel]
    else if (value !== undefined) config[inChannel] = value
  }
  return { config, own }
}

/** The hub names fields of channels; here they are those of the type. */
export async function inFieldsOf<T>(type: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!isPlugboardError(error, 'INVALID') || error.issues.length === 0) throw error
    throw invalid(
      ...error.issues.map(({ path: [, , ...path], message }) => ({ path: wirePath(type, path), message })),
    )
  }
}

function wirePath(type: string, [field, ...rest]: readonly (string | number)[]): (string | number)[] {
  const names = NAMES[type]
  if (field === undefined) return []
  if (field === MODE) return [field]
  if (!names) return ['config', field, ...rest]
  return [Object.entries(names).find(([, inChannel]) => inChannel === field)?.[0] ?? field, ...rest]
}

const STATUSES = { active: 'active', pending: 'inactive', paused: 'error' } as const

/** An integration in the format of this API, without channel secrets. */
export function integrationJson(hub: Hub, { id, channel, facts }: IntegrationView): JsonObject {
  const { displayName } = facts
  if (!channel) return { id, type: CUSTOM, status: 'active', ...(displayName && { displayName }) }
  const type = channel.channel
  return {
    ...{ id, type, status: STATUSES[channel.status] },
    ...known({ displayName }),
    // The published document has no such field, so an answer has it only where it says something.
    ...(channel.mode === 'listen' && { [MODE]: channel.mode }),
    ...ownOf(facts),
    ...fieldsOf(type, withoutSecrets(hub, type, channel.config)),
  }
}

function withoutSecrets(hub: Hub, type: string, config: JsonObject): JsonObject {
  const channel = hub.channels.find(type)
  // The secret fields of a channel that is not installed are unknown.
  if (!channel) return {}
  const secrets = new Set<string>(channel.secrets)
  return Object.fromEntries(Object.entries(config).filter(([field]) => !secrets.has(field)))
}

function fieldsOf(type: string, config: JsonObject): JsonObject {
  const names = NAMES[type]
  if (!names) return { config }
  const fields = Object.entries(names).map(([name, inChannel]) => [name, config[inChannel]])
  return known(Object.fromEntries(fields))
}
