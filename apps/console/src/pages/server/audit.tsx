import type { JSX } from 'preact'
import { usePages } from '../../api/pages.js'
import { withQuery } from '../../api/request.js'
import type { AuditEntry } from '../../api/wire.js'
import { setFilters, usePlace } from '../../route/location.js'
import { TextField } from '../../ui/fields.js'
import { instantOf } from '../../ui/instant.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { SearchField } from '../../ui/search-field.js'
import { State } from '../../ui/state.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { PeriodFields } from '../period.js'

/** Who changed what, and from where. */
export function AuditPage(): JSX.Element {
  const { query } = usePlace()
  const list = usePages<AuditEntry>(
    withQuery('audit', {
      action: query.get('action') ?? undefined,
      clientId: query.get('client') ?? undefined,
      since: instantOf(query.get('since')),
      until: instantOf(query.get('until')),
    }),
  )
  const { items, error, isLoading } = list
  return (
    <Page title="Audit log">
      <search class="filters">
        <SearchField
          label="Action"
          placeholder="client.rename"
          value={query.get('action') ?? ''}
          change={(action) => setFilters({ action })}
        />
        <TextField
          label="Client id"
          value={query.get('client') ?? ''}
          change={(client) => setFilters({ client })}
        />
        <PeriodFields />
      </search>
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && (
        <Empty icon="audit" title="Nothing was changed">
          <p>Every change that an operator or a program makes is listed here.</p>
        </Empty>
      )}
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
          row={(entry) => <Cells entry={entry} />}
          foot={<ListFoot list={list} noun={['change', 'changes']} />}
        />
      )}
    </Page>
  )
}

function Cells({ entry }: { entry: AuditEntry }): JSX.Element {
  const { at, action, actor, from, requestId, clientId, target, fields, outcome } = entry
  return (
    <>
      <td>
        <div class="lines">
          <span class="mono cut">{action}</span>
          <span class="small quiet cut narrow-only">{actor.name}</span>
          <span class="small quiet cut wide-only" title={`Request ${requestId}`}>
            {fields && fields.length > 0 ? fields.join(', ') : `request ${requestId}`}
          </span>
        </div>
      </td>
      <td class="wide-only">
        <div class="lines">
          <span class="cut">{actor.name}</span>
          <span class="small quiet cut">{from}</span>
        </div>
      </td>
      <td class="wide-only small quiet cut" title={clientId}>
        {[clientId, ...Object.values(target ?? {})].filter((part) => part !== undefined).join(' · ')}
      </td>
      <td class="wide-only">
        <Outcome outcome={outcome} />
      </td>
      <td class="small quiet">
        <Time at={at} />
      </td>
    </>
  )
}

function Outcome({ outcome }: { outcome: AuditEntry['outcome'] }): JSX.Element {
  if (outcome === 'done') return <State tone="ok">Done</State>
  if (outcome === 'started')
    return (
      <State tone="none" icon="wait">
        Started
      </State>
    )
  if (outcome === 'refused') return <State tone="warn">Refused</State>
  return <State tone="bad">Failed</State>
}
