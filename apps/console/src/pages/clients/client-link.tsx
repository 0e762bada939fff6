import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { asApiError } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import { say } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { copy } from '../../ui/copy.js'
import { Dialog } from '../../ui/dialog.js'
import { SelectField, TextField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { Failure } from '../../ui/notice.js'
import { Time } from '../../ui/time.js'

/** A link that opens the console for this client alone. */
export function ClientLink({ clientId, close }: { clientId: string; close(): void }): JSX.Element {
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [expiresIn, setExpiresIn] = useState('86400')
  const [link, setLink] = useState<{ id: string; url: string; expiresAt: string }>()
  const [error, setError] = useState<ApiError>()
  /** A link has what was chosen before it was made. */
  const changed = (set: (value: string) => void) => (value: string) => {
    set(value)
    setLink(undefined)
  }
  async function revoke({ id }: { id: string }): Promise<void> {
    await request('DELETE', `clients/${clientId}/links/${id}`)
    setLink(undefined)
    say('The link is revoked, and its sessions have ended.')
  }
  async function create(): Promise<void> {
    setError(undefined)
    try {
      setLink(
        await request('POST', `clients/${clientId}/link`, {
          body: { role, expiresIn: Number(expiresIn), ...(name.trim() !== '' && { name: name.trim() }) },
        }),
      )
    } catch (thrown) {
      setError(asApiError(thrown))
    }
  }
  return (
    <Dialog title="Link for the owner of this client" close={close}>
      <p>Whoever has the link sees this client and nothing else, without an account.</p>
      <TextField
        label="For whom (optional)"
        hint="Stands in the audit log, and the one who opens the link sees it."
        value={name}
        change={changed(setName)}
        isFocused
      />
      <SelectField
        label="May"
        value={role}
        change={changed(setRole)}
        options={[
          ['viewer', 'look'],
          ['operator', 'look, replay, pause and send'],
        ]}
      />
      <SelectField
        label="Valid for"
        value={expiresIn}
        change={changed(setExpiresIn)}
        options={[
          ['3600', 'one hour'],
          ['86400', 'one day'],
          ['604800', 'one week'],
          ['2592000', '30 days'],
        ]}
      />
      {error && <Failure error={error} />}
      {link && (
        <div class="stack tight">
          <pre>{link.url}</pre>
          <div class="cluster apart">
            <p class="small quiet">
              Until <Time at={link.expiresAt} />. It is shown only now.
            </p>
            <Action class="slim danger" run={() => revoke(link)}>
              Revoke
            </Action>
          </div>
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
