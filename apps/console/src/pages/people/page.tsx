import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { withQuery } from '../../api/request.js'
import type { Person } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { SelectField } from '../../ui/fields.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { counted } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { ClientCrumb } from '../client-crumb.js'

const KINDS = [
  ['identity', 'Address'],
  ['user', 'User id'],
  ['externalId', 'External id'],
] as const

/** What such a search may look like. */
const PLACEHOLDERS = {
  identity: '+49 151 2345678',
  user: 'Id of the user',
  externalId: 'Id that the bot gave',
}

/** Finds a person by what is known about one. */
export function PeoplePage({ params: { clientId = '' } }: PageProps): JSX.Element {
  const { query } = usePlace()
  const find = query.get('find') ?? ''
  const by = KINDS.find(([kind]) => kind === query.get('by'))?.[0] ?? 'identity'
  const path = withQuery(`clients/${encodeURIComponent(clientId)}/people`, { [by]: find })
  const { data, error, isLoading, reload } = useQuery<{ items: Person[] }>(find === '' ? undefined : path)
  const items = data?.items ?? []
  return (
    <Page title="People" crumb={<ClientCrumb clientId={clientId} />}>
      <search class="filters">
        <SearchField
          label="Search"
          placeholder={PLACEHOLDERS[by]}
          value={find}
          change={(value) => setFilters({ find: value })}
        />
        <SelectField label="by" value={by} options={KINDS} change={(value) => setFilters({ by: value })} />
      </search>
      {error && <Failure error={error} retry={reload} />}
      {find === '' && (
        <Empty icon="person" title="Whom do you look for?">
          <p>Enter a telephone number, an e-mail address, an id at a platform, or an id of the bot.</p>
        </Empty>
      )}
      {find !== '' && items.length === 0 && isLoading && <Loading />}
      {find !== '' && items.length === 0 && !isLoading && !error && (
        <Empty icon="search" title="Nobody was found">
          <p>
            Addresses are compared whole: enter the complete telephone number, e-mail address or user name.
          </p>
        </Empty>
      )}
      {items.length > 0 && (
        <VirtualList
          label="People"
          items={items}
          keyOf={({ id }) => id}
          columns="minmax(0, 2fr) minmax(0, 3fr) 9rem"
          head={
            <>
              <th scope="col">Person</th>
              <th scope="col" class="wide-only">
                About
              </th>
              <th scope="col">Since</th>
            </>
          }
          row={({ id, name, email, externalId, locale, createdAt }) => (
            <>
              <td>
                <a class="whole cut" href={at('clients', clientId, 'people', id)}>
                  {name ?? email ?? (by === 'identity' ? find : `User ${short(id)}`)}
                </a>
              </td>
              <td class="wide-only cut quiet">
                {[...(by === 'identity' ? [find] : []), email, externalId, locale]
                  .filter((part) => part !== undefined)
                  .join(' · ')}
              </td>
              <td class="small quiet">
                <Time at={createdAt} />
              </td>
            </>
          )}
          foot={<span>{counted(items.length, 'person', 'people')}</span>}
        />
      )}
    </Page>
  )
}
