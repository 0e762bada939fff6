import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import type { CreatedClient } from '../../api/wire.js'
import { TextField } from '../../ui/fields.js'
import { Failure } from '../../ui/notice.js'
import { useSubmit } from '../../ui/use-submit.js'
import { Credentials } from '../clients/credentials.js'

/** Creates the client of the bot, and shows its token once. */
export function FirstClient({ created }: { created(clientId: string): void }): JSX.Element {
  const [name, setName] = useState('')
  const [made, setMade] = useState<CreatedClient>()
  const { error, isSending, onSubmit } = useSubmit(async () =>
    setMade(await request<CreatedClient>('POST', 'clients', { body: { name: name.trim() } })),
  )
  return (
    <section class="card" aria-label="New client">
      <p class="quiet">
        A client is your bot at this server: with its channels, its conversations and a token for the API.
      </p>
      <form class="form" onSubmit={onSubmit}>
        <TextField
          label="Name"
          hint="Such as the name of the bot."
          value={name}
          change={setName}
          isRequired
          isFocused
        />
        {error && <Failure error={error} />}
        <div class="cluster">
          <button type="submit" class="button primary" disabled={isSending}>
            Create the client
          </button>
        </div>
      </form>
      {made && <Credentials created={made} close={() => created(made.client.id)} />}
    </section>
  )
}
