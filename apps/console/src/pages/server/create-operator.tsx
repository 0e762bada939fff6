import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { SelectField, TextField } from '../../ui/fields.js'
import { ROLES } from './roles.js'

/** Lets another person in. */
export function CreateOperator({ close, created }: { close(): void; created(): Promise<void> }): JSX.Element {
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState('viewer')
  return (
    <Confirm
      title="New operator"
      action="Create"
      close={close}
      run={async () => {
        await request('POST', 'operators', { body: { email, role, ...(password !== '' && { password }) } })
        say(`${email} can sign in now.`)
        await created()
      }}
    >
      <TextField label="E-mail" type="email" value={email} change={setEmail} isRequired isFocused />
      <TextField
        label="Password"
        type="password"
        autocomplete="new-password"
        hint="At least 12 characters. Empty: only a sign-in with OpenID Connect is possible."
        value={password}
        change={setPassword}
      />
      <SelectField label="Role" value={role} options={ROLES} change={setRole} />
    </Confirm>
  )
}
