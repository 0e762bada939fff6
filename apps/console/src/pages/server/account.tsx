import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { useSession } from '../../shell/session.js'
import { Failure } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { State } from '../../ui/state.js'
import { Ago, Time } from '../../ui/time.js'
import { WideTable } from '../../ui/wide-table.js'
import { browserOf } from './browser-name.js'
import { ChangePassword } from './change-password.js'

interface OwnSession {
  id: string
  isCurrent: boolean
  createdAt: string
  usedAt: string
  from: string
  userAgent?: string
}

/** The own account: identity, sessions and password. */
export function AccountPage(): JSX.Element {
  const { actor, expiresAt } = useSession()
  const isOperator = actor.kind === 'operator'
  const { data, error, reload } = useQuery<{ items: OwnSession[] }>(isOperator ? 'sessions' : undefined)
  return (
    <Page title="Your account">
      <dl class="facts card">
        <dt>Name</dt>
        <dd>{actor.name}</dd>
        <dt>Role</dt>
        <dd>{actor.role}</dd>
        {expiresAt !== undefined && (
          <>
            <dt>Signed in until</dt>
            <dd>
              <Time at={expiresAt} />
            </dd>
          </>
        )}
      </dl>
      {error && <Failure error={error} retry={reload} />}
      {data && (
        <WideTable title="Where you are signed in" columns={['Browser', 'From', 'Since', 'Used', 'Which']}>
          {data.items.map(({ id, isCurrent, createdAt, usedAt, from, userAgent }) => (
            <tr key={id}>
              <td>{browserOf(userAgent)}</td>
              <td>{from}</td>
              <td>
                <Time at={createdAt} />
              </td>
              <td>
                <Ago at={usedAt} />
              </td>
              <td>{isCurrent ? <State tone="ok">This one</State> : 'Another one'}</td>
            </tr>
          ))}
        </WideTable>
      )}
      {isOperator && <ChangePassword changed={reload} />}
    </Page>
  )
}
