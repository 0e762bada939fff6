import type { JSX } from 'preact'
import type { OperatorSession } from '../../api/wire.js'
import { Action } from '../../ui/action.js'
import { State } from '../../ui/state.js'
import { Ago, Time } from '../../ui/time.js'
import { WideTable } from '../../ui/wide-table.js'
import { browserOf } from './browser-name.js'

/** Where somebody is signed in. Each session but the reader's own can be ended. */
export const SessionTable = ({
  title,
  sessions,
  end,
}: {
  title: string
  sessions: readonly (OperatorSession & { isCurrent?: boolean })[]
  end(id: string): Promise<unknown>
}): JSX.Element => (
  <WideTable title={title} columns={['Browser', 'From', 'Since', 'Used', 'End']}>
    {sessions.map(({ id, isCurrent = false, createdAt, usedAt, from, userAgent }) => (
      <tr key={id}>
        <td>{browserOf(userAgent)}</td>
        <td>{from}</td>
        <td>
          <Time at={createdAt} />
        </td>
        <td>
          <Ago at={usedAt} />
        </td>
        <td>
          {isCurrent ? (
            <State tone="ok">This one</State>
          ) : (
            <Action
              class="slim danger"
              label={`End the session of ${browserOf(userAgent)} from ${from}`}
              run={() => end(id)}
            >
              End
            </Action>
          )}
        </td>
      </tr>
    ))}
  </WideTable>
)
