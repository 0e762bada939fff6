import type { JSX } from 'preact'
import type { Integration, Webhook } from '../api/wire.js'
import { countOf } from '../ui/numbers.js'
import { Ago } from '../ui/time.js'

/** What became of the deliveries of a webhook or a channel, for its list of facts. `deadAt`: where those are that were given up. */
export function DeliveredFacts({
  of: { counts, lastFailure },
  deadAt,
}: {
  of: Pick<Integration | Webhook, 'counts' | 'lastFailure'>
  deadAt?: string
}): JSX.Element {
  const dead = counts && counts.dead > 0 ? `${countOf(counts.dead)} given up` : undefined
  return (
    <>
      {counts && (
        <>
          <dt>Delivered</dt>
          <dd class="number">
            {countOf(counts.delivered)}
            {dead !== undefined && ', '}
            {dead !== undefined && deadAt !== undefined ? <a href={deadAt}>{dead}</a> : dead}
          </dd>
        </>
      )}
      {lastFailure && (
        <>
          <dt>Last failure</dt>
          <dd>
            <Ago at={lastFailure.at} />: {lastFailure.message}
          </dd>
        </>
      )}
    </>
  )
}
