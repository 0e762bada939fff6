import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { asApiError } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import { copy } from '../../ui/copy.js'
import { Dialog } from '../../ui/dialog.js'
import { SelectField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { Failure } from '../../ui/notice.js'
import { Time } from '../../ui/time.js'

/** A link that opens the console for this client alone. */
export function ClientLink({ clientId, close }: { clientId: string; close(): void }): JSX.Element {
  const [role, setRole] = useState('viewer')
  const [expiresIn, setExpiresIn] = useState('86400')
  const [link, setLink] = useState<{ url: string; expiresAt: string }>()
  const [error, setError] = useState<ApiError>()
  async function create(): Promise<void> {
    setError(undefined)
    try {
      setLink(
        await request('POST', `clients/${clientId}/link`, { body: { role, expiresIn: Number(expiresIn) } }),
      )
    } catch (thrown) {
      setError(asApiError(thrown))
    }
  }
  return (
    <Dialog title="Link for the owner of this client" close={close}>
      <p>Whoever has the link sees this client and nothing else, without an account.</p>
      <SelectField
        label="May"
        value={role}
        change={setRole}
        options={[
          ['viewer', 'look'],
          ['operator', 'look, replay, pause and send'],
        ]}
      />
      <SelectField
        label="Valid for"
        value={expiresIn}
        change={setExpiresIn}
        options={[
          ['3600', 'one hour'],
          ['86400', 'one day'],
          ['604800', 'one week'],
        ]}
      />
      {error && <Failure error={error} />}
      {link && (
        <div class="stack tight">
          <pre>{link.url}</pre>
          <p class="small quiet">
            Until <Time at={link.expiresAt} />
          </p>
        </div>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
        {link ? (
          <button
            type="button"
            class="button primary"
            onClick={() => void copy(link.url, 'The link is copied.')}
          >
            <Icon name="copy" /> Copy the link
          </button>
        ) : (
          <button type="button" class="button primary" onClick={() => void create()}>
            Make a link
          </button>
        )}
      </div>
    </Dialog>
  )
}
