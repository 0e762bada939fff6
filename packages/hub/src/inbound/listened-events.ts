import { FailureError, type Heard, type InboundEvent, isStorable, type Json } from '@plugboard/core'
import { MAX_CURSOR_BYTES } from '../integrations/sources.js'
import { MAX_EVENTS } from './ingest.js'

/**
 * Reads what a channel yielded. It may be built with other types, or without types.
 * @throws FailureError if it is not what the contract says. A single event that is not is left out, and counted.
 */
export function readHeard(value: unknown): Heard & { invalid: number } {
  const { events, cursor } = Object(value) as { events?: unknown; cursor?: unknown }
  if (!Array.isArray(events) || events.length > MAX_EVENTS)
    throw garbage(`the channel must yield at most ${MAX_EVENTS} events at once, in a list`)
  const valid = events.filter(isEvent)
  const invalid = events.length - valid.length
  return cursor === undefined
    ? { events: valid, invalid }
    : { events: valid, invalid, cursor: readCursor(cursor) }
}

function readCursor(cursor: unknown): Json {
  const text = textOf(cursor)
  if (text === undefined || Buffer.byteLength(text) > MAX_CURSOR_BYTES)
    throw garbage(`the position of the channel must be JSON of at most ${MAX_CURSOR_BYTES} bytes`)
  return JSON.parse(text) as Json
}

function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined
  }
}

/** Whether the members that the hub reads have their types. An event of an unknown type is left to the hub. */
function isEvent(value: unknown): value is InboundEvent {
  if (!isObject(value)) return false
  const { type, dedupeKey, endpoint, at, content, messageKey, token, emoji, deliveryId, refersTo, status } =
    value
  const isCommon =
    isText(type) &&
    isText(dedupeKey) &&
    isObject(endpoint) &&
    [endpoint.identity, endpoint.sender, endpoint.thread].every(isText) &&
    at instanceof Date &&
    !Number.isNaN(at.getTime())
  if (!isCommon) return false
  const hasContent = isObject(content) && isText(content.type)
  switch (type) {
    case 'message':
      return hasContent
    case 'edited':
      return hasContent && isText(messageKey)
    case 'deleted':
      return isText(messageKey)
    case 'reaction':
      return isText(messageKey) && isText(emoji)
    case 'choice':
      return isText(token)
    case 'delivery':
      return (isText(deliveryId) || isText(refersTo)) && isText(status)
    default:
      return true
  }
}

const isText = (value: unknown): value is string => typeof value === 'string' && isStorable(value)

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const garbage = (message: string): FailureError => new FailureError({ kind: 'invalid', message })
