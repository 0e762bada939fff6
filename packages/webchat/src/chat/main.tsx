import { render } from 'preact'
import { completeConfig, type WebChatConfig } from '../config.js'
import type { Language } from '../language.js'
import type { OutgoingPayload, WebChatEvents, WebChatOptions } from '../options.js'
import type { Keep } from '../storage.js'
import { VisitorApi } from './api.js'
import css from './chat.css?inline'
import { Chat } from './chat.js'
import { keepFocus } from './focus.js'
import { Outbox } from './outbox.js'
import { showUnread } from './title.js'
import { Panel } from './views/panel.js'
import { ViewProvider } from './views/view.js'
import { directionOf, wordsOf } from './words.js'

/** What the loader gives the chat. */
export interface MountOptions {
  /** Address of the visitor API of the client. */
  base: string
  root: ShadowRoot
  keep: Keep
  config: Partial<WebChatConfig>
  language: Language
  options: WebChatOptions
  /** The customer that the page has signed in, or `null` for nobody. */
  customer: string | null | undefined
  emit<T extends keyof WebChatEvents>(event: T, data: WebChatEvents[T]): void
  close(): void
}

/** The chat in the page. */
export interface MountedChat {
  /** What the button says while the chat is open. */
  readonly closeLabel: string
  setOpen(isOpen: boolean, takesFocus: boolean): void
  identify(token: string | null): void
  send(payload: OutgoingPayload): void
  destroy(): void
}

/** Builds the chat into the shadow root of the loader. */
export async function mountChat(mount: MountOptions): Promise<MountedChat> {
  const { base, root, keep, language, options, customer, emit } = mount
  const config = completeConfig(mount.config)
  const words = await wordsOf(language)
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet]

  const panel = document.createElement('div')
  panel.className = 'panel'
  panel.setAttribute('part', 'panel')
  panel.setAttribute('role', options.mode === 'page' ? 'main' : 'dialog')
  panel.setAttribute('aria-label', config.name)
  panel.lang = language
  panel.dir = directionOf(language)
  panel.tabIndex = -1
  panel.hidden = true
  root.append(panel)

  let focusAt = 0
  let isDrawing = false
  const chat = new Chat({
    client: options.client,
    api: new VisitorApi(base, () => keep.get().token),
    keep,
    outbox: new Outbox(options.client),
    config,
    language,
    customer,
    close: mount.close,
    emit(event, data) {
      if (event === 'unread') showUnread(Number(data))
      emit(event, data)
    },
    onChange() {
      if (isDrawing) return
      isDrawing = true
      queueMicrotask(draw)
    },
  })
  const view = {
    chat,
    words,
    language,
    hub: new URL(base).origin,
    business: config.name,
    ...(options.mode !== 'page' && { close: mount.close }),
  }
  function draw(): void {
    isDrawing = false
    render(
      <ViewProvider value={view}>
        <Panel state={chat.state} focusAt={focusAt} />
      </ViewProvider>,
      panel,
    )
  }
  const releaseFocus = options.mode === 'page' ? undefined : keepFocus(panel, mount.close)
  const seen = new IntersectionObserver(([entry]) => chat.setSeen(entry?.isIntersecting === true))
  seen.observe(panel)
  draw()
  void chat.start()

  return {
    closeLabel: words.close,
    setOpen(isOpen, takesFocus) {
      panel.hidden = !isOpen
      if (isOpen && takesFocus) {
        focusAt += 1
        panel.focus({ preventScroll: true })
      }
      chat.setOpen(isOpen)
    },
    identify: (token) => void chat.identify(token),
    send: (payload) => void chat.send(payload),
    destroy() {
      seen.disconnect()
      releaseFocus?.()
      chat.destroy()
      showUnread(0)
      render(null, panel)
    },
  }
}
