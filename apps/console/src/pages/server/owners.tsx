import type { JSX } from 'preact'
import { request, withQuery } from '../../api/request.js'
import type { Owner } from '../../api/wire.js'
import { at } from '../../route/location.js'
import { say } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { counted } from '../../ui/numbers.js'
import { short } from '../../ui/short.js'
import { Time } from '../../ui/time.js'
import { ClientList, type ListDialog } from './client-list.js'
import { CreateOwner } from './create-owner.js'

/** Projects of an owner that a row names. */
const SHOWN = 3

/** People who sign in with the Smartify API. */
export const OwnersPage = (): JSX.Element => (
  <ClientList<Owner>
    path="owners"
    title="Owners"
    about="Owners sign in with the Smartify API, where a client is called a project. They cannot sign in here."
    noun={['owner', 'owners']}
    icon="person"
    empty={['No owner yet', 'This client has no owner', 'An owner manages a project with the Smartify API.']}
    columns="minmax(0, 3fr) minmax(0, 3fr) 8rem 7rem"
    head={
      <>
        <th scope="col">Who</th>
        <th scope="col" class="wide-only">
          Clients
        </th>
        <th scope="col" class="wide-only">
          Since
        </th>
        <th scope="col">
          <span class="visually-hidden">Remove</span>
        </th>
      </>
    }
    keyOf={({ userId }) => userId}
    row={(owner, remove) => <Cells owner={owner} remove={remove} />}
    create={({ client, list, close }) => (
      <CreateOwner clientId={client} close={close} created={list.reload} />
    )}
    remove={(owner, dialog) => <RemoveOwner owner={owner} {...dialog} />}
  />
)

function RemoveOwner({
  owner: { userId, email, projects },
  client,
  list,
  close,
}: ListDialog<Owner> & { owner: Owner }): JSX.Element {
  return (
    <Confirm
      title={`Remove ${email}`}
      action="Remove"
      isDangerous
      close={close}
      run={async () => {
        await request('DELETE', withQuery(`owners/${encodeURIComponent(userId)}`, { client: client ?? '' }))
        say(`${email} is no owner any more.`)
        list.reload()
      }}
    >
      <p>
        {client === undefined
          ? `${counted(projects.length, 'client loses', 'clients lose')} this owner. The clients stay, with everything that they have.`
          : 'The client loses this owner. It stays, with everything that it has.'}
      </p>
    </Confirm>
  )
}

function Cells({ owner, remove }: { owner: Owner; remove(): void }): JSX.Element {
  const { email, firstName, lastName, projects, createdOn } = owner
  const name = [firstName, lastName].filter((part) => part !== undefined).join(' ')
  return (
    <>
      <td>
        <div class="lines">
          <span class="cut">{email}</span>
          {name !== '' && <span class="small quiet cut">{name}</span>}
        </div>
      </td>
      <td class="wide-only small cut">
        {projects.slice(0, SHOWN).map((id, n) => (
          <span key={id}>
            {n > 0 && ', '}
            <a href={at('clients', id)}>{short(id)}</a>
          </span>
        ))}
        {projects.length > SHOWN && ` and ${projects.length - SHOWN} more`}
      </td>
      <td class="wide-only small quiet">
        <Time at={createdOn} />
      </td>
      <td>
        <button type="button" class="button slim danger" aria-label={`Remove ${email}`} onClick={remove}>
          Remove
        </button>
      </td>
    </>
  )
}
