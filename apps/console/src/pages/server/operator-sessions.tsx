import type { JSX } from 'preact'
import { useQuery } from '../../api/query.js'
import { request } from '../../api/request.js'
import type { Operator, OperatorSession } from '../../api/wire.js'
import { useSession } from '../../shell/session.js'
import { say } from '../../shell/toasts.js'
import { Action } from '../../ui/action.js'
import { Dialog } from '../../ui/dialog.js'
import { Failure, Loading } from '../../ui/notice.js'
import { SessionTable } from './session-table.js'

/** Where an operator is signed in, to end one session or all. */
export function OperatorSessions({
  operator: { id, email },
  close,
}: {
  operator: Operator
  close(): void
}): JSX.Element {
  const path = `operators/${encodeURIComponent(id)}/sessions`
  const { data, error, reload } = useQuery<{ items: OperatorSession[] }>(path)
  const isSelf = useSession().actor.id === id
  return (
    <Dialog title={`Sessions of ${email}`} close={close} isLarge>
      {error && <Failure error={error} retry={reload} />}
      {!data && !error && <Loading />}
      {data?.items.length === 0 && <p class="quiet">Not signed in anywhere.</p>}
      {data && data.items.length > 0 && (
        <SessionTable
          title="Signed in"
          sessions={data.items}
          end={async (session) => {
            await request('DELETE', `${path}/${encodeURIComponent(session)}`)
            say('The session has ended.')
            await reload()
          }}
        />
      )}
      <div class="actions">
        {data && data.items.length > 0 && (
          <Action
            class="danger"
            run={async () => {
              await request('DELETE', path)
              say(isSelf ? 'You are signed out.' : `${email} is signed out everywhere.`)
              await reload()
            }}
          >
            End all
          </Action>
        )}
        <button type="button" class="button primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  )
}
