import type { JSX } from 'preact'
import type { TimelineItem } from '../../api/wire.js'
import { Icon, type IconName } from '../../ui/icon.js'
import { Clock } from '../../ui/time.js'
import { Delivery, isTrouble } from './delivery.js'

const AUTHORS: Readonly<Record<string, readonly [IconName, string]>> = {
  user: ['person', 'Person'],
  business: ['bot', 'Business'],
}

/** A message, and where it went. */
export function Entry({
  clientId,
  conversationId,
  item: { entry, deliveries },
  person,
  day,
  reload,
}: {
  clientId: string
  conversationId: string
  item: TimelineItem
  /** What the person of the conversation is called. */
  person: string | undefined
  /** Set for the first one of a day. */
  day?: string
  reload(): Promise<void>
}): JSX.Element {
  const [icon, kind] = AUTHORS[entry.author.kind] ?? ['settings', 'Event']
  const author = entry.author.kind === 'user' ? (person ?? kind) : kind
  return (
    <>
      {day !== undefined && <li class="day">{day}</li>}
      <li class="entry" id={`e-${entry.id}`}>
        <div class="when">
          <Clock at={entry.at} />
        </div>
        <div class={deliveries.some(isTrouble) ? '' : 'beside'}>
          <div class="author">
            <Icon name={icon} />
            {author}
            {entry.channel !== undefined && (
              <span class="small quiet by">
                through {entry.channel === 'messaging' ? 'the API' : entry.channel}
              </span>
            )}
            {entry.type !== 'message' && <span class="state none">{entry.type}</span>}
            {entry.isDeleted && <span class="state none">Deleted</span>}
          </div>
          {entry.preview !== undefined && (
            <p class="text" dir="auto">
              {entry.preview}
            </p>
          )}
          {hasMore(entry.payload) && (
            <details>
              <summary class="small quiet">Payload</summary>
              <pre>{JSON.stringify(entry.payload, null, 2)}</pre>
            </details>
          )}
          {deliveries.length > 0 && (
            <ul class="deliveries" aria-label="Deliveries">
              {deliveries.map((delivery) => (
                <li key={delivery.target.id}>
                  <Delivery
                    clientId={clientId}
                    conversationId={conversationId}
                    entryId={entry.id}
                    delivery={delivery}
                    reload={reload}
                  />
                </li>
              ))}
            </ul>
          )}
        </div>
      </li>
    </>
  )
}

/** Whether a payload has more than the text that is shown anyway. */
function hasMore(payload: unknown): boolean {
  if (typeof payload !== 'object' || payload === null) return payload !== undefined
  const { type, text: _, ...more } = payload as { type?: unknown; text?: unknown }
  return type !== 'text' || Object.keys(more).length > 0
}
