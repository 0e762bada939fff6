import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePages } from '../../api/pages.js'
import { withQuery } from '../../api/request.js'
import type { AuditEntry } from '../../api/wire.js'
import { setFilters, usePlace } from '../../route/location.js'
import { useClientNames } from '../../shell/scope.js'
import { SelectField } from '../../ui/fields.js'
import { instantOf } from '../../ui/instant.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { short, withShortId } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { PeriodFields } from '../period.js'
import { AuditDetails } from './audit-details.js'
import { Outcome } from './outcome.js'

const NO_FILTERS = {
  action: undefined,
  actor: undefined,
  client: undefined,
  since: undefined,
  until: undefined,
}

/** Who changed what, and from where. */
export function AuditPage(): JSX.Element {
  const { query } = usePlace()
  const list = usePages<AuditEntry>(
    withQuery('audit', {
      action: query.get('action') ?? undefined,
      actor: query.get('actor') ?? undefined,
      clientId: query.get('client') ?? undefined,
      since: instantOf(query.get('since')),
      until: instantOf(query.get('until')),
    }),
  )
  const clients = useClientNames()
  const [opened, setOpened] = useState<AuditEntry>()
  const { items, error, isLoading } = list
  const isFiltered = Object.keys(NO_FILTERS).some((name) => query.has(name))
  return (
    <Page title="Audit log">
      <search class="filters">
        <SearchField
          label="Action"
          placeholder="client.update"
          value={query.get('action') ?? ''}
          change={(action) => setFilters({ action })}
        />
        <ActorField items={items} value={query.get('actor') ?? ''} />
        <ClientField clients={clients} value={query.get('client') ?? ''} />
        <PeriodFields />
      </search>
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && <Nothing isFiltered={isFiltered} />}
      {items.length > 0 && (
        <VirtualList
          label="Changes"
          items={items}
          keyOf={({ id }) => id}
          columns="minmax(0, 2fr) minmax(0, 2fr) minmax(0, 2fr) 7rem 9rem"
          loadMore={list.loadMore}
          head={
            <>
              <th scope="col">Action</th>
              <th scope="col" class="wide-only">
                Who
              </th>
              <th scope="col" class="wide-only">
                Of
              </th>
              <th scope="col" class="wide-only">
                Result
              </th>
              <th scope="col">When</th>
            </>
          }
          row={(entry) => <Cells entry={entry} clients={clients} open={() => setOpened(entry)} />}
          foot={<ListFoot list={list} noun={['change', 'changes']} />}
        />
      )}
      {opened && (
        <AuditDetails
          entry={opened}
          client={opened.clientId === undefined ? undefined : clients.get(opened.clientId)}
          close={() => setOpened(undefined)}
        />
      )}
    </Page>
  )
}

/** Those who are in the list. */
function ActorField({ items, value }: { items: readonly AuditEntry[]; value: string }): JSX.Element {
  const actors = new Map([
    ...(value === '' ? [] : [[value, short(value)] as const]),
    ...items.map(({ actor }) => [actor.id, actor.name] as const),
  ])
  return (
    <SelectField
      label="Who"
      value={value}
      options={[['', 'All'], ...actors]}
      change={(actor) => setFilters({ actor })}
    />
  )
}

function ClientField({
  clients,
  value,
}: {
  clients: ReadonlyMap<string, string>
  value: string
}): JSX.Element {
  const others = value === '' || clients.has(value) ? [] : [[value, short(value)] as const]
  return (
    <SelectField
      label="Client"
      value={value}
      options={[['', 'All'], ...clients, ...others]}
      change={(client) => setFilters({ client })}
    />
  )
}

function Nothing({ isFiltered }: { isFiltered: boolean }): JSX.Element {
  if (!isFiltered) {
    return (
      <Empty icon="audit" title="Nothing was changed">
        <p>Every change that an operator or a program makes is listed here.</p>
      </Empty>
    )
  }
  return (
    <Empty icon="search" title="No change matches">
      <p>Actions are compared whole, such as client.update.</p>
      <button type="button" class="button" onClick={() => setFilters(NO_FILTERS)}>
        Remove the filters
      </button>
    </Empty>
  )
}

function Cells({
  entry: { at, action, actor, from, clientId, target, fields, details, outcome, code },
  clients,
  open,
}: {
  entry: AuditEntry
  clients: ReadonlyMap<string, string>
  open(): void
}): JSX.Element {
  const said = Object.entries(details ?? {}).map(([name, value]) =>
    typeof value === 'string' ? withShortId(value) : `${name}: ${value}`,
  )
  const client = clientId === undefined ? undefined : (clients.get(clientId) ?? `Client ${short(clientId)}`)
  return (
    <>
      <td>
        <div class="lines">
          <button type="button" class="whole mono cut" onClick={open}>
            {action}
          </button>
          <span class="small quiet cut narrow-only">{actor.name}</span>
          <span class="small quiet cut wide-only">
            {(said.length > 0 ? said : (fields ?? [])).join(', ')}
          </span>
        </div>
      </td>
      <td class="wide-only">
        <div class="lines">
          <span class="cut">{actor.name}</span>
          <span class="small quiet cut">{from}</span>
        </div>
      </td>
      <td class="wide-only small quiet">
        <div class="lines">
          <span class="cut">{client}</span>
          <span class="cut">
            {Object.values(target ?? {})
              .map(short)
              .join(' · ')}
          </span>
        </div>
      </td>
      <td class="wide-only" title={code}>
        <Outcome outcome={outcome} />
      </td>
      <td class="small quiet">
        <Time at={at} />
      </td>
    </>
  )
}
