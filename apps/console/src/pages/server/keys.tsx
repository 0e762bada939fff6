import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePages } from '../../api/pages.js'
import { request, withQuery } from '../../api/request.js'
import type { ApiKey } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { CopyId } from '../../ui/copy.js'
import { Icon } from '../../ui/icon.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { CreateKey } from './create-key.js'

/** Keys of programs that use the Sunshine API. */
export function KeysPage(): JSX.Element {
  const { query } = usePlace()
  const client = query.get('client') ?? ''
  const list = usePages<ApiKey>(withQuery('keys', { client }))
  const [isCreating, setIsCreating] = useState(false)
  const [revoked, setRevoked] = useState<ApiKey>()
  const { items, error, isLoading } = list
  return (
    <Page
      title="API keys"
      actions={
        <button type="button" class="button primary" onClick={() => setIsCreating(true)}>
          <Icon name="plus" /> New API key
        </button>
      }
    >
      <p class="quiet">
        Programs that use the Sunshine API call it with a key. Bots of the Messaging API have the tokens of
        their client instead.
      </p>
      <search class="filters">
        <SearchField
          label="Client id"
          placeholder="All clients"
          value={client}
          change={(value) => setFilters({ client: value })}
        />
      </search>
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && (
        <Empty icon="key" title={client === '' ? 'No API key yet' : 'No API key of this client'}>
          <p>A new key lets a program call the Sunshine API.</p>
        </Empty>
      )}
      {items.length > 0 && (
        <VirtualList
          label="API keys"
          items={items}
          keyOf={({ keyId }) => keyId}
          columns="minmax(0, 3fr) minmax(0, 2fr) minmax(0, 2fr) 8rem 6rem"
          loadMore={list.loadMore}
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
          row={(key) => <Cells apiKey={key} revoke={() => setRevoked(key)} />}
          foot={<ListFoot list={list} noun={['key', 'keys']} />}
        />
      )}
      {isCreating && (
        <CreateKey
          clientId={client === '' ? undefined : client}
          close={() => setIsCreating(false)}
          created={list.reload}
        />
      )}
      {revoked && (
        <Confirm
          title={`Revoke the key ${revoked.displayName}`}
          action="Revoke"
          isDangerous
          close={() => setRevoked(undefined)}
          run={async () => {
            await request('DELETE', `keys/${encodeURIComponent(revoked.keyId)}`)
            say('The key is revoked.')
            list.change((before) => before.filter(({ keyId }) => keyId !== revoked.keyId))
          }}
        >
          <p>Requests with this key are refused from now on.</p>
        </Confirm>
      )}
    </Page>
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
