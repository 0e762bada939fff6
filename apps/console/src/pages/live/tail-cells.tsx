import type { JSX } from 'preact'
import { at } from '../../route/location.js'
import { Icon } from '../../ui/icon.js'
import { Clock } from '../../ui/time.js'
import type { TailEntry } from './tail.js'

/** One line of what is written. */
export function TailCells({
  entry,
  client,
}: {
  entry: TailEntry
  /** Whose it is, if those of all clients are shown. */
  client: string | undefined
}): JSX.Element {
  const { clientId, conversationId, id, at: time, author, type, preview, channels } = entry
  const who = author?.kind === 'user' ? 'Person' : author?.kind === 'business' ? 'Business' : type
  return (
    <>
      <td class="small quiet">
        <Clock at={time} />
      </td>
      <td>
        <div class="lines">
          <span class="title-line">
            <Icon name={author?.kind === 'user' ? 'person' : author ? 'bot' : 'settings'} />
            {conversationId === undefined ? (
              who
            ) : (
              <a
                class="whole cut"
                href={`${at('clients', clientId, 'conversations', conversationId)}#e-${id}`}
              >
                {who}
              </a>
            )}
          </span>
          <span class="small quiet cut narrow-only">{preview}</span>
        </div>
      </td>
      <td class="wide-only cut" dir="auto">
        {preview === '' ? <span class="quiet">{type}</span> : preview}
      </td>
      <td class="wide-only small quiet cut">{channels.join(', ')}</td>
      {client !== undefined && <td class="wide-only small quiet cut">{client}</td>}
    </>
  )
}
