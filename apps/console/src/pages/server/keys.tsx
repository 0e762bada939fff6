import type { JSX } from 'preact'
import { request } from '../../api/request.js'
import type { ApiKey } from '../../api/wire.js'
import { at } from '../../route/location.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { CopyId } from '../../ui/copy.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { ClientList, type ListDialog } from './client-list.js'
import { CreateKey } from './create-key.js'

/** Keys of programs that use the Sunshine API. */
export const KeysPage = (): JSX.Element => (
  <ClientList<ApiKey>
    path="keys"
    title="API keys"
    about="Programs that use the Sunshine API call it with a key. Bots of the Messaging API have the tokens of their client instead."
    noun={['API key', 'API keys']}
    icon="key"
    empty={['No API key yet', 'No API key of this client', 'A new key lets a program call the Sunshine API.']}
    columns="minmax(0, 3fr) minmax(0, 2fr) minmax(0, 2fr) 8rem 6rem"
    head={
      <>
        <th scope="col">Key</th>
        <th scope="col" class="wide-only">
          Client
        </th>
        <th scope="col" class="wide-only">
          Id
        </th>
        <th scope="col" class="wide-only">
          Created
        </th>
        <th scope="col">
          <span class="visually-hidden">Revoke</span>
        </th>
      </>
    }
    keyOf={({ keyId }) => keyId}
    row={(key, revoke) => <Cells apiKey={key} revoke={revoke} />}
    create={({ client, list, close }) => <CreateKey clientId={client} close={close} created={list.reload} />}
    remove={(key, dialog) => <RevokeKey apiKey={key} {...dialog} />}
  />
)

function RevokeKey({
  apiKey: { keyId, displayName },
  list,
  close,
}: ListDialog<ApiKey> & { apiKey: ApiKey }): JSX.Element {
  return (
    <Confirm
      title={`Revoke the key ${displayName}`}
      action="Revoke"
      isDangerous
      close={close}
      run={async () => {
        await request('DELETE', `keys/${encodeURIComponent(keyId)}`)
        say('The key is revoked.')
        list.change((before) => before.filter((key) => key.keyId !== keyId))
      }}
    >
      <p>Requests with this key are refused from now on.</p>
    </Confirm>
  )
}

const SCOPES: Readonly<Record<ApiKey['scope'], string>> = {
  app: 'of one client',
  account: 'of the whole server',
  integration: 'of one custom integration',
}

function Cells({ apiKey, revoke }: { apiKey: ApiKey; revoke(): void }): JSX.Element {
  const { keyId, scope, appId, displayName, createdOn } = apiKey
  return (
    <>
      <td>
        <div class="lines">
          <span class="cut">{displayName}</span>
          <span class="small quiet cut">{SCOPES[scope]}</span>
        </div>
      </td>
      <td class="wide-only small cut">
        {appId === undefined ? '' : <a href={at('clients', appId)}>{short(appId)}</a>}
      </td>
      <td class="wide-only">
        <CopyId id={keyId} />
      </td>
      <td class="wide-only small quiet">
        <Time at={createdOn} />
      </td>
      <td>
        <button
          type="button"
          class="button slim danger"
          aria-label={`Revoke the key ${displayName} ${short(keyId)}`}
          onClick={revoke}
        >
          Revoke
        </button>
      </td>
    </>
  )
}
