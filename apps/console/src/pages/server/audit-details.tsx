import type { ComponentChildren, JSX } from 'preact'
import type { AuditEntry } from '../../api/wire.js'
import { at } from '../../route/location.js'
import { CopyId } from '../../ui/copy.js'
import { Dialog } from '../../ui/dialog.js'
import { exactTime } from '../../ui/time.js'
import { Outcome } from './outcome.js'

/** All that the log has of one change. */
export function AuditDetails({
  entry,
  client,
  close,
}: {
  entry: AuditEntry
  /** What its client is called. */
  client: string | undefined
  close(): void
}): JSX.Element {
  const { action, actor, from, requestId, clientId, target = {}, fields = [], details = {} } = entry
  return (
    <Dialog title={action} close={close}>
      <dl class="facts">
        <Fact label="Result">
          <Outcome outcome={entry.outcome} /> {entry.code}
        </Fact>
        <Fact label="When">{exactTime(entry.at)}</Fact>
        <Fact label="Who">{actor.name}</Fact>
        <Fact label="From">{from}</Fact>
        {clientId !== undefined && (
          <Fact label="Client">
            {client !== undefined && <a href={at('clients', clientId)}>{client}</a>} <CopyId id={clientId} />
          </Fact>
        )}
        {Object.entries(target).map(([name, id]) => (
          <Fact key={name} label={wordsOf(name)}>
            <CopyId id={id} shown={id} />
          </Fact>
        ))}
        {Object.entries(details).map(([name, value]) => (
          <Fact key={name} label={wordsOf(name)}>
            {String(value)}
          </Fact>
        ))}
        {fields.length > 0 && <Fact label="Members sent">{fields.join(', ')}</Fact>}
        <Fact label="Request">
          <CopyId id={requestId} shown={requestId} />
        </Fact>
      </dl>
      <div class="actions">
        <button type="button" class="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}

const Fact = ({ label, children }: { label: string; children: ComponentChildren }): JSX.Element => (
  <>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </>
)

/** `messageId` as `Message id`. */
function wordsOf(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
