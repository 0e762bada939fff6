import type { Logger } from '@plugboard/core'
import { errorShape } from '../../channels/loggable-error.js'
import type { DeliveryFailure } from '../transport.js'
import type { Lookups, WebhookEvent, WebhookFormat } from './webhook-format.js'

/** Longest body of a request, in UTF-16 units. */
const MAX_BODY = 4 * 1024 * 1024

/** The body of a request (empty: there is nothing to send), or why there can be none. */
export type WebhookBody = string | DeliveryFailure

/** Renders the event for a format that looks nothing up. Never throws. */
export function webhookBody(format: WebhookFormat, event: WebhookEvent, log: Logger): WebhookBody {
  try {
    const made = format.render(event)
    if (!isPromise(made)) return checked(format, made)
    made.catch(() => undefined)
    return invalid(format, 'did not render this event synchronously')
  } catch (error) {
    return broken(format, event, error, log)
  }
}

/**
 * Renders the event for a format that looks things up. Rejects only where that was not possible now, so that it is worth
 * another try: the store cannot be reached.
 */
export async function lateWebhookBody(
  format: WebhookFormat,
  event: WebhookEvent,
  log: Logger,
): Promise<WebhookBody> {
  const watched = watch(event.lookups)
  try {
    return checked(format, await format.render({ ...event, lookups: watched.lookups }))
  } catch (error) {
    if (watched.failure && !isFault(watched.failure.error)) throw watched.failure.error
    return broken(format, event, error, log)
  }
}

const isPromise = <T>(value: T | Promise<T>): value is Promise<T> => value instanceof Promise

function checked(format: WebhookFormat, made: unknown): WebhookBody {
  if (made === undefined) return ''
  if (typeof made !== 'string') return invalid(format, 'rendered no text')
  return made.length > MAX_BODY
    ? invalid(format, `made more than ${MAX_BODY} characters of this event`)
    : made
}

const invalid = ({ name }: WebhookFormat, what: string): DeliveryFailure => ({
  kind: 'invalid',
  message: `the webhook format ${name} ${what}`,
})

function broken(
  format: WebhookFormat,
  { client, webhook, entry }: WebhookEvent,
  error: unknown,
  log: Logger,
): DeliveryFailure {
  const shape = errorShape(error)
  log.error(
    { ...shape, clientId: client.id, webhookId: webhook.id, entryId: entry.id, format: format.name },
    'webhook event could not be rendered',
  )
  return invalid(format, `could not render this event (${shape.error})`)
}

/** A fault of the program, or of what is stored: to look again would not help. */
const isFault = (error: unknown): boolean =>
  error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError

/** The same look-ups; `failure` is the first one that failed. */
function watch(lookups: Lookups): { lookups: Lookups; failure: { error: unknown } | undefined } {
  const watched: ReturnType<typeof watch> = {
    failure: undefined,
    lookups: {
      conversation: (id) => noted(() => lookups.conversation(id)),
      user: (id) => noted(() => lookups.user(id)),
      message: (id) => noted(() => lookups.message(id)),
      messages: (...of) => noted(() => lookups.messages(...of)),
      person: (id) => noted(() => lookups.person(id)),
    },
  }
  async function noted<T>(looking: () => Promise<T>): Promise<T> {
    try {
      return await looking()
    } catch (error) {
      watched.failure ??= { error }
      throw error
    }
  }
  return watched
}
