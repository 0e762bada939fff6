import { summaryOf } from '../content.js'
import { isMine } from '../message.js'
import type { State } from '../state.js'
import { fill } from '../words.js'
import { useView } from './view.js'

/** All conversations of the visitor. */
export function Conversations({ state }: { state: State }) {
  const { chat, words, language } = useView()
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
  return (
    <nav class="list" aria-label={words.conversations}>
      <ul>
        {state.conversations.map(({ id, createdAt, closedAt, unread, lastMessage }) => {
          const summary = lastMessage && (summaryOf(lastMessage.payload) ?? words.file)
          return (
            <li>
              <button
                type="button"
                aria-current={id === state.activeId ? 'true' : undefined}
                onClick={() => void chat.show(id)}
              >
                <span class="quiet">
                  {date.format(new Date(lastMessage?.sentAt ?? createdAt))}
                  {closedAt && ` · ${words.ended}`}
                </span>
                <span class="summary" dir="auto">
                  {lastMessage && isMine(lastMessage) && `${words.you}: `}
                  {summary ?? words.noMessages}
                </span>
                {unread > 0 && (
                  <span class="count">
                    <span aria-hidden="true">{unread}</span>
                    <span class="hidden">{fill(words.unread, { n: unread })}</span>
                  </span>
                )}
              </button>
            </li>
          )
        })}
      </ul>
      <button type="button" class="primary" onClick={() => void chat.show()}>
        {words.newConversation}
      </button>
    </nav>
  )
}
