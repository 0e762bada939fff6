import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import { Confirm } from '../../ui/confirm.js'
import { copy } from '../../ui/copy.js'
import { Dialog } from '../../ui/dialog.js'
import { SelectField, TextField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { ClientField } from './client-field.js'

interface MadeKey {
  appId?: string
  keyId: string
  secret: string
}

/** The scopes, with what a key of each may do. Programs make those of their custom integrations with the Sunshine API. */
const SCOPES = [
  ['app', 'One client: its app'],
  ['account', 'The whole server: makes and removes apps'],
] as const

/** Creates a key of the Sunshine API, and shows its secret once. */
export function CreateKey({
  clientId,
  close,
  created,
}: {
  /** Of whom it is, unless somebody chooses another. */
  clientId: string | undefined
  close(): void
  created(): void
}): JSX.Element {
  const [scope, setScope] = useState<string>('app')
  const [client, setClient] = useState(clientId ?? 'new')
  const [displayName, setDisplayName] = useState('')
  const [made, setMade] = useState<MadeKey>()
  if (made) return <Made made={made} close={close} />
  return (
    <Confirm
      title="New API key"
      action="Create"
      close={() => undefined}
      cancel={close}
      run={async () => {
        const answer = await request<MadeKey>('POST', 'keys', {
          body: {
            scope,
            ...(scope === 'app' && { client }),
            ...(displayName.trim() !== '' && { displayName: displayName.trim() }),
          },
        })
        created()
        setMade(answer)
      }}
    >
      <SelectField label="May be used for" value={scope} options={SCOPES} change={setScope} />
      {scope === 'app' && <ClientField value={client} change={setClient} />}
      <TextField
        label="Name (optional)"
        hint="Who uses it."
        value={displayName}
        change={setDisplayName}
        isFocused
      />
    </Confirm>
  )
}

function Made({ made: { appId, keyId, secret }, close }: { made: MadeKey; close(): void }): JSX.Element {
  const rows: readonly (readonly [ApiKeyPart, string])[] = [
    ...(appId === undefined ? [] : [['App', appId] as const]),
    ['Key', keyId],
    ['Secret', secret],
  ]
  return (
    <Dialog title="The API key is created" close={close}>
      <p>The program needs these. The secret is shown only now.</p>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <>
            <dt key={name}>{name}</dt>
            <dd>
              <code class="break">{value}</code>
            </dd>
          </>
        ))}
      </dl>
      <div class="actions">
        <button
          type="button"
          class="button"
          onClick={() => void copy(rows.map(([name, value]) => `${name}: ${value}`).join('\n'))}
        >
          <Icon name="copy" /> Copy all
        </button>
        <button type="button" class="button primary" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  )
}

type ApiKeyPart = 'App' | 'Key' | 'Secret'
