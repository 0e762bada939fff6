import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { usePages } from '../../api/pages.js'
import { withQuery } from '../../api/request.js'
import type { DeliveryItem } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { useMay } from '../../shell/session.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { short } from '../../ui/short.js'
import { Ahead, Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { ClientCrumb } from '../client-crumb.js'
import { reasonOf } from '../death-reason.js'
import { BulkToolbar } from './bulk.js'
import { countUpTo, DeliveryFilters, filterOf, NO_FILTERS, stateOf } from './filters.js'
import { Jobs } from './jobs.js'

const keyOf = ({ entryId, target }: DeliveryItem): string => `${entryId} ${target.id}`

/** What did not arrive: why, and how it arrives after all. */
export function DeliveriesPage({ params: { clientId = '' } }: PageProps): JSX.Element {
  const { query } = usePlace()
  const state = stateOf(query)
  const base = `clients/${encodeURIComponent(clientId)}`
  const list = usePages<DeliveryItem>(withQuery(`${base}/deliveries`, { state, ...filterOf(query) }))
  const [acts, setActs] = useState(0)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const may = useMay('operator') && state === 'dead'
  const { items, error, isLoading } = list
  const chosen = items.filter((item) => selected.has(keyOf(item)))

  // What waits has not been tried.
  const hasReason = state !== 'pending'
  const count = isLoading && items.length === 0 ? '' : countUpTo(items.length, list.hasMore)
  function reload(): void {
    list.reload()
    setActs(acts + 1)
  }

  function toggle(keys: readonly string[], isOn: boolean): void {
    const next = new Set(selected)
    for (const key of keys) {
      if (isOn) next.add(key)
      else next.delete(key)
    }
    setSelected(next)
  }

  return (
    <Page title="Deliveries" crumb={<ClientCrumb clientId={clientId} />}>
      <DeliveryFilters clientId={clientId} shown={{ count, acts }} />
      <Jobs base={base} done={reload} />
      {state !== 'dead' && (
        <p class="small quiet">
          Of each conversation and target, the next one is listed. What is behind it waits for it.
        </p>
      )}
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && (
        <Nothing state={state} isFiltered={Object.keys(filterOf(query)).length > 0} />
      )}
      {items.length > 0 && (
        <VirtualList
          label="Deliveries"
          items={items}
          keyOf={keyOf}
          canSelect={may}
          columns={`${may ? '1.25rem ' : ''}minmax(0, 2fr) ${hasReason ? 'minmax(0, 3fr) ' : ''}9.5rem 7rem`}
          loadMore={list.loadMore}
          head={
            <>
              {may && (
                <th scope="col">
                  <input
                    type="checkbox"
                    aria-label="Select all that are loaded"
                    checked={chosen.length === items.length}
                    onChange={({ currentTarget }) => toggle(items.map(keyOf), currentTarget.checked)}
                  />
                </th>
              )}
              <th scope="col">Target</th>
              {hasReason && (
                <th scope="col" class="wide-only">
                  Reason
                </th>
              )}
              <th scope="col" class="wide-only">
                Of
              </th>
              <th scope="col">
                {state === 'dead' ? 'Given up' : state === 'retrying' ? 'Next attempt' : 'Accepted'}
              </th>
            </>
          }
          row={(item) => (
            <>
              {may && (
                <td class="above">
                  <input
                    type="checkbox"
                    aria-label={`Select the delivery to ${item.target.label}`}
                    checked={selected.has(keyOf(item))}
                    onChange={({ currentTarget }) => toggle([keyOf(item)], currentTarget.checked)}
                  />
                </td>
              )}
              <Cells clientId={clientId} item={item} hasReason={hasReason} />
            </>
          )}
          foot={<ListFoot list={list} noun={['delivery', 'deliveries']} />}
        />
      )}
      {may && items.length > 0 && (
        <BulkToolbar
          base={base}
          filter={filterOf(query)}
          target={query.has('target') ? items[0]?.target.label : undefined}
          chosen={chosen}
          done={(isAll) => {
            const keys = new Set(chosen.map(keyOf))
            setSelected(new Set())
            if (isAll) return reload()
            list.change((before) => before.filter((item) => !keys.has(keyOf(item))))
            setActs(acts + 1)
          }}
        />
      )}
    </Page>
  )
}

function Cells({
  clientId,
  item,
  hasReason,
}: {
  clientId: string
  item: DeliveryItem
  hasReason: boolean
}): JSX.Element {
  const { conversationId, target, reason, error, type, attempts } = item
  return (
    <>
      <td>
        <div class="lines">
          <a class="whole cut" href={placeOf(clientId, item)}>
            {target.label}
          </a>
          <span class="small quiet cut narrow-only">{reasonOf(reason) ?? error ?? type}</span>
          <span class="small quiet cut wide-only">
            {type} · {attempts === 1 ? '1 attempt' : `${attempts} attempts`}
          </span>
        </div>
      </td>
      {hasReason && (
        <td class="wide-only small">
          <div class="lines">
            <span class="cut">{reasonOf(reason) ?? error ?? ''}</span>
            {error !== undefined && reason !== undefined && (
              <span class="quiet cut" title={error}>
                {error}
              </span>
            )}
          </div>
        </td>
      )}
      <td class="wide-only small quiet" title={conversationId}>
        <div class="lines">
          <span>{subjectOf(type)[0]}</span>
          <span class="mono cut">{short(conversationId)}</span>
        </div>
      </td>
      <td class="small quiet">
        {item.nextAttemptAt !== undefined ? (
          <Ahead at={item.nextAttemptAt} />
        ) : (
          <Time at={item.diedAt ?? item.at} />
        )}
      </td>
    </>
  )
}

/** Kinds of events that are about something else than a conversation. */
const SUBJECTS = { 'user.': ['Person', 'people'], 'health.': ['Channel', 'channels'] } as const

/** What an event is about, by the start of its type. */
const subjectOf = (type: string) =>
  Object.entries(SUBJECTS).find(([start]) => type.startsWith(start))?.[1] ??
  (['Conversation', 'conversations'] as const)

function placeOf(clientId: string, { type, conversationId, entryId }: DeliveryItem): string {
  const [, page] = subjectOf(type)
  const place = at('clients', clientId, page, conversationId)
  return page === 'conversations' ? `${place}#e-${entryId}` : place
}

const EMPTY: Readonly<Record<string, readonly [string, string]>> = {
  dead: ['Nothing was given up', 'What no attempt could deliver is listed here, and can be replayed.'],
  retrying: ['Nothing is being retried', 'What a target refused is listed here until an attempt succeeds.'],
  pending: ['Nothing waits', 'What was accepted and is not delivered yet is listed here.'],
}

function Nothing({ state, isFiltered }: { state: string; isFiltered: boolean }): JSX.Element {
  const [title = '', text = ''] = EMPTY[state] ?? []
  if (!isFiltered)
    return (
      <Empty icon="check" title={title}>
        <p>{text}</p>
      </Empty>
    )
  return (
    <Empty icon="search" title="No delivery matches">
      <button type="button" class="button" onClick={() => setFilters(NO_FILTERS)}>
        Remove the filters
      </button>
    </Empty>
  )
}
