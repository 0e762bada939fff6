import { Component } from 'preact'
import { type Content, contentOf } from '../content.js'
import { isMine, type Message } from '../message.js'
import type { Notice, Queued } from '../state.js'
import { fill, type Words } from '../words.js'
import { ContentView } from './content.js'
import { Icon } from './icons.js'
import { useView, type View } from './view.js'

/** An edit this soon after a message is part of writing it: a bot that streams its answer. In milliseconds. */
const WRITING_MS = 60_000

interface BubbleProps {
  message: Message
  /** Whether the next message is of another author, or much later. */
  isLast: boolean
  /** Whether the one before is. */
  isFirst: boolean
  /** Whether thumbs are shown. */
  canRate: boolean
  feedback?: 1 | -1 | undefined
  /** What a button said that the visitor pressed. */
  label?: string | undefined
  /** What the visitor has chosen of it. */
  answer?: string | undefined
  /** Below the last message of the visitor. */
  status?: string | undefined
}

/** A message. Drawn again only if it changed. What cannot be drawn takes no other message along. */
export class Bubble extends Component<BubbleProps, { hasFailed: boolean }> {
  override state = { hasFailed: false }

  static override getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true }
  }

  override shouldComponentUpdate(next: BubbleProps, state: { hasFailed: boolean }): boolean {
    if (state !== this.state) return true
    return (Object.keys(next) as (keyof BubbleProps)[]).some((key) => next[key] !== this.props[key])
  }

  override render({ message, ...props }: BubbleProps) {
    const { hasFailed } = this.state
    return <BubbleView message={hasFailed ? { ...message, payload: undefined } : message} {...props} />
  }
}

function BubbleView({ message, isFirst, isLast, canRate, feedback, label, answer, status }: BubbleProps) {
  const view = useView()
  const { words, language } = view
  const { author, payload, sentAt, editedAt } = message
  const content: Content = label ? { type: 'text', text: label, isMarkdown: false } : contentOf(payload)
  const mine = isMine(message)
  const isWide = content.type === 'cards' && content.cards.length > 1
  const isBare = content.type === 'cards' || (content.type === 'media' && content.kind !== 'file')
  const isEdited = editedAt !== undefined && Date.parse(editedAt) - Date.parse(sentAt) > WRITING_MS
  return (
    <li class={`message ${mine ? 'mine' : 'theirs'} ${isFirst ? 'first' : ''} ${isLast ? 'last' : ''}`}>
      {!mine && typeof author === 'object' && isFirst && (
        <span class="author" dir="auto">
          {author.name}
        </span>
      )}
      <div class={isWide ? 'wide' : isBare ? 'bare' : 'bubble'} part={mine ? 'message-mine' : 'message'}>
        <span class="hidden">{fill(words.said, { name: nameOf(message, view) })}</span>
        <ContentView content={content} messageId={message.id} answer={answer} />
      </div>
      {isLast && (
        <div class="meta">
          <time dateTime={sentAt}>{timeOf(sentAt, language)}</time>
          {isEdited && <span>{words.edited}</span>}
          {status && <span>{status}</span>}
          {canRate && <Thumbs messageId={message.id} feedback={feedback} />}
        </div>
      )}
    </li>
  )
}

export const nameOf = ({ author }: Message, { words, business }: View): string =>
  author === 'me' ? words.you : typeof author === 'object' ? author.name : business

const timeOf = (time: string, language: string): string =>
  new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' }).format(new Date(time))

function Thumbs({ messageId, feedback }: { messageId: string; feedback: 1 | -1 | undefined }) {
  const { chat, words } = useView()
  const thumb = (value: 1 | -1) => (
    <button
      type="button"
      aria-pressed={feedback === value}
      aria-label={value === 1 ? words.helpful : words.notHelpful}
      onClick={() => void chat.giveFeedback(messageId, value)}
    >
      <Icon name={value === 1 ? 'thumbUp' : 'thumbDown'} />
    </button>
  )
  return (
    <div class="thumbs">
      {thumb(1)}
      {thumb(-1)}
    </div>
  )
}

interface QueuedBubbleProps {
  queued: Queued
  /** What a button said that the visitor pressed. */
  label?: string | undefined
  /** Below the last one. */
  status?: string | undefined
}

/** A message that the hub has not confirmed. */
export function QueuedBubble({ queued, label, status }: QueuedBubbleProps) {
  const { chat, words } = useView()
  const { payload, file, progress, refusal } = queued
  const content: Content = label ? { type: 'text', text: label, isMarkdown: false } : contentOf(payload)
  return (
    <li class={`message mine first last pending ${refusal ? 'refused' : ''}`}>
      <div class="bubble" part="message-mine">
        <span class="hidden">{fill(words.said, { name: words.you })}</span>
        {file || content.type === 'unknown' ? (
          <span class="file">
            <Icon name="file" />
            <span class="name" dir="auto">
              {String(payload.title ?? words.file)}
            </span>
          </span>
        ) : (
          <ContentView content={content} messageId={queued.clientId} />
        )}
        {file && !refusal && <progress max={1} value={progress ?? 0} aria-label={words.sending} />}
      </div>
      {refusal ? (
        <div class="meta">
          <span class="alarm">{noticeOf(refusal, words)}</span>
          <button type="button" onClick={() => void chat.retry(queued)}>
            {words.retry}
          </button>
          <button type="button" onClick={() => void chat.discard(queued)}>
            {words.discard}
          </button>
        </div>
      ) : (
        (status || file) && (
          <div class="meta">
            {status}
            {file && (
              <button type="button" onClick={() => void chat.discard(queued)}>
                {words.cancel}
              </button>
            )}
          </div>
        )
      )}
    </li>
  )
}

export function noticeOf(notice: Notice, words: Words, size = ''): string {
  switch (notice) {
    case 'file-too-large':
      return fill(words.fileTooLarge, { size })
    case 'file-type':
      return words.fileType
    case 'refused':
      return words.refused
    case 'failed':
      return words.failed
  }
}
