import {
  formFault,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  invalid,
  type Received,
  readJson,
} from '@plugboard/core'
import type { Config } from './config.js'
import { endpointOf } from './endpoint.js'
import { parseEvent } from './events.js'
import { parseInteraction } from './interactions.js'
import { MAX_JSON_VALUES } from './limits.js'
import { readCommand, readEnvelope, readHeaders } from './payloads.js'
import { readable } from './readable-text.js'
import { isSslCheck } from './ssl-check.js'
import { teamsIn } from './teams.js'

const JSON_LIMITS = { maxValues: MAX_JSON_VALUES }

/** An answer that shows nothing to the person. */
const DONE: InboundResponse = { status: 200 }

/** Kinds of what Slack sends. https://docs.slack.dev/apis/events-api/using-socket-mode */
export const socketKinds = ['events_api', 'interactive', 'slash_commands'] as const

/** What is in a request: something of a kind, or nothing but what is to be answered. */
type Body =
  | { kind: (typeof socketKinds)[number]; value: unknown; at: Date }
  | { kind: 'answered'; response: InboundResponse }

/** Each request needs an empty 200 within three seconds. https://docs.slack.dev/apis/events-api/#responding */
export function parse(request: InboundRequest, { teamId }: Pick<Config, 'teamId'>): Received {
  const body = readBody(request)
  if (body.kind === 'answered') return { events: [], response: body.response }
  const isOwn = teamId === undefined || teamsIn(body.value).includes(teamId)
  return { events: isOwn ? parsePayload(body.kind, body.value, body.at) : [], response: DONE }
}

/** Slack sends events as JSON, and interactions and slash commands as forms. @throws PlugboardError INVALID */
export function readBody(request: InboundRequest): Body {
  const { method, headers, body } = request
  if (isSslCheck(request)) return { kind: 'answered', response: DONE }
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const { 'content-type': type, 'x-slack-request-timestamp': seconds } = readHeaders(headers)
  const at = new Date(Number(seconds) * 1000)
  if (/^application\/json\s*(;|$)/i.test(type)) {
    const value = readJson(body, 'body', JSON_LIMITS)
    const response = answerTo(value)
    return response ? { kind: 'answered', response } : { kind: 'events_api', value, at }
  }
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type))
    throw invalid({ path: ['headers', 'content-type'], message: 'must be JSON or a form' })
  const form = readForm(body)
  const payload = form.get('payload')
  return payload === null
    ? { kind: 'slash_commands', value: Object.fromEntries(form), at }
    : { kind: 'interactive', value: readJson(payload, 'payload', JSON_LIMITS), at }
}

/** Reads what Slack sends, over HTTP or over a socket. @throws PlugboardError INVALID */
export function parsePayload(kind: (typeof socketKinds)[number], value: unknown, at: Date): InboundEvent[] {
  switch (kind) {
    case 'events_api':
      // Other types are about the app and not about a person, such as `app_rate_limited`.
      return readEnvelope(value).type === 'event_callback' ? parseEvent(value) : []
    case 'interactive':
      return parseInteraction(value, at)
    case 'slash_commands':
      return [parseCommand(value, at)]
  }
}

/** The answer to the handshake of a Request URL; undefined for anything else. */
function answerTo(value: unknown): InboundResponse | undefined {
  const { type, challenge } = readEnvelope(value)
  if (type !== 'url_verification') return undefined
  if (challenge === undefined) throw invalid({ path: ['body', 'challenge'], message: 'is required' })
  const body = JSON.stringify({ challenge })
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

/** A slash command has no time and no message of its own. */
function parseCommand(form: unknown, at: Date): InboundEvent {
  const { command, text, user_id, user_name, channel_id, trigger_id } = readCommand(form)
  return {
    type: 'message',
    dedupeKey: `command:${trigger_id}`,
    endpoint: endpointOf(user_id, channel_id),
    at,
    ...(user_name && { person: { name: user_name } }),
    content: { type: 'text', text: [command, readable(text)].filter(Boolean).join(' ') },
  }
}

function readForm(body: Uint8Array): URLSearchParams {
  const fault = formFault(body)
  if (fault !== undefined) throw invalid({ path: ['body'], message: fault })
  try {
    return new URLSearchParams(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    throw invalid({ path: ['body'], message: 'must be UTF-8' })
  }
}
