import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { answersOf, openChoices, pressedLabel } from '../content.js'
import { isMine, type Message } from '../message.js'
import { activeOf, type Conversation, type Queued, type State } from '../state.js'
import { fill, type Words } from '../words.js'
import { Bubble, QueuedBubble } from './bubble.js'
import { Choices } from './content.js'
import { Icon } from './icons.js'
import { useView } from './view.js'

/** Messages of one author are one group if no more time is between them, in milliseconds. */
const GROUP_MS = 5 * 60_000
/** So near to its end, the log follows new messages, in pixels. */
const NEAR = 80

/** The messages of a conversation, those that wait, and what the business offers to answer. */
export function Log({ state }: { state: State }) {
  const { chat, words, business } = useView()
  const conversation = activeOf(state)
  const messages = conversation?.messages ?? []
  const queue = state.queue.filter(({ conversationId }) => conversationId === state.activeId)
  const log = useRef<HTMLElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const first = messages[0]?.id
  const scrolled = useEnd(log, { isAtEnd, first, content: [messages, queue, conversation?.writing] })
  const toEnd = (): void => log.current?.scrollTo({ top: log.current.scrollHeight })
  // Who opens the chat again sees what came meanwhile.
  useLayoutEffect(() => {
    if (state.isOpen) toEnd()
  }, [state.isOpen])
  const below = useNewBelow(conversation, isAtEnd)

  return (
    <div class="scroller">
      <section
        ref={log}
        class="log"
        part="log"
        aria-label={words.messages}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
        tabIndex={0}
        onScroll={({ currentTarget }) => {
          scrolled(currentTarget)
          setAtEnd(isNearEnd(currentTarget))
          if (currentTarget.scrollTop < NEAR) void chat.loadOlder()
        }}
      >
        {conversation?.hasOlder && (
          <button type="button" class="older" onClick={() => void chat.loadOlder()}>
            {conversation.isLoadingOlder ? words.loading : words.older}
          </button>
        )}
        <ol>
          {state.config.greeting && !conversation?.hasOlder && <Greeting text={state.config.greeting} />}
          {conversation && <Messages conversation={conversation} messages={messages} queue={queue} />}
          {queue.map((queued) => (
            <QueuedBubble
              key={queued.clientId}
              queued={queued}
              label={pressedLabel(queued.payload, messages)}
              status={
                queued !== queue.at(-1)
                  ? undefined
                  : state.connection === 'offline'
                    ? words.waiting
                    : words.sending
              }
            />
          ))}
        </ol>
        {conversation?.writing !== undefined && (
          <p class="writing">
            <span class="dots" aria-hidden="true">
              <i />
              <i />
              <i />
            </span>
            <span class="hidden">{fill(words.isWriting, { name: conversation.writing || business })}</span>
          </p>
        )}
      </section>
      {!isAtEnd && (
        <button
          type="button"
          class="newest"
          aria-label={below > 0 ? `${words.newest}. ${fill(words.unread, { n: below })}` : words.newest}
          onClick={toEnd}
        >
          <Icon name="down" />
          {below > 0 && <span class="count">{below > 99 ? '99+' : below}</span>}
        </button>
      )}
    </div>
  )
}

/** How many messages of the business came since the reader has left the end. */
function useNewBelow(conversation: Conversation | undefined, isAtEnd: boolean): number {
  const { id, messages = [] } = conversation ?? {}
  const last = messages.at(-1)?.position ?? 0
  const [seen, setSeen] = useState({ id, position: last })
  useEffect(() => {
    if (isAtEnd || seen.id !== id) setSeen({ id, position: last })
  }, [isAtEnd, id, last])
  if (isAtEnd || seen.id !== id) return 0
  return messages.filter((message) => !isMine(message) && message.position > seen.position).length
}

const Greeting = ({ text }: { text: string }) => (
  <li class="message theirs first last greeting">
    <div class="bubble" part="message">
      <div class="prose" dir="auto">
        <p>{text}</p>
      </div>
    </div>
  </li>
)

interface MessagesProps {
  conversation: Conversation
  messages: readonly Message[]
  queue: readonly Queued[]
}

function Messages({ conversation, messages, queue }: MessagesProps) {
  const { words, language } = useView()
  const last = messages.at(-1)
  const lastMine = messages.findLast(isMine)
  // An answer that the hub refused may be given again.
  const waiting = queue.filter(({ refusal }) => !refusal)
  const answers = answersOf([...messages.filter(isMine), ...waiting].map(({ payload }) => payload))
  const choices = openChoices(
    messages,
    waiting.map(({ payload }) => payload),
  )
  return (
    <>
      {messages.map((message, index) => {
        const before = messages[index - 1]
        const isNewDay = !before || dayOf(before.sentAt) !== dayOf(message.sentAt)
        const offered = conversation.closedAt ? undefined : choices.get(message.id)
        return [
          isNewDay && (
            <li key={`day-${message.id}`} class="day">
              {dayName(message.sentAt, language)}
            </li>
          ),
          <Bubble
            key={message.id}
            message={message}
            isFirst={isNewDay || isApart(before, message)}
            isLast={isApart(message, messages[index + 1])}
            canRate={!isMine(message) && message === last}
            feedback={conversation.feedback[message.id]}
            label={isMine(message) ? pressedLabel(message.payload, messages) : undefined}
            answer={answers.get(message.id)}
            status={message === lastMine ? statusOf(message, conversation, words) : undefined}
          />,
          offered && (
            <li key={`choices-${message.id}`}>
              <Choices choices={offered} messageId={message.id} />
            </li>
          ),
        ]
      })}
    </>
  )
}

function isApart(before: Message | undefined, after: Message | undefined): boolean {
  if (!before || !after) return true
  return (
    JSON.stringify(before.author) !== JSON.stringify(after.author) ||
    Date.parse(after.sentAt) - Date.parse(before.sentAt) > GROUP_MS
  )
}

function statusOf(message: Message, { readByBusiness }: Conversation, words: Words): string {
  if (message.position <= readByBusiness) return words.read
  return words[message.status ?? 'sent']
}

const dayOf = (time: string): string => new Date(time).toDateString()

const DAY_MS = 24 * 60 * 60_000

/** “Today”, “yesterday”, or the date. */
function dayName(time: string, language: string): ComponentChildren {
  const date = new Date(time)
  const days = Math.round((Date.parse(date.toDateString()) - Date.parse(new Date().toDateString())) / DAY_MS)
  if (days > -2) return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(days, 'day')
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium' }).format(date)
}

interface End {
  isAtEnd: boolean
  first: string | undefined
  /** What makes the log longer. */
  content: readonly unknown[]
}

const isNearEnd = ({ scrollTop, scrollHeight, clientHeight }: HTMLElement): boolean =>
  scrollHeight - scrollTop - clientHeight < NEAR

/**
 * Keeps the end in sight while it grows, and the place of the reader when older messages come above.
 *
 * @returns What to call when the log was scrolled.
 */
function useEnd(
  log: { current: HTMLElement | null },
  { isAtEnd, first, content }: End,
): (log: HTMLElement) => void {
  const before = useRef({ first, height: 0 })
  /** Where the log was when it was last scrolled, by the reader or here, in pixels. */
  const top = useRef(0)
  const scrolled = ({ scrollTop }: HTMLElement): void => {
    top.current = scrollTop
  }
  const follow = (current: HTMLElement): void => {
    // The scroll event fires with the next frame: do not bring back a reader who has just scrolled up.
    if (current.scrollTop < top.current && !isNearEnd(current)) return
    current.scrollTop = current.scrollHeight
    scrolled(current)
  }
  useLayoutEffect(() => {
    const { current } = log
    if (!current) return
    const isOlder = before.current.first !== undefined && before.current.first !== first
    if (isAtEnd && !isOlder) follow(current)
    else if (isOlder) current.scrollTop += current.scrollHeight - before.current.height
    before.current = { first, height: current.scrollHeight }
  }, content)
  useEffect(() => {
    const { current } = log
    if (!current || !isAtEnd) return
    // Pictures and fonts come later.
    const observer = new ResizeObserver(() => follow(current))
    for (const child of [current, ...current.children]) observer.observe(child)
    return () => observer.disconnect()
  }, [isAtEnd, first])
  return scrolled
}
