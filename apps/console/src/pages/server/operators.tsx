import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import { request } from '../../api/request.js'
import type { Operator, Role } from '../../api/wire.js'
import { useSession } from '../../shell/session.js'
import { say, sayFailure } from '../../shell/toasts.js'
import { Confirm } from '../../ui/confirm.js'
import { SelectField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { Searched } from '../../ui/searched.js'
import { Time } from '../../ui/time.js'
import { CreateOperator } from './create-operator.js'
import { OperatorSessions } from './operator-sessions.js'
import { ROLES } from './roles.js'

/** Who may use the console. */
export function OperatorsPage(): JSX.Element {
  const { data, error, reload } = useQuery<{ items: Operator[] }>('operators')
  const [isCreating, setIsCreating] = useState(false)
  const [removed, setRemoved] = useState<Operator>()
  const [shown, setShown] = useState<Operator>()
  const close = () => setRemoved(undefined)
  return (
    <Page
      title="Operators"
      actions={
        <button type="button" class="button primary" onClick={() => setIsCreating(true)}>
          <Icon name="plus" /> New operator
        </button>
      }
    >
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data && (
        <Searched items={data.items} textOf={textOf} placeholder="ada@example.org" none="No operator matches">
          {(found) => (
            <ul class="stack gap">
              {found.map((operator) => (
                <li key={operator.id} class="card">
                  <OperatorRow
                    operator={operator}
                    reload={reload}
                    remove={() => setRemoved(operator)}
                    show={() => setShown(operator)}
                  />
                </li>
              ))}
            </ul>
          )}
        </Searched>
      )}
      {isCreating && <CreateOperator close={() => setIsCreating(false)} created={reload} />}
      {shown && <OperatorSessions operator={shown} close={() => setShown(undefined)} />}
      {removed && (
        <Confirm
          title={`Remove ${removed.email}`}
          action="Remove"
          isDangerous
          close={close}
          run={async () => {
            await request('DELETE', `operators/${removed.id}`)
            say(`${removed.email} is removed.`)
            await reload()
          }}
        >
          <p>All sessions of this operator end at once. The audit log keeps what was done.</p>
        </Confirm>
      )}
    </Page>
  )
}

const textOf = ({ email, name, role }: Operator): string => `${email} ${name ?? ''} ${role}`

function OperatorRow({
  operator: { id, email, role, createdAt, hasPassword },
  reload,
  remove,
  show,
}: {
  operator: Operator
  reload(): Promise<void>
  remove(): void
  /** Shows the sessions. */
  show(): void
}): JSX.Element {
  const { actor } = useSession()
  const isSelf = actor.id === id
  async function change(next: string): Promise<void> {
    try {
      await request('PATCH', `operators/${id}`, { body: { role: next as Role } })
      say(`${email} is ${next} now.`)
    } catch (error) {
      sayFailure(error)
    }
    await reload()
  }
  return (
    <div class="cluster apart">
      <div class="grow">
        <h2 class="break">
          {email} {isSelf && <span class="small quiet">you</span>}
        </h2>
        <p class="small quiet">
          since <Time at={createdAt} /> · signs in with {hasPassword ? 'a password' : 'OpenID Connect'}
        </p>
      </div>
      <SelectField label="Role" value={role} options={ROLES} change={(next) => void change(next)} />
      <button type="button" class="button" aria-label={`Sessions of ${email}`} onClick={show}>
        Sessions
      </button>
      <button
        type="button"
        class="button danger"
        aria-label={`Remove ${email}`}
        disabled={isSelf}
        onClick={remove}
      >
        Remove
      </button>
    </div>
  )
}
