import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import type { Client } from '../../api/wire.js'
import { at, go } from '../../route/location.js'
import { nameOf } from '../../shell/scope.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { TextField } from '../../ui/fields.js'
import { ClientLink } from './client-link.js'

/** What an admin does with a whole client. */
export function ClientActions({ client, reload }: { client: Client; reload(): Promise<void> }): JSX.Element {
  const [dialog, setDialog] = useState<'none' | 'disable' | 'delete' | 'link'>('none')
  const { id, disabled = false } = client
  const [reason, setReason] = useState('')
  const close = () => setDialog('none')
  return (
    <>
      <button type="button" class="button" onClick={() => setDialog('link')}>
        Link for its owner
      </button>
      <button type="button" class="button" onClick={() => setDialog('disable')}>
        {disabled ? 'Enable' : 'Disable'}
      </button>
      <button type="button" class="button danger" onClick={() => setDialog('delete')}>
        Delete
      </button>
      {dialog === 'link' && <ClientLink clientId={id} close={close} />}
      {dialog === 'disable' && (
        <Confirm
          title={disabled ? `Enable ${nameOf(client)}` : `Disable ${nameOf(client)}`}
          action={disabled ? 'Enable' : 'Disable'}
          isDangerous={!disabled}
          close={close}
          run={async () => {
            await request('PATCH', `clients/${id}`, {
              body: {
                disabled: !disabled,
                ...(!disabled && reason.trim() !== '' && { disabledReason: reason.trim() }),
              },
            })
            say(disabled ? 'The client is enabled.' : 'The client is disabled.')
            await reload()
          }}
        >
          <p>
            {disabled
              ? 'What waited is delivered, and the bot can call the API again.'
              : 'Requests of the bot are refused, providers are asked to send later, and deliveries wait. Nothing is lost.'}
          </p>
          {!disabled && (
            <TextField
              label="Reason (optional)"
              hint="Its bot reads this."
              value={reason}
              change={setReason}
            />
          )}
        </Confirm>
      )}
      {dialog === 'delete' && (
        <Confirm
          title={`Delete ${nameOf(client)}`}
          action="Delete for ever"
          isDangerous
          typed={client.name ?? client.id}
          close={close}
          run={async () => {
            await request('DELETE', `clients/${id}`)
            say('The client is deleted.')
            go(at('clients'))
          }}
        >
          <p>Its channels, conversations, messages and files are deleted. This cannot be undone.</p>
        </Confirm>
      )}
    </>
  )
}
