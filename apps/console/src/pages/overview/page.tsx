import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import type { Client, Overview, Rates } from '../../api/wire.js'
import { Chart } from '../../ui/chart.js'
import { Failure, Loading } from '../../ui/notice.js'
import { bytesOf, countOf, rateOf } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { Ago } from '../../ui/time.js'
import { FirstSteps } from './first-steps.js'
import { withEmptyMinutes } from './minutes.js'
import { Replicas } from './replicas.js'
import { Troubles } from './troubles.js'
import { Verdict } from './verdict.js'

const EVERY_MS = 5_000

/** Whether people are being answered, and what keeps them from it. */
export function OverviewPage(): JSX.Element {
  const { data, error, reload } = useQuery<Overview>('overview', { everyMs: EVERY_MS })
  const { data: clients } = useQuery<{ items: Client[] }>('clients?limit=1')
  const isEmpty = clients?.items.length === 0
  return (
    <Page title="Overview">
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          {isEmpty && <FirstSteps />}
          {/* Where nobody is, nobody is answered. */}
          {(!isEmpty || data.troubles.length > 0) && <Verdict overview={data} />}
          {data.troubles.length > 0 && <Troubles troubles={data.troubles} />}
          {data.rates && <Figures rates={data.rates} backlog={data.backlog} />}
          {data.rates && <History rates={data.rates} />}
          {data.replicas && <Replicas replicas={data.replicas} />}
          <p class="small quiet">
            Version {data.version}
            {data.store && ` · Database ${data.store.kind}`}
            {data.store?.sizeBytes !== undefined && `, ${bytesOf(data.store.sizeBytes)}`}
          </p>
        </>
      )}
    </Page>
  )
}

function Figures({
  rates,
  backlog = { streams: 0, isMore: false },
}: {
  rates: Rates
  backlog: Overview['backlog']
}): JSX.Element {
  return (
    <dl class="figures">
      <div>
        <dt>Received per minute</dt>
        <dd>{rateOf(rates.receivedPerMinute)}</dd>
      </div>
      <div>
        <dt>Posted per minute</dt>
        <dd>{rateOf(rates.postedPerMinute)}</dd>
      </div>
      <div>
        <dt>Delivered per minute</dt>
        <dd>{rateOf(rates.deliveredPerMinute)}</dd>
      </div>
      <div>
        <dt>Failed per minute</dt>
        <dd>{rateOf(rates.failedPerMinute)}</dd>
      </div>
      <div>
        <dt>Conversations that wait</dt>
        <dd>
          {countOf(backlog.streams, backlog.isMore)}
          {backlog.oldestAt && (
            <div class="note">
              oldest <Ago at={backlog.oldestAt} />
            </div>
          )}
        </dd>
      </div>
    </dl>
  )
}

function History({ rates: { history: minutes } }: { rates: Rates }): JSX.Element | null {
  const history = useMemo(() => withEmptyMinutes(minutes), [minutes])
  const lines = useMemo(
    () => ({
      at: history.map(({ at: time }) => Date.parse(time) / 1_000),
      series: [
        { label: 'Received', kind: 'in' as const, values: history.map((each) => each.received) },
        { label: 'Posted', kind: 'out' as const, values: history.map((each) => each.posted) },
        { label: 'Delivered', kind: 'ok' as const, values: history.map((each) => each.delivered) },
        { label: 'Failed', kind: 'bad' as const, values: history.map((each) => each.failed) },
      ],
    }),
    [history],
  )
  if (history.length < 2) return null
  return (
    <section class="card" aria-labelledby="history-title">
      <h2 id="history-title">Messages per minute</h2>
      <Chart
        label="Messages per minute: received, posted, delivered and failed. The newest values are above."
        lines={lines}
      />
    </section>
  )
}
