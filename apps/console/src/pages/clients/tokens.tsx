import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { request } from '../../api/request.js'
import type { ClientDetails } from '../../api/wire.js'
import { say } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { Confirm } from '../../ui/confirm.js'
import { CopyId } from '../../ui/copy.js'
import { Secret } from '../../ui/secret.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'

/** The tokens that the bot calls the API with. */
export function Tokens({ client, reload }: { client: ClientDetails; reload(): Promise<void> }): JSX.Element {
  const { id: clientId, tokens = [] } = client
  const [made, setMade] = useState<string>()
  const [revoked, setRevoked] = useState<string>()
  return (
    <section class="card" aria-labelledby="tokens-title">
      <div class="cluster apart">
        <h2 id="tokens-title">Tokens</h2>
        <Action
          icon="plus"
          class="slim"
          run={async () => {
            const { token } = await request<{ token: string }>('POST', `clients/${clientId}/tokens`, {
              body: {},
            })
            setMade(token)
            await reload()
          }}
        >
          New token
        </Action>
      </div>
      <ul class="stack tight">
        {tokens.map(({ id, createdAt }) => (
          <li key={id} class="cluster apart">
            <span>
              <CopyId id={id} /> <span class="small quiet">since</span> <Time at={createdAt} />
            </span>
            {tokens.length > 1 && (
              <button
                type="button"
                class="button slim danger"
                aria-label={`Revoke the token ${short(id)}`}
                onClick={() => setRevoked(id)}
              >
                Revoke
              </button>
            )}
          </li>
        ))}
      </ul>
      {made !== undefined && <Secret title="The new token" value={made} close={() => setMade(undefined)} />}
      {revoked !== undefined && (
        <Confirm
          title="Revoke the token"
          action="Revoke"
          isDangerous
          close={() => setRevoked(undefined)}
          run={async () => {
            await request('DELETE', `clients/${clientId}/tokens/${revoked}`)
            say('The token is revoked.')
            await reload()
          }}
        >
          <p>Requests with this token are refused from now on.</p>
        </Confirm>
      )}
    </section>
  )
}
