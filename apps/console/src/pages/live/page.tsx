import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import { withQuery } from '../../api/request.js'
import type { Integration } from '../../api/wire.js'
import { setFilters, usePlace } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { useClientNames } from '../../shell/scope.js'
import { useSession } from '../../shell/session.js'
import { SelectField } from '../../ui/fields.js'
import { Icon } from '../../ui/icon.js'
import { Empty } from '../../ui/notice.js'
import { counted, countOf } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { short } from '../../ui/short.js'
import { State } from '../../ui/state.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { ClientCrumb } from '../client-crumb.js'
import { useTail } from './tail.js'
import { TailCells } from './tail-cells.js'

/** What is written now, at all clients or at one. */
export function LivePage({ params: { clientId } }: PageProps): JSX.Element {
  const { query } = usePlace()
  const [isPaused, setIsPaused] = useState(false)
  const isAway = useIsAway()
  const [attempt, setAttempt] = useState(0)
  const integration = query.get('integration') ?? undefined
  const tail = useTail(withQuery('events', { client: clientId, integration }), isPaused || isAway, attempt)
  const { entries, waiting, missed, isWhole } = tail
  const hasClients = useSession().actor.kind !== 'tenant' && clientId === undefined
  const clients = useClientNames(hasClients)
  return (
    <Page
      title="Live"
      crumb={clientId === undefined ? undefined : <ClientCrumb clientId={clientId} />}
      actions={
        <>
          <TailState state={tail.state} isHeld={isPaused || isAway} />
          {tail.state === 'closed' && (
            <button type="button" class="button" onClick={() => setAttempt(attempt + 1)}>
              Connect again
            </button>
          )}
          <button type="button" class="button" aria-pressed={isPaused} onClick={() => setIsPaused(!isPaused)}>
            <Icon name={isPaused ? 'play' : 'pause'} />
            {isPaused ? 'Go on' : 'Pause'}
          </button>
        </>
      }
    >
      {clientId !== undefined && <Channels clientId={clientId} integration={integration} />}
      {!isWhole && <p class="quiet">Only what this process of the server does is shown.</p>}
      {missed > 0 && <p class="quiet number">{countOf(missed)} were left out, since there were too many.</p>}
      {entries.length === 0 ? (
        <Empty icon="live" title="Waiting for the first message">
          <p>What people and the business write appears here at once.</p>
        </Empty>
      ) : (
        <VirtualList
          label="Messages, newest first"
          items={entries}
          keyOf={({ id }) => id}
          isSecondWide
          columns={`5.5rem minmax(0, 1fr) minmax(0, 3fr) minmax(0, 1fr)${hasClients ? ' minmax(0, 1fr)' : ''}`}
          head={
            <>
              <th scope="col">Time</th>
              <th scope="col">Who</th>
              <th scope="col" class="wide-only">
                What
              </th>
              <th scope="col" class="wide-only">
                Channel
              </th>
              {hasClients && (
                <th scope="col" class="wide-only">
                  Client
                </th>
              )}
            </>
          }
          row={(entry) => (
            <TailCells
              entry={entry}
              client={hasClients ? (clients.get(entry.clientId) ?? short(entry.clientId)) : undefined}
            />
          )}
          foot={
            <span>{counted(entries.length, 'entry', 'entries')}, those of the last moments are kept</span>
          }
        />
      )}
      {waiting > 0 && (
        <div class="toolbar">
          <span class="grow number">{counted(waiting, 'new entry', 'new entries')}</span>
          <button
            type="button"
            class="button primary"
            onClick={() => {
              setIsPaused(false)
              window.scrollTo(0, 0)
            }}
          >
            Show
          </button>
        </div>
      )}
    </Page>
  )
}

function TailState({
  state,
  isHeld,
}: {
  state: 'connecting' | 'open' | 'closed'
  isHeld: boolean
}): JSX.Element {
  if (state === 'closed') return <State tone="bad">Ended</State>
  if (state === 'connecting')
    return (
      <State tone="none" icon="wait">
        Connecting
      </State>
    )
  if (isHeld)
    return (
      <State tone="warn" icon="pause">
        Held
      </State>
    )
  return (
    <State tone="ok" icon="live">
      Live
    </State>
  )
}

function Channels({
  clientId,
  integration,
}: {
  clientId: string
  integration: string | undefined
}): JSX.Element {
  const { data } = useQuery<{ items: Integration[] }>(`clients/${encodeURIComponent(clientId)}/integrations`)
  return (
    <search class="filters">
      <SelectField
        label="Channel"
        value={integration ?? ''}
        options={[['', 'All'], ...(data?.items ?? []).map(({ name }) => [name, name] as const)]}
        change={(value) => setFilters({ integration: value })}
      />
    </search>
  )
}

/** Pixels from the top at which somebody reads, so that the list is held. */
const AWAY = 300

function useIsAway(): boolean {
  const [isAway, setIsAway] = useState(false)
  useEffect(() => {
    const look = () => setIsAway(window.scrollY > AWAY)
    window.addEventListener('scroll', look, { passive: true })
    return () => window.removeEventListener('scroll', look)
  }, [])
  return isAway
}
