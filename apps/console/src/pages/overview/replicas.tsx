import type { JSX } from 'preact'
import type { Replica } from '../../api/wire.js'
import { CopyId } from '../../ui/copy.js'
import { State } from '../../ui/state.js'
import { Ago } from '../../ui/time.js'
import { WideTable } from '../../ui/wide-table.js'

const COLUMNS = [
  'Process',
  'State',
  'Role',
  'Version',
  'Conversations under way',
  'Listens',
  'Started',
  'Seen',
]

/** The processes of the server. */
export const Replicas = ({ replicas }: { replicas: readonly Replica[] }): JSX.Element => (
  <WideTable title="Processes" columns={COLUMNS}>
    {replicas.map(({ id, host, state, role, version, leases, listening, startedAt, seenAt }) => (
      <tr key={id}>
        <td>
          {host ?? ''} <CopyId id={id} />
        </td>
        <td>
          <ReplicaState state={state} />
        </td>
        <td>{role}</td>
        <td>{version}</td>
        <td class="number">{leases}</td>
        <td class="number">{listening}</td>
        <td>
          <Ago at={startedAt} />
        </td>
        <td>
          <Ago at={seenAt} />
        </td>
      </tr>
    ))}
  </WideTable>
)

function ReplicaState({ state }: { state: Replica['state'] }): JSX.Element {
  if (state === 'running') return <State tone="ok">Running</State>
  if (state === 'stopped')
    return (
      <State tone="none" icon="stop">
        Stopped
      </State>
    )
  return <State tone="bad">Silent</State>
}
