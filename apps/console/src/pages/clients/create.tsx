import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import type { CreatedClient } from '../../api/wire.js'
import { at, go } from '../../route/location.js'
import { Confirm } from '../../ui/confirm.js'
import { TextField } from '../../ui/fields.js'
import { Credentials } from './credentials.js'

/** Creates a client, and shows its token once. */
export function CreateClient({ close, created }: { close(): void; created(): void }): JSX.Element {
  const [name, setName] = useState('')
  const [made, setMade] = useState<CreatedClient>()
  if (made) {
    return (
      <Credentials
        created={made}
        close={() => {
          close()
          go(at('clients', made.client.id))
        }}
      />
    )
  }
  return (
    <Confirm
      title="New client"
      action="Create"
      close={() => undefined}
      cancel={close}
      run={async () => {
        const answer = await request<CreatedClient>('POST', 'clients', {
          body: name.trim() === '' ? {} : { name: name.trim() },
        })
        created()
        setMade(answer)
      }}
    >
      <TextField
        label="Name"
        hint="Unique at this server, such as the name of the bot. Parts of addresses use it."
        value={name}
        change={setName}
        isRequired
        isFocused
      />
    </Confirm>
  )
}
