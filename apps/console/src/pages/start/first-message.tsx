import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import type { ConversationItem, Integration } from '../../api/wire.js'
import { at } from '../../route/location.js'
import { Icon } from '../../ui/icon.js'
import { Failure, Loading } from '../../ui/notice.js'
import { IntegrationState } from '../channels/integration-state.js'
import { Setup } from '../channels/setup.js'

const EVERY_MS = 2_000

/** Waits for somebody who writes on the new channel: then there is a conversation to answer in. */
export function FirstMessage({
  clientId,
  integrationId,
}: {
  clientId: string
  integrationId: string
}): JSX.Element {
  const base = `clients/${encodeURIComponent(clientId)}`
  const integration = useQuery<Integration>(`${base}/integrations/${encodeURIComponent(integrationId)}`, {
    everyMs: EVERY_MS,
  })
  const conversations = useQuery<{ items: ConversationItem[] }>(`${base}/conversations?limit=1`, {
    everyMs: EVERY_MS,
  })
  const [conversation] = conversations.data?.items ?? []
  if (integration.error) return <Failure error={integration.error} retry={integration.reload} />
  if (!integration.data) return <Loading />
  const { name } = integration.data
  return (
    <section class="stack" aria-label="Message">
      <div class="card">
        <h2 class="cluster">
          {name} <IntegrationState integration={integration.data} />
        </h2>
        {conversation ? (
          <>
            <p>The first message has arrived.</p>
            <div class="cluster">
              <a class="button primary" href={at('clients', clientId, 'conversations', conversation.id)}>
                Answer it
              </a>
            </div>
          </>
        ) : (
          <p class="cluster" role="status">
            <Icon name="spinner" spins /> Write to the bot on {name} now. The message will appear here.
          </p>
        )}
      </div>
      <Setup integration={integration.data} />
    </section>
  )
}
