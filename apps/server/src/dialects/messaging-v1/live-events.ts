import { type Logger, toUuid } from '@plugboard/core'
import { activityOf, type ClientView, type LiveEvent, type StoredEvent } from '@plugboard/hub'
import { type PrintedEvent, printedEvent } from '../../streams/printed-event.js'
import type { Reader } from './stream-access.js'
import { nameOf, render, wireActivity } from './webhook-format.js'

/** Readers of one conversation share what is made of an event. */
const printedForClients = new WeakMap<StoredEvent, PrintedEvent>()
const printedForUsers = new WeakMap<StoredEvent, PrintedEvent>()

/** Prints events for a reader as webhooks get them; undefined for those that are not for users. */
export function printerFor(
  { client, userId }: Pick<Reader, 'client' | 'userId'>,
  log: Logger,
): (event: LiveEvent) => PrintedEvent | undefined {
  const [cache, shownOf] =
    userId === undefined ? [printedForClients, asItIs] : [printedForUsers, shownToUsers]
  return (event) => {
    if ('ephemeral' in event) return printEphemeral(event)
    const known = cache.get(event)
    if (known) return known
    try {
      const printed = print(client, event, shownOf)
      if (printed) cache.set(event, printed)
      return printed
    } catch (err) {
      // It would end the stream each time that the reader comes to it.
      log.error({ err, clientId: client.id, entryId: event.entry.id }, 'event could not be rendered')
      return undefined
    }
  }
}

function print(
  client: ClientView,
  { entry: stored, userId, endpoints, position }: StoredEvent,
  shownOf: (entry: StoredEvent['entry']) => StoredEvent['entry'] | undefined,
): PrintedEvent | undefined {
  const entry = shownOf(stored)
  if (!entry) return undefined
  const data = render({ entry, client, userId, endpoints, isCollecting: false })
  return printedEvent({ type: nameOf(entry), id: position, data })
}

const asItIs = (entry: StoredEvent['entry']) => entry

/** How the business reaches its users is not for them: neither its providers nor their errors. */
function shownToUsers(entry: StoredEvent['entry']): StoredEvent['entry'] | undefined {
  if (entry.type === 'health.new') return undefined
  const activity = entry.type === 'activity' ? activityOf(entry) : undefined
  if (activity?.type === 'handed-over' || activity?.type === 'given-up') return undefined
  if (activity?.type !== 'delivery' || !activity.failure) return entry
  const { failure: _, ...status } = activity
  return { ...entry, payload: JSON.stringify(status) }
}

function printEphemeral({
  ephemeral: { conversationId, activity },
  userId,
  channel,
}: Extract<LiveEvent, { ephemeral: unknown }>): PrintedEvent {
  const type = 'conversation.activity'
  const conversation = { ...(userId && { userId: toUuid(userId) }), conversationId: toUuid(conversationId) }
  const data = { ...conversation, channel, activity: wireActivity(activity) }
  return printedEvent({ type, data: JSON.stringify({ type, data }) })
}
