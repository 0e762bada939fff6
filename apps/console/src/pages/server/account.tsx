import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { request } from '../../api/request.js'
import type { OperatorSession } from '../../api/wire.js'
import { useSession } from '../../shell/session.js'
import { say } from '../../shell/toasts.js'
import { Failure } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { Time } from '../../ui/time.js'
import { ChangePassword } from './change-password.js'
import { SessionTable } from './session-table.js'

/** The own account: identity, sessions and password. */
export function AccountPage(): JSX.Element {
  const { actor, expiresAt } = useSession()
  const isOperator = actor.kind === 'operator'
  const { data, error, reload } = useQuery<{ items: (OperatorSession & { isCurrent: boolean })[] }>(
    isOperator ? 'sessions' : undefined,
  )
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
        <SessionTable
          title="Where you are signed in"
          sessions={data.items}
          end={async (id) => {
            await request('DELETE', `sessions/${encodeURIComponent(id)}`)
            say('The session has ended.')
            await reload()
          }}
        />
      )}
      {isOperator && <ChangePassword changed={reload} />}
    </Page>
  )
}
