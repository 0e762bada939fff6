import type { JSX } from 'preact'
import type { ClientDetails } from '../../api/wire.js'
import { at } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { nameOf, useClient } from '../../shell/scope.js'
import { useMay, useSession } from '../../shell/session.js'
import { CopyId } from '../../ui/copy.js'
import { Failure, Loading } from '../../ui/notice.js'
import { bytesOf } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { State } from '../../ui/state.js'
import { Time } from '../../ui/time.js'
import { Troubles } from '../overview/troubles.js'
import { ClientActions } from './actions.js'
import { EditClient } from './edit.js'
import { Tokens } from './tokens.js'

const AREAS = [
  ['conversations', 'Conversations'],
  ['deliveries', 'Deliveries'],
  ['channels', 'Channels'],
  ['webhooks', 'Webhooks'],
  ['people', 'People'],
] as const

/** Who acts for it in the other APIs. */
const ACCOUNTS = [
  ['keys', 'API keys'],
  ['owners', 'Owners'],
] as const

/** One client: its state, its limits, and links for its owner. */
export function ClientPage({ params: { clientId = '' } }: PageProps): JSX.Element {
  const { data, error, reload } = useClient(clientId)
  const may = useMay('admin')
  const { actor } = useSession()
  return (
    <Page
      title={data ? nameOf(data) : 'Client'}
      crumb={actor.kind !== 'tenant' && <a href={at('clients')}>Clients</a>}
      actions={data && may && <ClientActions client={data} reload={reload} />}
    >
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          {data.disabled && (
            <div class="notice warn">
              <State tone="warn" icon="pause">
                Disabled
              </State>
              <p>
                {data.disabledReason !== undefined && `${data.disabledReason}. `}
                Requests of the bot are refused, and deliveries wait. Nothing is lost.
              </p>
            </div>
          )}
          {data.troubles && data.troubles.length > 0 && <Troubles troubles={data.troubles} />}
          <nav class="cluster" aria-label="Of this client">
            {AREAS.map(([path, label]) => (
              <a key={path} class="button" href={at('clients', clientId, path)}>
                {label}
              </a>
            ))}
            {may &&
              ACCOUNTS.map(([path, label]) => (
                <a key={path} class="button" href={`${at(path)}?client=${encodeURIComponent(clientId)}`}>
                  {label}
                </a>
              ))}
          </nav>
          <Facts client={data} />
          {may && <EditClient client={data} saved={reload} />}
          {may && <Tokens client={data} reload={reload} />}
        </>
      )}
    </Page>
  )
}

function Facts({ client }: { client: ClientDetails }): JSX.Element {
  const { id, name, createdAt, storedBytes, maxStoredBytes } = client
  return (
    <dl class="facts card">
      <dt>Id</dt>
      <dd>
        <CopyId id={id} shown={id} />
      </dd>
      {name !== undefined && (
        <>
          <dt>Name in addresses</dt>
          <dd>{name}</dd>
        </>
      )}
      <dt>Created</dt>
      <dd>
        <Time at={createdAt} />
      </dd>
      {storedBytes !== undefined && (
        <>
          <dt>Stored</dt>
          <dd>
            {bytesOf(storedBytes)}
            {maxStoredBytes ? ` of ${bytesOf(maxStoredBytes)}` : ''}
          </dd>
        </>
      )}
    </dl>
  )
}
