import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { useQuery } from '../../api/query.js'
import type { ConversationItem } from '../../api/wire.js'
import { at, usePlace } from '../../route/location.js'
import type { PageProps } from '../../route/page-props.js'
import { useMay } from '../../shell/session.js'
import { CopyId } from '../../ui/copy.js'
import { Empty, Failure, Loading } from '../../ui/notice.js'
import { Page } from '../../ui/page.js'
import { dayOf, Time } from '../../ui/time.js'
import { ClientCrumb } from '../client-crumb.js'
import { Composer } from './composer.js'
import { Entry } from './entry.js'
import { type Timeline, useTimeline } from './timeline.js'

/** A conversation: each message with where it went, and what keeps it from arriving. */
export function ConversationPage({ params: { clientId = '', id = '' } }: PageProps): JSX.Element {
  const path = `clients/${encodeURIComponent(clientId)}/conversations/${encodeURIComponent(id)}`
  const { data: conversation, error: missing } = useQuery<ConversationItem>(path)
  const timeline = useTimeline(path)
  const may = useMay('operator')
  const { items, error } = timeline
  useStart(timeline)
  return (
    <Page
      title={titleOf(conversation)}
      crumb={
        <ClientCrumb
          clientId={clientId}
          more={[['Conversations', at('clients', clientId, 'conversations')]]}
        />
      }
    >
      {missing ? (
        <Failure error={missing} />
      ) : (
        conversation && <About clientId={clientId} conversation={conversation} />
      )}
      {error && !missing && <Failure error={error} retry={timeline.reload} />}
      {!timeline.isLoaded && !error && !missing && <Loading />}
      {timeline.isLoaded && items.length === 0 && (
        <Empty icon="talk" title="Nothing has been written here">
          <p>{may ? 'Send the first message below.' : 'The first message will appear here.'}</p>
        </Empty>
      )}
      {timeline.hasEarlier && (
        <div class="cluster">
          <button
            type="button"
            class="button"
            disabled={timeline.isReadingEarlier}
            onClick={timeline.readEarlier}
          >
            Show earlier messages
          </button>
        </div>
      )}
      <ol class="timeline" aria-label="Messages and their deliveries">
        {items.map((item, n) => {
          const day = dayOf(item.entry.at)
          const before = items[n - 1]
          return (
            <Entry
              key={item.entry.id}
              clientId={clientId}
              conversationId={id}
              item={item}
              person={conversation?.name}
              {...((before === undefined || dayOf(before.entry.at) !== day) && { day })}
              reload={() => timeline.reloadEntry(item.entry.seq)}
            />
          )
        })}
      </ol>
      {may && timeline.isLoaded && <Composer path={path} sent={timeline.reload} />}
    </Page>
  )
}

const titleOf = (conversation: ConversationItem | undefined): string =>
  conversation?.name ??
  conversation?.channels.find(({ sender }) => sender !== undefined)?.sender ??
  'Conversation'

function About({
  clientId,
  conversation,
}: {
  clientId: string
  conversation: ConversationItem
}): JSX.Element {
  const { id, userId, channels, createdAt } = conversation
  return (
    <p class="about">
      <span>
        {channels.length === 0
          ? 'No channel: the bot reads it through the API'
          : channels
              .map(({ integration, channel, sender }) =>
                [integration ?? channel, sender].filter(Boolean).join(' '),
              )
              .join(', ')}
      </span>
      <span>
        began <Time at={createdAt} />
      </span>
      <span>
        conversation <CopyId id={id} />
      </span>
      {userId !== undefined && (
        <span>
          <a href={at('clients', clientId, 'people', userId)}>person</a> <CopyId id={userId} />
        </span>
      )}
    </p>
  )
}

/** Pages of earlier messages that are read to find the one of the address. */
const MAX_PAGES = 20

/** Begins at the newest message, or at that of the address, however far back it is. */
function useStart({ items, hasEarlier, isReadingEarlier, readEarlier }: Timeline): void {
  const { hash } = usePlace()
  const isDone = useRef(false)
  const pages = useRef(0)
  useLayoutEffect(() => {
    if (items.length === 0 || isDone.current || isReadingEarlier) return
    const isWanted = hash.startsWith('e-')
    const entry = isWanted ? document.getElementById(hash) : null
    if (isWanted && !entry && hasEarlier && pages.current < MAX_PAGES) {
      pages.current += 1
      readEarlier()
      return
    }
    isDone.current = true
    if (entry) {
      entry.scrollIntoView({ block: 'center' })
      entry.setAttribute('data-active', '')
    } else window.scrollTo(0, document.documentElement.scrollHeight)
  })
}
