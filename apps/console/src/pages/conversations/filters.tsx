import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { setFilters, usePlace } from '../../route/location.js'
import { SelectField } from '../../ui/fields.js'
import { instantOf } from '../../ui/instant.js'
import { SearchField } from '../../ui/search-field.js'
import { PeriodFields } from '../period.js'

/** What the text of the search is compared with. */
const KINDS = [
  ['identity', 'Address'],
  ['user', 'User id'],
  ['externalId', 'External id'],
] as const

/** Filters of the address, as the API takes them. */
export function searchOf(query: URLSearchParams): Record<string, string | undefined> {
  const find = query.get('find') ?? ''
  const by = KINDS.find(([kind]) => kind === query.get('by'))?.[0] ?? 'identity'
  return {
    ...(find !== '' && { [by]: find }),
    integration: query.get('integration') ?? undefined,
    since: instantOf(query.get('since')),
    until: instantOf(query.get('until')),
  }
}

/** Who, where and when. */
export function ConversationFilters({ clientId }: { clientId: string }): JSX.Element {
  const { query } = usePlace()
  const { data } = useQuery<{ items: { id: string; name: string; channel: string }[] }>(
    `clients/${encodeURIComponent(clientId)}/integrations`,
  )
  return (
    <search class="filters">
      <SearchField
        label="Search"
        placeholder="+49 151 2345678"
        value={query.get('find') ?? ''}
        change={(find) => setFilters({ find })}
      />
      <SelectField
        label="by"
        options={KINDS}
        value={query.get('by') ?? 'identity'}
        change={(by) => setFilters({ by })}
      />
      <SelectField
        label="Channel"
        options={[['', 'All'], ...(data?.items ?? []).map(({ name }) => [name, name] as const)]}
        value={query.get('integration') ?? ''}
        change={(integration) => setFilters({ integration })}
      />
      <PeriodFields labels={['Active since', 'Active until']} />
    </search>
  )
}
