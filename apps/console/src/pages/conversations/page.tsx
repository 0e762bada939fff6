import type { JSX } from 'preact'
import { usePages } from '../../api/pages.js'
import { withQuery } from '../../api/request.js'
import type { ConversationItem } from '../../api/wire.js'
import { at, setFilters, usePlace } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { Icon } from '../../ui/icon.js'
import { ListFoot } from '../../ui/list-foot.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { counted } from '../../ui/numbers.js'
import { Page } from '../../ui/page.js'
import { short } from '../../ui/short.js'
import { State } from '../../ui/state.js'
import { Time } from '../../ui/time.js'
import { VirtualList } from '../../ui/virtual-list.js'
import { ClientCrumb } from '../client-crumb.js'
import { ConversationFilters, searchOf } from './filters.js'

/** The conversations of a client, those with the newest messages first. */
export function ConversationsPage({ params: { clientId = '' } }: PageProps): JSX.Element {
  const { query } = usePlace()
  const list = usePages<ConversationItem>(
    withQuery(`clients/${encodeURIComponent(clientId)}/conversations`, searchOf(query)),
  )
  const { items, error, isLoading } = list
  return (
    <Page
      title="Conversations"
      crumb={<ClientCrumb clientId={clientId} />}
      actions={
        <a class="button" href={at('clients', clientId, 'live')}>
          <Icon name="live" /> Live
        </a>
      }
    >
      <ConversationFilters clientId={clientId} />
      {error && <Failure error={error} retry={list.reload} />}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && !error && (
        <Nothing clientId={clientId} isFiltered={query.size > 0} />
      )}
      {items.length > 0 && (
        <VirtualList
          label="Conversations"
          items={items}
          keyOf={({ id }) => id}
          columns="minmax(0, 2fr) minmax(0, 3fr) 10rem 8rem"
          loadMore={list.loadMore}
          head={
            <>
              <th scope="col">Person</th>
              <th scope="col" class="wide-only">
                Newest message
              </th>
              <th scope="col" class="wide-only">
                Deliveries
              </th>
              <th scope="col">Active</th>
            </>
          }
          row={(conversation) => <Cells clientId={clientId} conversation={conversation} />}
          foot={<ListFoot list={list} noun={['conversation', 'conversations']} />}
        />
      )}
    </Page>
  )
}

function Cells({
  clientId,
  conversation,
}: {
  clientId: string
  conversation: ConversationItem
}): JSX.Element {
  const { id, userId, name, channels, preview, state, lastActivityAt } = conversation
  const address = channels.find(({ sender }) => sender !== undefined)?.sender
  return (
    <>
      <td>
        <div class="lines">
          <a class="whole cut" href={at('clients', clientId, 'conversations', id)}>
            {name ?? address ?? (userId === undefined ? 'A group' : `User ${short(userId)}`)}
          </a>
          <span class="small quiet cut narrow-only">{preview ?? ''}</span>
          <span class="small quiet cut wide-only">
            {channels.length === 0
              ? 'API only'
              : [
                  ...channels.map(({ integration, channel }) => integration ?? channel),
                  ...(name !== undefined && address !== undefined ? [address] : []),
                ].join(' · ')}
          </span>
        </div>
      </td>
      <td class="wide-only cut quiet">{preview ?? ''}</td>
      <td class="wide-only">
        <Deliveries state={state} />
      </td>
      <td class="small quiet">
        <div class="lines">
          <Time at={lastActivityAt} />
          {state.dead + state.pending > 0 && (
            <span class="narrow-only">
              <Deliveries state={state} />
            </span>
          )}
        </div>
      </td>
    </>
  )
}

function Deliveries({ state }: { state: ConversationItem['state'] }): JSX.Element {
  if (state.dead > 0) return <State tone="bad">{`${state.dead} given up`}</State>
  if (state.pending > 0)
    return (
      <State tone="none" icon="wait">
        {counted(state.pending, 'waits', 'wait')}
      </State>
    )
  return <State tone="ok">Delivered</State>
}

function Nothing({ clientId, isFiltered }: { clientId: string; isFiltered: boolean }): JSX.Element {
  if (isFiltered) {
    return (
      <Empty icon="search" title="No conversation matches">
        <p>Addresses are compared whole: enter the complete telephone number, or the id at the platform.</p>
        <button type="button" class="button" onClick={clear}>
          Remove the filters
        </button>
      </Empty>
    )
  }
  return (
    <Empty icon="talk" title="No conversations yet">
      <p>One begins when a person writes on a channel, or when the bot starts it.</p>
      <a class="button primary" href={at('clients', clientId, 'channels')}>
        Set a channel up
      </a>
    </Empty>
  )
}

const clear = (): void =>
  setFilters({ by: undefined, find: undefined, integration: undefined, since: undefined, until: undefined })
