import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { TextField } from '../../ui/fields.js'
import { ClientField } from './client-field.js'

/** Makes somebody the owner of a client, or gives an owner another password. */
export function CreateOwner({
  clientId,
  close,
  created,
}: {
  clientId: string | undefined
  close(): void
  created(): void
}): JSX.Element {
  const [client, setClient] = useState(clientId ?? 'new')
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [firstName, setFirstName] = useState('')
  const [lastName, setLastName] = useState('')
  return (
    <Confirm
      title="New owner"
      action="Create"
      close={close}
      run={async () => {
        await request('POST', 'owners', {
          body: {
            ...{ client, email, password },
            ...(firstName.trim() !== '' && { firstName: firstName.trim() }),
            ...(lastName.trim() !== '' && { lastName: lastName.trim() }),
          },
        })
        say(`${email} can sign in now.`)
        created()
      }}
    >
      <ClientField value={client} change={setClient} />
      <TextField
        label="E-mail"
        type="email"
        hint="An existing owner gets this password."
        value={email}
        change={setEmail}
        isRequired
        isFocused
      />
      <TextField
        label="Password"
        type="password"
        autocomplete="new-password"
        hint="At least 8 characters."
        value={password}
        change={setPassword}
        isRequired
      />
      <TextField label="First name (optional)" value={firstName} change={setFirstName} />
      <TextField label="Last name (optional)" value={lastName} change={setLastName} />
    </Confirm>
  )
}
