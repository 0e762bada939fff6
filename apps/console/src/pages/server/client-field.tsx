import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { Client } from '../../api/wire.js'
import { nameOf } from '../../shell/scope.js'
import { SelectField, TextField } from '../../ui/fields.js'

/** Most clients that are chosen from a list. */
const MAX_CHOICE = 200

/** Whose something will be: `new` is a client that is made for it. A server with many clients asks for the id. */
export function ClientField({ value, change }: { value: string; change(value: string): void }): JSX.Element {
  const { data } = useQuery<{ items: Client[]; next?: string }>(`clients?limit=${MAX_CHOICE}`)
  if (!data || data.next !== undefined)
    return (
      <TextField
        label="Client"
        hint="Its id, or `new` to make one."
        value={value}
        change={change}
        isRequired
      />
    )
  const options = data.items.map((client) => [client.id, nameOf(client)] as const)
  const isKnown = value === 'new' || options.some(([id]) => id === value)
  return (
    <SelectField
      label="Client"
      value={value}
      change={change}
      options={[['new', 'A new client'], ...options, ...(isKnown ? [] : [[value, value] as const])]}
    />
  )
}
