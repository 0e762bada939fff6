import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import type { ClientDetails } from '../../api/wire.js'
import { say } from '../../shell/toasts.js'
import { CheckField, TextField } from '../../ui/fields.js'
import { Failure } from '../../ui/notice.js'
import { useSubmit } from '../../ui/use-submit.js'

const MB = 1_000_000

/** Names and limit of a client, and who may write to it. */
export function EditClient({
  client,
  saved,
}: {
  client: ClientDetails
  saved(): Promise<void>
}): JSX.Element {
  const [name, setName] = useState(client.name ?? '')
  const [displayName, setDisplayName] = useState(client.displayName ?? '')
  const [guests, setGuests] = useState(client.guests ?? false)
  const [megabytes, setMegabytes] = useState(
    client.maxStoredBytes === undefined || client.maxStoredBytes === null
      ? ''
      : String(client.maxStoredBytes / MB),
  )
  const { error, isSending, onSubmit } = useSubmit(async () => {
    await request('PATCH', `clients/${client.id}`, {
      body: {
        ...(name !== (client.name ?? '') && { name: name.trim() === '' ? null : name.trim() }),
        ...(displayName !== (client.displayName ?? '') && {
          displayName: displayName.trim() === '' ? null : displayName.trim(),
        }),
        ...(guests !== (client.guests ?? false) && { guests }),
        maxStoredBytes: megabytes === '' ? null : Math.round(Number(megabytes) * MB),
      },
    })
    say('The client is saved.')
    await saved()
  })
  return (
    <section class="card" aria-labelledby="edit-title">
      <h2 id="edit-title">Name and limit</h2>
      <form class="form" onSubmit={onSubmit}>
        <TextField
          label="Name"
          hint="Unique. Webhook addresses of channels have it."
          value={name}
          change={setName}
        />
        <TextField
          label="Name for people"
          hint="Shown here. Owners of projects see it too. Empty: the name above."
          value={displayName}
          change={setDisplayName}
        />
        <CheckField
          label="Guests may write"
          hint="The Smartify API takes people without an account."
          isOn={guests}
          change={setGuests}
        />
        <TextField
          label="May store, in MB"
          type="number"
          hint="Messages, files and data of users. Empty: the limit of the server. 0: no limit."
          value={megabytes}
          change={setMegabytes}
        />
        {error && <Failure error={error} />}
        <div class="cluster">
          <button type="submit" class="button primary" disabled={isSending}>
            Save
          </button>
        </div>
      </form>
    </section>
  )
}
