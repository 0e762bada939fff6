import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePages } from '../../api/pages.js'
import { request, withQuery } from '../../api/request.js'
import type { Owner } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { Icon } from '../../ui/icon.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { counted } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { CreateOwner } from './create-owner.js'

/** Projects of an owner that a row names. */
const SHOWN = 3

/** People who sign in with the Smartify API. */
export function OwnersPage(): JSX.Element {
  const { query } = usePlace()
  const client = query.get('client') ?? ''
  const list = usePages<Owner>(withQuery('owners', { client }))
  const [isCreating, setIsCreating] = useState(false)
  const [removed, setRemoved] = useState<Owner>()
  const { items, error, isLoading } = list
  return (
    <Page
      title="Owners"
      actions={
        <button type="button" class="button primary" onClick={() => setIsCreating(true)}>
          <Icon name="plus" /> New owner
        </button>
      }
    >
      <p class="quiet">
        Owners sign in with the Smartify API, where a client is called a project. They cannot sign in here.
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
        <Empty icon="person" title={client === '' ? 'No owner yet' : 'This client has no owner'}>
          <p>An owner manages a project with the Smartify API.</p>
        </Empty>
      )}
      {items.length > 0 && (
        <VirtualList
          label="Owners"
          items={items}
          keyOf={({ userId }) => userId}
          columns="minmax(0, 3fr) minmax(0, 3fr) 8rem 7rem"
          loadMore={list.loadMore}
          head={
            <>
              <th scope="col">Who</th>
              <th scope="col" class="wide-only">
                Clients
              </th>
              <th scope="col" class="wide-only">
                Since
              </th>
              <th scope="col">
                <span class="visually-hidden">Remove</span>
              </th>
            </>
          }
          row={(owner) => <Cells owner={owner} remove={() => setRemoved(owner)} />}
          foot={<ListFoot list={list} noun={['owner', 'owners']} />}
        />
      )}
      {isCreating && (
        <CreateOwner
          clientId={client === '' ? undefined : client}
          close={() => setIsCreating(false)}
          created={list.reload}
        />
      )}
      {removed && (
        <Confirm
          title={`Remove ${removed.email}`}
          action="Remove"
          isDangerous
          close={() => setRemoved(undefined)}
          run={async () => {
            await request('DELETE', withQuery(`owners/${encodeURIComponent(removed.userId)}`, { client }))
            say(`${removed.email} is no owner any more.`)
            list.reload()
          }}
        >
          <p>
            {client === ''
              ? `${counted(removed.projects.length, 'client loses', 'clients lose')} this owner. The clients stay, with everything that they have.`
              : 'The client loses this owner. It stays, with everything that it has.'}
          </p>
        </Confirm>
      )}
    </Page>
  )
}

function Cells({ owner, remove }: { owner: Owner; remove(): void }): JSX.Element {
  const { email, firstName, lastName, projects, createdOn } = owner
  const name = [firstName, lastName].filter((part) => part !== undefined).join(' ')
  return (
    <>
      <td>
        <div class="lines">
          <span class="cut">{email}</span>
          {name !== '' && <span class="small quiet cut">{name}</span>}
        </div>
      </td>
      <td class="wide-only small cut">
        {projects.slice(0, SHOWN).map((id, n) => (
          <span key={id}>
            {n > 0 && ', '}
            <a href={at('clients', id)}>{short(id)}</a>
          </span>
        ))}
        {projects.length > SHOWN && ` and ${projects.length - SHOWN} more`}
      </td>
      <td class="wide-only small quiet">
        <Time at={createdOn} />
      </td>
      <td>
        <button type="button" class="button slim danger" aria-label={`Remove ${email}`} onClick={remove}>
          Remove
        </button>
      </td>
    </>
  )
}
