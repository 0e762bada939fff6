import type { JSX } from 'preact'
import { at, setFilters, usePlace } from '../../route/location.js'
import { Page } from '../../ui/page.js'
import { AddIntegration } from '../channels/add.js'
import { FirstClient } from './first-client.js'
import { FirstMessage } from './first-message.js'
import { Steps } from './steps.js'

/** From an empty server to the first message: a client, a channel, a message. The address has what is done. */
export function StartPage(): JSX.Element {
  const { query } = usePlace()
  const clientId = query.get('client')
  const integrationId = query.get('channel')
  const step = clientId === null ? 0 : integrationId === null ? 1 : 2
  return (
    <Page title="First message" crumb={<a href={at()}>Overview</a>}>
      <Steps current={step} />
      {clientId === null && <FirstClient created={(id) => setFilters({ client: id })} />}
      {clientId !== null && integrationId === null && (
        <section class="stack" aria-label="Channel">
          <p class="quiet">Choose where people write. Its credentials are checked at once.</p>
          <AddIntegration clientId={clientId} added={({ id }) => setFilters({ channel: id })} />
        </section>
      )}
      {clientId !== null && integrationId !== null && (
        <FirstMessage clientId={clientId} integrationId={integrationId} />
      )}
    </Page>
  )
}
