import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { asApiError } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import type { ClientDetails } from '../../api/wire.js'
import { say } from '../../shell/toasts.js'
import { TextField } from '../../ui/fields.js'
import { Failure } from '../../ui/notice.js'

const MB = 1_000_000

/** Name and limit of a client. */
export function EditClient({
  client,
  saved,
}: {
  client: ClientDetails
  saved(): Promise<void>
}): JSX.Element {
  const [name, setName] = useState(client.name ?? '')
  const [megabytes, setMegabytes] = useState(
    client.maxStoredBytes === undefined || client.maxStoredBytes === null
      ? ''
      : String(client.maxStoredBytes / MB),
  )
  const [error, setError] = useState<ApiError>()
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setError(undefined)
    try {
      await request('PATCH', `clients/${client.id}`, {
        body: {
          ...(name !== (client.name ?? '') && { name: name.trim() === '' ? null : name.trim() }),
          maxStoredBytes: megabytes === '' ? null : Math.round(Number(megabytes) * MB),
        },
      })
      say('The client is saved.')
      await saved()
    } catch (thrown) {
      setError(asApiError(thrown))
    }
  }
  return (
    <section class="card" aria-labelledby="edit-title">
      <h2 id="edit-title">Name and limit</h2>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          hint="Unique. Webhook addresses of channels have it."
          value={name}
          change={setName}
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
          <button type="submit" class="button primary">
            Save
          </button>
        </div>
      </form>
    </section>
  )
}
