import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import { request } from '../../api/request.js'
import type { PersonDetails } from '../../api/wire.js'
import { at, go } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { useMay } from '../../shell/session.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { CopyId } from '../../ui/copy.js'
import { Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { WideTable } from '../../ui/wide-table.js'
import { ClientCrumb } from '../client-crumb.js'

/** A person: the addresses, and the conversations on all channels. */
export function PersonPage({ params: { clientId = '', id = '' } }: PageProps): JSX.Element {
  const path = `clients/${encodeURIComponent(clientId)}/people/${encodeURIComponent(id)}`
  const { data, error, reload } = useQuery<PersonDetails>(path)
  const [isDeleting, setIsDeleting] = useState(false)
  const may = useMay('admin')
  return (
    <Page
      title={data ? titleOf(data) : 'Person'}
      crumb={<ClientCrumb clientId={clientId} more={[['People', at('clients', clientId, 'people')]]} />}
      actions={
        data &&
        may && (
          <button type="button" class="button danger" onClick={() => setIsDeleting(true)}>
            Delete
          </button>
        )
      }
    >
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <>
          <Facts person={data} />
          <Addresses person={data} />
          <Conversations clientId={clientId} person={data} />
        </>
      )}
      {data && isDeleting && (
        <Confirm
          title={`Delete ${titleOf(data)}`}
          action="Delete for ever"
          isDangerous
          close={() => setIsDeleting(false)}
          run={async () => {
            await request('DELETE', path)
            say('The person is deleted.')
            go(at('clients', clientId, 'people'))
          }}
        >
          <p>
            The addresses of the person and all conversations with nobody else are deleted. This cannot be
            undone. Whoever writes again is a new person.
          </p>
        </Confirm>
      )}
    </Page>
  )
}

const titleOf = ({ name, identities, id }: PersonDetails): string =>
  name ?? identities[0]?.sender ?? `User ${short(id)}`

function Facts({ person }: { person: PersonDetails }): JSX.Element {
  const { id, createdAt, email, locale, externalId, data = {} } = person
  const facts = Object.entries({ 'E-mail': email, Language: locale, 'External id': externalId, ...data })
  return (
    <dl class="facts card">
      <dt>User</dt>
      <dd>
        <CopyId id={id} />
      </dd>
      <dt>Since</dt>
      <dd>
        <Time at={createdAt} />
      </dd>
      {facts.map(([label, value]) =>
        value === undefined ? null : (
          <>
            <dt key={label}>{label}</dt>
            <dd>{value}</dd>
          </>
        ),
      )}
    </dl>
  )
}

const Addresses = ({ person: { identities } }: { person: PersonDetails }): JSX.Element => (
  <WideTable title="Addresses" columns={['Channel', 'Address of the person', 'Address of the business']}>
    {identities.map(({ channel, integration, identity, sender, aliases }) => (
      <tr key={`${channel} ${identity} ${sender}`}>
        <td>{integration ?? channel}</td>
        <td>
          <CopyId id={sender} shown={sender} />
          {aliases.length > 0 && <span class="small quiet"> also {aliases.join(', ')}</span>}
        </td>
        <td class="quiet">{identity}</td>
      </tr>
    ))}
    {identities.length === 0 && (
      <tr>
        <td colSpan={3} class="quiet">
          None: this person writes through the API.
        </td>
      </tr>
    )}
  </WideTable>
)

const Conversations = ({ clientId, person }: { clientId: string; person: PersonDetails }): JSX.Element => (
  <WideTable title="Conversations" columns={['Conversation', 'Channels', 'Began']}>
    {person.conversations.map(({ id, channels, createdAt }) => (
      <tr key={id}>
        <td>
          <a href={at('clients', clientId, 'conversations', id)}>{short(id)}</a>
        </td>
        <td>{channels.join(', ') || 'API only'}</td>
        <td>
          <Time at={createdAt} />
        </td>
      </tr>
    ))}
    {person.hasMoreConversations && (
      <tr>
        <td colSpan={3} class="quiet">
          Earlier ones are not listed.
        </td>
      </tr>
    )}
  </WideTable>
)
