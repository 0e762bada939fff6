import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { Webhook } from '../../api/wire.js'
import { docsUrl } from '../../base.js'
import type { PageProps } from '../../route/page-props.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { Searched } from '../../ui/searched.js'
import { ClientCrumb } from '../client-crumb.js'
import { WebhookCard } from './webhook-card.js'

const EVERY_MS = 5_000

/** Where the bot of a client gets its events, and whether it takes them. */
export function WebhooksPage({ params: { clientId = '' } }: PageProps): JSX.Element {
  const base = `clients/${encodeURIComponent(clientId)}/webhooks`
  const { data, error, reload } = useQuery<{ items: Webhook[] }>(base, { everyMs: EVERY_MS })
  return (
    <Page title="Webhooks" crumb={<ClientCrumb clientId={clientId} />}>
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data?.items.length === 0 && (
        <Empty icon="webhook" title="No webhook yet">
          <p>
            The bot gets its events at a webhook. It gives the address with the call{' '}
            <code>POST /api/v1/sync</code>, or in the Sunshine or Smartify API.
          </p>
          <a class="button" href={docsUrl.href}>
            API reference
          </a>
        </Empty>
      )}
      {data && (
        <Searched items={data.items} textOf={textOf} placeholder="https://" none="No webhook matches">
          {(found) => (
            <ul class="stack gap">
              {found.map((webhook) => (
                <li key={webhook.id}>
                  <WebhookCard
                    clientId={clientId}
                    path={`${base}/${encodeURIComponent(webhook.id)}`}
                    webhook={webhook}
                    reload={reload}
                  />
                </li>
              ))}
            </ul>
          )}
        </Searched>
      )}
    </Page>
  )
}

const textOf = ({ id, url, label }: Webhook): string => `${url ?? label} ${id}`
