import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { withQuery } from '../../api/request.js'
import type { Webhook } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import { SelectField } from '../../ui/fields.js'
import { instantOf } from '../../ui/instant.js'
import { countOf } from '../../ui/numbers.js'
import { REASONS } from '../death-reason.js'
import { PeriodFields } from '../period.js'

export const NO_FILTERS = {
  target: undefined,
  channel: undefined,
  reason: undefined,
  since: undefined,
  until: undefined,
}

const STATES = [
  ['dead', 'Given up'],
  ['retrying', 'Retrying'],
  ['pending', 'Waiting'],
] as const

type State = (typeof STATES)[number][0]

export const stateOf = (query: URLSearchParams): State =>
  STATES.find(([state]) => state === query.get('state'))?.[0] ?? 'dead'

/** Filters of the address, as the API takes them. Only what was given up has a reason. */
export function filterOf(query: URLSearchParams, state = stateOf(query)): Record<string, string> {
  const filter: Record<string, string> = {}
  for (const name of state === 'dead' ? ['target', 'channel', 'reason'] : ['target', 'channel']) {
    const value = query.get(name)
    if (value) filter[name] = value
  }
  for (const name of ['since', 'until']) {
    const value = instantOf(query.get(name))
    if (value !== undefined) filter[name] = value
  }
  return filter
}

/** The state as tabs, and where, why and when. `shown`: how many the list has, and how often something was done about them. */
export function DeliveryFilters({
  clientId,
  shown,
}: {
  clientId: string
  shown: { count: string; acts: number }
}): JSX.Element {
  const { query } = usePlace()
  const state = stateOf(query)
  const base = `clients/${encodeURIComponent(clientId)}`
  const webhooks = useQuery<{ items: Pick<Webhook, 'id' | 'label'>[] }>(`${base}/webhooks`)
  const integrations = useQuery<{ items: { id: string; name: string; channel: string }[] }>(
    `${base}/integrations`,
  )
  const target = query.get('target') ?? ''
  const targets = [
    ...(webhooks.data?.items ?? []).map(({ id, label }) => [id, label] as const),
    ...(integrations.data?.items ?? []).map(({ id, name }) => [id, name] as const),
  ]
  const channel = query.get('channel') ?? ''
  const channels = new Set([
    ...(integrations.data?.items ?? []).map((each) => each.channel),
    ...(channel === '' ? [] : [channel]),
  ])
  const isKnown = target === '' || targets.some(([id]) => id === target)
  const tab = (next: string) => {
    const params = new URLSearchParams(query)
    params.set('state', next)
    return `${at('clients', clientId, 'deliveries')}?${params}`
  }
  return (
    <>
      <nav class="tabs" aria-label="State">
        {STATES.map(([value, label]) => (
          <a key={value} href={tab(value)} {...(value === state && { 'aria-current': 'page' as const })}>
            {label}{' '}
            {value === state ? (
              <span class="number quiet">{shown.count}</span>
            ) : (
              <Count key={`${state} ${shown.acts}`} path={`${base}/deliveries`} of={value} />
            )}
          </a>
        ))}
      </nav>
      <search class="filters">
        <SelectField
          label="Target"
          value={target}
          options={[['', 'All'], ...targets, ...(isKnown ? [] : [[target, target] as const])]}
          change={(value) => setFilters({ target: value })}
        />
        <SelectField
          label="Channel"
          value={channel}
          options={[['', 'All'], ...[...channels].map((name) => [name, name] as const)]}
          change={(value) => setFilters({ channel: value })}
        />
        {state === 'dead' && (
          <SelectField
            label="Reason"
            value={query.get('reason') ?? ''}
            options={[['', 'All'], ...REASONS]}
            change={(reason) => setFilters({ reason })}
          />
        )}
        <PeriodFields
          labels={
            state === 'dead' ? ['Given up since', 'Given up until'] : ['Accepted since', 'Accepted until']
          }
        />
      </search>
    </>
  )
}

/** Deliveries that are counted for a tab: as many as a short page has. */
const COUNTED = 20

/** How many another tab has. */
function Count({ path, of: state }: { path: string; of: State }): JSX.Element | null {
  const { query } = usePlace()
  const page = withQuery(path, { state, ...filterOf(query, state), limit: COUNTED })
  const { data } = useQuery<{ items: unknown[]; next?: string }>(page)
  if (!data) return null
  return <span class="number quiet">{countUpTo(data.items.length, data.next !== undefined)}</span>
}

/** `20+` of a list that goes on; nothing if none of it was found yet. */
export const countUpTo = (count: number, isMore: boolean): string =>
  !isMore ? countOf(count) : count === 0 ? '' : `${countOf(count)}+`
