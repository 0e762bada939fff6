import { useEffect, useRef, useState } from 'preact/hooks'
import type { WebChatConfig } from '../../config.js'
import type { Attached } from '../state.js'
import { fill } from '../words.js'
import { Icon } from './icons.js'
import { paint } from './media.js'
import { sizeOf } from './sizes.js'
import { useView } from './view.js'

/** Characters of a message that the hub takes. */
const MAX_TEXT = 10_000

interface ComposerProps {
  uploads: WebChatConfig['uploads']
  attached: readonly Attached[]
  /** Rises when the field is to have the focus. */
  focusAt: number
}

/** Where the visitor writes, and attaches files. */
export function Composer({ uploads, attached, focusAt }: ComposerProps) {
  const { chat, words } = useView()
  const [text, setText] = useState('')
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const canSend = text.trim() !== '' || attached.length > 0

  useEffect(() => {
    // On a phone the keyboard would hide the messages.
    if (focusAt > 0 && matchMedia('(pointer: fine)').matches) field.current?.focus()
  }, [focusAt])
  useEffect(() => {
    const { current } = field
    if (!current) return
    current.style.height = 'auto'
    current.style.height = `${current.scrollHeight}px`
  }, [text])

  const write = (words: string): void => {
    setText(words)
    chat.typed(words.trim() === '')
  }
  const send = (): void => {
    if (!canSend) return
    setText('')
    void chat.submit(text.trim())
    field.current?.focus()
  }
  const attach = (files: Iterable<File>): void => {
    chat.attach(files)
    // So that Enter sends them.
    field.current?.focus()
  }
  return (
    <form
      class="composer"
      part="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <Attachments attached={attached} />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        accept={uploads.types.join(',')}
        onChange={({ currentTarget }) => {
          attach([...(currentTarget.files ?? [])])
          currentTarget.value = ''
        }}
      />
      {uploads.maxBytes > 0 && (
        <button type="button" class="plain" aria-label={words.attach} onClick={() => picker.current?.click()}>
          <Icon name="attach" />
        </button>
      )}
      <textarea
        ref={field}
        rows={1}
        maxLength={MAX_TEXT}
        dir="auto"
        value={text}
        aria-label={words.write}
        placeholder={words.placeholder}
        enterkeyhint="send"
        onInput={({ currentTarget }) => write(currentTarget.value)}
        onPaste={(event) => {
          const files = [...(event.clipboardData?.files ?? [])]
          if (files.length === 0) return
          event.preventDefault()
          attach(files)
        }}
        onKeyDown={(event) => {
          // Enter also ends the input of a Chinese or Japanese word.
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
          event.preventDefault()
          send()
        }}
      />
      <button type="submit" class="send" part="send" aria-label={words.send} disabled={!canSend}>
        <Icon name="send" />
      </button>
    </form>
  )
}

/** The files that go with the next message, each with its picture, if it is one. */
function Attachments({ attached }: { attached: readonly Attached[] }) {
  const { chat, words, language } = useView()
  if (attached.length === 0) return null
  return (
    <ul class="attached" aria-label={words.attached}>
      {attached.map(({ id, file }) => (
        <li key={id} part="attachment">
          <Thumbnail file={file} />
          <span class="name" dir="auto">
            {file.name}
          </span>
          <span class="quiet">{sizeOf(file.size, language)}</span>
          <button
            type="button"
            class="plain"
            aria-label={fill(words.detach, { name: file.name })}
            onClick={() => chat.detach(id)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  )
}

/** Pixels of its longer side, for sharp screens. */
const THUMBNAIL = 96

/** Painted, because a page may forbid pictures. */
function Thumbnail({ file }: { file: File }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [isPicture, setPicture] = useState(file.type.startsWith('image/'))
  useEffect(() => {
    if (isPicture) paint(file, canvas.current, THUMBNAIL).catch(() => setPicture(false))
  }, [file])
  if (!isPicture) return <Icon name="file" />
  return (
    <span class="thumbnail" aria-hidden="true">
      <canvas ref={canvas} width={0} height={0} />
    </span>
  )
}
