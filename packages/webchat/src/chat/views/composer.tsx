import { useEffect, useRef, useState } from 'preact/hooks'
import type { WebChatConfig } from '../../config.js'
import { Icon } from './icons.js'
import { useView } from './view.js'

/** Characters of a message that the hub takes. */
const MAX_TEXT = 10_000

interface ComposerProps {
  uploads: WebChatConfig['uploads']
  /** Rises when the field is to have the focus. */
  focusAt: number
}

/** Where the visitor writes, and attaches files. */
export function Composer({ uploads, focusAt }: ComposerProps) {
  const { chat, words } = useView()
  const [text, setText] = useState('')
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const canSend = text.trim() !== ''

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
    void chat.send({ type: 'text', text: text.trim() })
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
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        accept={uploads.types.join(',')}
        onChange={({ currentTarget }) => {
          for (const file of currentTarget.files ?? []) void chat.sendFile(file)
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
          for (const file of files) void chat.sendFile(file)
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
