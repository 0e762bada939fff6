import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { Integration } from '../../api/wire.js'
import { at } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { CopyId } from '../../ui/copy.js'
import { Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { Ago, Ahead, Time } from '../../ui/time.js'
import { ClientCrumb } from '../client-crumb.js'
import { DeliveredFacts } from '../target-facts.js'
import { IntegrationActions } from './actions.js'
import { EditIntegration } from './edit.js'
import { IntegrationState } from './integration-state.js'
import { Setup } from './setup.js'

/** How messages reach the server, by mode. */
const WAYS: Readonly<Record<Integration['mode'], string>> = {
  webhook: 'the provider calls a webhook',
  listen: 'over a connection to the provider',
  direct: 'people write to this server itself',
}

/** A channel of a client: whether it works, what to do at the provider, and its configuration. */
export function IntegrationPage({ params: { clientId = '', id = '' } }: PageProps): JSX.Element {
  const path = `clients/${encodeURIComponent(clientId)}/integrations/${encodeURIComponent(id)}`
  const { data, error, reload } = useQuery<Integration>(path, { everyMs: 5_000 })
  return (
    <Page
      title={data?.displayName ?? data?.name ?? 'Channel'}
      crumb={<ClientCrumb clientId={clientId} more={[['Channels', at('clients', clientId, 'channels')]]} />}
      actions={
        data && <IntegrationActions clientId={clientId} path={path} integration={data} reload={reload} />
      }
    >
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          <Health integration={data} />
          <Setup integration={data} />
          <EditIntegration path={path} integration={data} saved={reload} />
        </>
      )}
    </Page>
  )
}

function Health({ integration }: { integration: Integration }): JSX.Element {
  const { id, channel, reason, listening, mode, lastInboundAt, lastOutboundAt } = integration
  return (
    <section class="card" aria-label="Health">
      <div class="cluster">
        <IntegrationState integration={integration} />
        {reason !== undefined && <span>{reason}</span>}
      </div>
      <dl class="facts">
        <dt>Channel</dt>
        <dd>{channel}</dd>
        <dt>Gets messages</dt>
        <dd>
          {WAYS[mode]}
          {listening?.since !== undefined && (
            <>
              , {listening.state} since <Ago at={listening.since} />
            </>
          )}
        </dd>
        <dt>Last received</dt>
        <dd>{lastInboundAt ? <Time at={lastInboundAt} /> : 'never'}</dd>
        <dt>Last sent</dt>
        <dd>{lastOutboundAt ? <Time at={lastOutboundAt} /> : 'never'}</dd>
        <DeliveredFacts of={integration} />
        {listening?.failure && (
          <>
            <dt>Connection</dt>
            <dd>
              {listening.failure.message}
              {listening.nextAttemptAt !== undefined && (
                <>
                  , next attempt <Ahead at={listening.nextAttemptAt} />
                </>
              )}
            </dd>
          </>
        )}
        <dt>Id</dt>
        <dd>
          <CopyId id={id} />
        </dd>
      </dl>
    </section>
  )
}
