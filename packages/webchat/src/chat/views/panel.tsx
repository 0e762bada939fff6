import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { safeFile } from '../links.js'
import { activeOf, type State } from '../state.js'
import { Announcer } from './announcer.js'
import { noticeOf } from './bubble.js'
import { Composer } from './composer.js'
import { Conversations } from './conversations.js'
import { Form } from './form.js'
import { Icon } from './icons.js'
import { Log } from './log.js'
import { sizeOf } from './sizes.js'
import { useView } from './view.js'

/** The whole chat. */
export function Panel({ state, focusAt }: { state: State; focusAt: number }) {
  const { chat } = useView()
  const [isOver, setOver] = useState(false)
  const canDrop = state.phase === 'ready' && state.view === 'chat'
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files may also be chosen with the button
    <div
      class="content"
      onDragOver={(event) => {
        if (!canDrop || !event.dataTransfer?.types.includes('Files')) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={({ currentTarget, relatedTarget }) => {
        if (!currentTarget.contains(relatedTarget as Node | null)) setOver(false)
      }}
      onDrop={(event) => {
        setOver(false)
        if (!canDrop) return
        event.preventDefault()
        chat.attach([...(event.dataTransfer?.files ?? [])])
      }}
    >
      <Header state={state} />
      <Body state={state} focusAt={focusAt} />
      <Announcer state={state} />
      {isOver && <DropHint />}
    </div>
  )
}

function DropHint() {
  const { words } = useView()
  return (
    <div class="drop">
      <Icon name="attach" />
      {words.drop}
    </div>
  )
}

function Header({ state: { config, view, phase, ...state } }: { state: State }) {
  const { chat, words, close } = useView()
  const avatar = config.avatarUrl && safeFile(config.avatarUrl)
  const [hasAvatar, setAvatar] = useState(true)
  return (
    <div class="header" part="header">
      {view === 'list' ? (
        <button type="button" class="plain" aria-label={words.back} onClick={() => chat.view('chat')}>
          <Icon name="back" />
        </button>
      ) : (
        <span class="avatar" part="avatar" aria-hidden="true">
          {avatar && hasAvatar ? (
            <img src={avatar} alt="" referrerpolicy="no-referrer" onError={() => setAvatar(false)} />
          ) : (
            initialOf(config.name)
          )}
        </span>
      )}
      <h1 dir="auto">{view === 'list' ? words.conversations : config.name}</h1>
      {phase === 'ready' && <Menu state={{ config, view, phase, ...state }} />}
      {close && (
        <button type="button" class="plain" aria-label={words.close} onClick={close}>
          <Icon name="close" />
        </button>
      )}
    </div>
  )
}

const initialOf = (name: string): string => [...name.trim()][0]?.toUpperCase() ?? ''

function Menu({ state }: { state: State }) {
  const { chat, words } = useView()
  const [isOpen, setOpen] = useState(false)
  const menu = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const active = activeOf(state)
  useEffect(() => {
    if (isOpen) menu.current?.querySelector('button')?.focus()
  }, [isOpen])
  const item = (label: string, act: () => void): ComponentChildren => (
    <button
      type="button"
      onClick={() => {
        setOpen(false)
        button.current?.focus()
        act()
      }}
    >
      {label}
    </button>
  )
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: closes what its button opened
    <div
      class="menu"
      onKeyDown={(event) => {
        if (!isOpen || event.key !== 'Escape') return
        event.stopPropagation()
        setOpen(false)
        button.current?.focus()
      }}
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (relatedTarget && !currentTarget.contains(relatedTarget as Node)) setOpen(false)
      }}
    >
      <button
        ref={button}
        type="button"
        class="plain"
        aria-label={words.menu}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon name="menu" />
      </button>
      {isOpen && (
        <div ref={menu} class="items" part="menu">
          {state.conversations.length > 0 && item(words.conversations, () => chat.view('list'))}
          {item(words.newConversation, () => void chat.show())}
          {active && item(words.transcript, () => void download(chat.transcript()))}
          {active && !active.closedAt && item(words.endChat, () => chat.view('confirm-end'))}
          {item(words.signOut, () => chat.view('confirm-forget'))}
        </div>
      )}
    </div>
  )
}

async function download(file: Promise<Blob | undefined>): Promise<void> {
  const blob = await file
  if (blob === undefined) return
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = 'chat.txt'
  link.click()
  // The download has begun, but not ended.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

function Body({ state, focusAt }: { state: State; focusAt: number }) {
  const { chat, words } = useView()
  const { phase, view, config } = state
  if (phase === 'starting') return <p class="state">{words.loading}</p>
  if (phase === 'failed') return <p class="state">{words.failed}</p>
  if (phase === 'expired') {
    return <Question text={words.expired} yes={words.startAgain} onYes={() => void chat.startAgain()} />
  }
  if (phase === 'form') return <Form config={config} notice={state.notice} />
  if (view === 'list') return <Conversations state={state} />
  return (
    <>
      <Log state={state} />
      {view === 'confirm-end' ? (
        <Question
          text={words.endQuestion}
          hint={words.endHint}
          yes={words.endChat}
          onYes={() => void chat.endConversation()}
          onNo={() => chat.view('chat')}
        />
      ) : view === 'confirm-forget' ? (
        <Question
          text={words.forgetQuestion}
          hint={words.forgetHint}
          yes={words.signOut}
          onYes={() => void chat.signOut()}
          onNo={() => chat.view('chat')}
        />
      ) : (
        <Foot state={state} focusAt={focusAt} />
      )}
    </>
  )
}

function Foot({ state, focusAt }: { state: State; focusAt: number }) {
  const { chat, words, language } = useView()
  const { connection, notice, config } = state
  if (activeOf(state)?.closedAt) {
    return <Question text={words.ended} yes={words.startAgain} onYes={() => void chat.show()} />
  }
  return (
    <div class="foot">
      {notice && (
        <p class="notice alarm" role="alert">
          {noticeOf(notice, words, sizeOf(config.uploads.maxBytes, language))}
          <button type="button" aria-label={words.dismiss} onClick={() => chat.dismiss()}>
            <Icon name="close" />
          </button>
        </p>
      )}
      {connection === 'offline' && (
        <p class="notice" role="status">
          {words.offline}
        </p>
      )}
      <Composer uploads={config.uploads} attached={state.attached} focusAt={focusAt} />
    </div>
  )
}

interface QuestionProps {
  text: string
  hint?: string
  yes: string
  onYes: () => void
  onNo?: () => void
}

/** Something to decide, in place of the field. */
function Question({ text, hint, yes, onYes, onNo }: QuestionProps) {
  const { words } = useView()
  const answer = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (onNo) answer.current?.focus()
  }, [])
  return (
    <section class="question" aria-label={text}>
      <p>
        <strong>{text}</strong>
        {hint && <span class="quiet">{hint}</span>}
      </p>
      <div class="row">
        {onNo && (
          <button type="button" onClick={onNo}>
            {words.cancel}
          </button>
        )}
        <button ref={answer} type="button" class="primary" onClick={onYes}>
          {yes}
        </button>
      </div>
    </section>
  )
}
