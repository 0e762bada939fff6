import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePages } from '../../api/pages.js'
import { withQuery } from '../../api/request.js'
import type { Client } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import { nameOf } from '../../shell/scope.js'
import { useMay } from '../../shell/session.js'
import { CopyId } from '../../ui/copy.js'
import { Icon } from '../../ui/icon.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { counted } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { State } from '../../ui/state.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { CreateClient } from './create.js'

/** The bots that use this server. */
export function ClientsPage(): JSX.Element {
  const { query } = usePlace()
  const search = query.get('search') ?? ''
  const list = usePages<Client>(withQuery('clients', { search }))
  const may = useMay('admin')
  const [isCreating, setIsCreating] = useState(false)
  const { items, error, isLoading } = list
  const create = (
    <button type="button" class="button primary" onClick={() => setIsCreating(true)}>
      <Icon name="plus" /> New client
    </button>
  )
  return (
    <Page title="Clients" actions={may && create}>
      <search class="filters">
        <SearchField
          label="Search"
          placeholder="Name or id"
          value={search}
          change={(value) => setFilters({ search: value })}
        />
      </search>
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && search === '' && (
        <Empty icon="client" title="No client yet">
          <p>A client is a bot with its channels, conversations and credentials.</p>
          <a class="button" href={at('start')}>
            Show me the three steps
          </a>
        </Empty>
      )}
      {items.length === 0 && !isLoading && !error && search !== '' && (
        <Empty icon="search" title="No client matches">
          <p>Names are found by how they begin, ids whole.</p>
        </Empty>
      )}
      {items.length > 0 && (
        <VirtualList
          label="Clients"
          items={items}
          keyOf={({ id }) => id}
          columns="minmax(0, 3fr) minmax(0, 3fr) 9rem 8.5rem 8rem"
          loadMore={list.loadMore}
          head={
            <>
              <th scope="col">Name</th>
              <th scope="col" class="wide-only">
                Channels and webhooks
              </th>
              <th scope="col" class="wide-only">
                Id
              </th>
              <th scope="col">State</th>
              <th scope="col" class="wide-only">
                Created
              </th>
            </>
          }
          row={(client) => <Cells client={client} />}
          foot={<ListFoot list={list} noun={['client', 'clients']} />}
        />
      )}
      {isCreating && <CreateClient close={() => setIsCreating(false)} created={list.reload} />}
    </Page>
  )
}

function Cells({ client }: { client: Client }): JSX.Element {
  const { id, name, displayName, disabled, createdAt, integrations = [], webhooks } = client
  return (
    <>
      <td>
        <div class="lines">
          <a class="whole cut" href={at('clients', id)}>
            {nameOf(client)}
          </a>
          {displayName !== undefined && name !== undefined && <span class="small quiet cut">{name}</span>}
        </div>
      </td>
      <td class="wide-only small quiet cut">
        {[
          ...integrations.map((integration) => integration.name),
          ...(webhooks ? [counted(webhooks, 'webhook', 'webhooks')] : []),
        ].join(', ')}
      </td>
      <td class="wide-only">
        <CopyId id={id} />
      </td>
      <td>
        <ClientState
          isDisabled={disabled === true}
          integrations={integrations}
          isEmpty={integrations.length === 0 && !webhooks}
        />
      </td>
      <td class="wide-only small quiet">
        <Time at={createdAt} />
      </td>
    </>
  )
}

function ClientState({
  isDisabled,
  isEmpty,
  integrations,
}: {
  isDisabled: boolean
  /** Nothing comes in, and nothing goes out. */
  isEmpty: boolean
  integrations: readonly { status: string }[]
}): JSX.Element {
  if (isDisabled)
    return (
      <State tone="warn" icon="pause">
        Disabled
      </State>
    )
  if (integrations.some(({ status }) => status === 'paused')) return <State tone="warn">Channel paused</State>
  if (isEmpty) return <State tone="none">Not set up</State>
  return <State tone="ok">In use</State>
}
