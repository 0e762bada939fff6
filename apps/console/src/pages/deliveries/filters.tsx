import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { Webhook } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import { SelectField } from '../../ui/fields.js'
import { instantOf } from '../../ui/instant.js'
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

export const stateOf = (query: URLSearchParams): 'dead' | 'retrying' | 'pending' =>
  STATES.find(([state]) => state === query.get('state'))?.[0] ?? 'dead'

/** Filters of the address, as the API takes them. */
export function filterOf(query: URLSearchParams): Record<string, string> {
  const filter: Record<string, string> = {}
  const isDead = stateOf(query) === 'dead'
  for (const name of isDead ? ['target', 'channel', 'reason'] : ['target', 'channel']) {
    const value = query.get(name)
    if (value) filter[name] = value
  }
  for (const name of isDead ? ['since', 'until'] : []) {
    const value = instantOf(query.get(name))
    if (value !== undefined) filter[name] = value
  }
  return filter
}

/** The state as tabs, and where, why and when. */
export function DeliveryFilters({ clientId }: { clientId: string }): JSX.Element {
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
            {label}
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
        {state === 'dead' && <PeriodFields />}
      </search>
    </>
  )
}
