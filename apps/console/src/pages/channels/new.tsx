import type { JSX } from 'preact'
import { at, go } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { Page } from '../../ui/page.js'
import { ClientCrumb } from '../client-crumb.js'
import { AddIntegration } from './add.js'

/** Adds a channel to a client. */
export function NewChannelPage({ params: { clientId = '' } }: PageProps): JSX.Element {
  return (
    <Page
      title="Add a channel"
      crumb={<ClientCrumb clientId={clientId} more={[['Channels', at('clients', clientId, 'channels')]]} />}
    >
      <AddIntegration
        clientId={clientId}
        added={({ id }) => go(at('clients', clientId, 'channels', id), { isNew: false })}
      />
    </Page>
  )
}
