import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { Integration } from '../../api/wire.js'
import { at } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { useMay } from '../../shell/session.js'
import { Icon } from '../../ui/icon.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { Searched } from '../../ui/searched.js'
import { Ago } from '../../ui/time.js'
import { ClientCrumb } from '../client-crumb.js'
import { DeliveredFacts } from '../target-facts.js'
import { IntegrationState } from './integration-state.js'

const EVERY_MS = 10_000

/** The channels of a client, and whether each works. */
export function ChannelsPage({ params: { clientId = '' } }: PageProps): JSX.Element {
  const { data, error, reload } = useQuery<{ items: Integration[] }>(
    `clients/${encodeURIComponent(clientId)}/integrations`,
    { everyMs: EVERY_MS },
  )
  const may = useMay('admin')
  const add = (
    <a class="button primary" href={at('clients', clientId, 'channels', 'new')}>
      <Icon name="plus" /> Add a channel
    </a>
  )
  return (
    <Page
      title="Channels"
      crumb={<ClientCrumb clientId={clientId} />}
      actions={may && data && data.items.length > 0 && add}
    >
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data?.items.length === 0 && (
        <Empty icon="channel" title="No channel yet">
          <p>A channel connects the client to a platform where people write, such as Telegram or WhatsApp.</p>
          {may && add}
        </Empty>
      )}
      {data && (
        <Searched items={data.items} textOf={textOf} placeholder="telegram" none="No channel matches">
          {(found) => (
            <ul class="cards">
              {found.map((integration) => (
                <li key={integration.id}>
                  <Card clientId={clientId} integration={integration} />
                </li>
              ))}
            </ul>
          )}
        </Searched>
      )}
    </Page>
  )
}

const textOf = ({ name, displayName, channel }: Integration): string =>
  `${name} ${displayName ?? ''} ${channel}`

function Card({ clientId, integration }: { clientId: string; integration: Integration }): JSX.Element {
  const { id, name, channel, reason, lastInboundAt, lastOutboundAt } = integration
  return (
    <article class="card whole-card">
      <div class="cluster apart">
        <h2>
          <a class="whole" href={at('clients', clientId, 'channels', id)}>
            {name}
          </a>
        </h2>
        <IntegrationState integration={integration} />
      </div>
      {name !== channel && <p class="small quiet">{channel}</p>}
      {reason !== undefined && <p class="small break">{reason}</p>}
      <dl class="facts small">
        <dt>Last received</dt>
        <dd>{lastInboundAt ? <Ago at={lastInboundAt} /> : 'never'}</dd>
        <dt>Last sent</dt>
        <dd>{lastOutboundAt ? <Ago at={lastOutboundAt} /> : 'never'}</dd>
        <DeliveredFacts of={integration} />
      </dl>
    </article>
  )
}
