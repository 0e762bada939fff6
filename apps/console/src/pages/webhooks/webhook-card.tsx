import type { JSX } from 'preact'
import type { Webhook } from '../../api/wire.js'
import { at } from '../../route/location.js'
import { useMay } from '../../shell/session.js'
import { CopyId } from '../../ui/copy.js'
import { countOf } from '../../ui/numbers.js'
import { State } from '../../ui/state.js'
import { Ago, durationOf, Time } from '../../ui/time.js'
import { DeliveredFacts } from '../target-facts.js'
import { WebhookActions } from './actions.js'

/** A webhook: whether it takes what it gets, and what helps. */
export function WebhookCard({
  clientId,
  path,
  webhook,
  reload,
}: {
  clientId: string
  path: string
  webhook: Webhook
  reload(): Promise<void>
}): JSX.Element {
  const {
    id,
    url,
    successRate,
    latencyMs,
    latencyP50Ms,
    latencyP95Ms,
    waiting,
    lastDeliveredAt,
    formerSecretUntil,
  } = webhook
  const may = useMay('operator')
  return (
    <article class="card">
      <div class="cluster apart">
        <h2 class="break">{url ?? 'Its events are read'}</h2>
        <WebhookState webhook={webhook} />
      </div>
      <dl class="facts">
        {successRate !== undefined && (
          <>
            <dt>Success</dt>
            <dd class="number">{(successRate * 100).toFixed(successRate < 1 ? 1 : 0)} %</dd>
          </>
        )}
        {latencyMs !== undefined && (
          <>
            <dt>Answers in</dt>
            <dd class="number">
              {durationOf(latencyP50Ms ?? latencyMs)}
              {latencyP95Ms !== undefined && `, 95 % in ${durationOf(latencyP95Ms)}`}
            </dd>
          </>
        )}
        {waiting && (
          <>
            <dt>Waits for readers</dt>
            <dd>
              {countOf(waiting.conversations, waiting.isMore)}{' '}
              {waiting.conversations === 1 ? 'conversation' : 'conversations'}
              {waiting.oldestAt !== undefined && (
                <>
                  , the oldest <Ago at={waiting.oldestAt} />
                </>
              )}
            </dd>
          </>
        )}
        {lastDeliveredAt !== undefined && (
          <>
            <dt>Last delivered</dt>
            <dd>
              <Ago at={lastDeliveredAt} />
            </dd>
          </>
        )}
        {formerSecretUntil !== undefined && (
          <>
            <dt>Old secret</dt>
            <dd>
              signs too until <Time at={formerSecretUntil} />
            </dd>
          </>
        )}
        <DeliveredFacts
          of={webhook}
          deadAt={`${at('clients', clientId, 'deliveries')}?state=dead&target=${encodeURIComponent(id)}`}
        />
        <dt>Id</dt>
        <dd>
          <CopyId id={id} />
        </dd>
      </dl>
      {may && <WebhookActions path={path} webhook={webhook} reload={reload} />}
    </article>
  )
}

function WebhookState({ webhook: { state, paused, circuit } }: { webhook: Webhook }): JSX.Element {
  if (paused)
    return (
      <State tone="warn" icon="pause">
        Paused
      </State>
    )
  if (circuit === 'open') return <State tone="bad">Failing: deliveries wait</State>
  if (state === 'failing') return <State tone="bad">Failing</State>
  if (state === 'gone') return <State tone="bad">Gone: it answered 410</State>
  if (state === 'retrying')
    return (
      <State tone="warn" icon="retry">
        Retrying
      </State>
    )
  return <State tone="ok">Working</State>
}
