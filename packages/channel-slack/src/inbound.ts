import {
  formFault,
  type InboundEvent,
  type InboundRequest,
  type InboundResponse,
  invalid,
  type Received,
  readJson,
} from '@plugboard/core'
import { endpointOf } from './endpoint.js'
import { parseEvent } from './events.js'
import { parseInteraction } from './interactions.js'
import { MAX_JSON_VALUES } from './limits.js'
import { readCommand, readEnvelope, readHeaders } from './payloads.js'
import { readable } from './readable-text.js'
import { isSslCheck } from './ssl-check.js'

const JSON_LIMITS = { maxValues: MAX_JSON_VALUES }

/** An answer that shows nothing to the person. */
const DONE: InboundResponse = { status: 200 }

/**
 * Slack sends events as JSON, and interactions and slash commands as forms. Each needs an empty 200 within three
 * seconds. https://docs.slack.dev/apis/events-api/#responding
 */
export function parse(request: InboundRequest): Received {
  const { method, headers, body } = request
  if (isSslCheck(request)) return { events: [], response: DONE }
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const { 'content-type': type, 'x-slack-request-timestamp': seconds } = readHeaders(headers)
  if (/^application\/json\s*(;|$)/i.test(type)) return parseJson(readJson(body, 'body', JSON_LIMITS))
  if (/^application\/x-www-form-urlencoded\s*(;|$)/i.test(type)) {
    return { events: parseForm(readForm(body), new Date(Number(seconds) * 1000)), response: DONE }
  }
  throw invalid({ path: ['headers', 'content-type'], message: 'must be JSON or a form' })
}

/** Kinds of what Slack sends over a socket. https://docs.slack.dev/apis/events-api/using-socket-mode */
export const socketKinds = ['events_api', 'interactive', 'slash_commands'] as const

/** Reads what Slack sends over a socket: the same as over HTTP, in another envelope. */
export function parsePayload(kind: (typeof socketKinds)[number], payload: unknown, at: Date): InboundEvent[] {
  switch (kind) {
    case 'events_api':
      return parseJson(payload).events
    case 'interactive':
      return parseInteraction(payload, at)
    case 'slash_commands':
      return [parseCommand(payload, at)]
  }
}

function parseJson(value: unknown): Received {
  const { type, challenge } = readEnvelope(value)
  if (type === 'url_verification') {
    if (challenge === undefined) throw invalid({ path: ['body', 'challenge'], message: 'is required' })
    const answer = { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ challenge }) }
    return { events: [], response: { status: 200, ...answer } }
  }
  // Other types are about the app and not about a person, such as `app_rate_limited`.
  return { events: type === 'event_callback' ? parseEvent(value) : [], response: DONE }
}

function parseForm(form: URLSearchParams, at: Date): InboundEvent[] {
  const payload = form.get('payload')
  if (payload !== null) return parseInteraction(readJson(payload, 'payload', JSON_LIMITS), at)
  return [parseCommand(Object.fromEntries(form), at)]
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
