import {
  type InboundRequest,
  type InboundResponse,
  type Integration,
  invalid,
  type JsonObject,
  type Received,
  readJson,
} from '@plugboard/core'
import type { Session } from './api.js'
import type { Config } from './config.js'
import { parseInteraction } from './interactions.js'
import { readEnvelope } from './payloads.js'

/** https://docs.discord.com/developers/interactions/overview#acknowledging-ping-requests */
const PING = 1

const answered = (answer: JsonObject): InboundResponse => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(answer),
})

/**
 * Reads an interaction: https://docs.discord.com/developers/interactions/receiving-and-responding. The answer defers the
 * reply, which the bot sends later.
 */
export function parse({ method, body }: InboundRequest, { config }: Integration<Config, Session>): Received {
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const value = readJson(body)
  const { type, event } = readEnvelope(value)
  // Events about the app, such as that somebody added it. https://docs.discord.com/developers/events/webhook-events
  if (type === 0 || event !== undefined) return { events: [], response: { status: 204 } }
  if (type === PING) return { events: [], response: answered({ type: PING }) }
  const { events, answer } = parseInteraction(value, config.applicationId)
  return { events, response: answered(answer) }
}
