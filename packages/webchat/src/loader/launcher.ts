import type { MountedChat, mountChat } from '../chat/main.js'
import type { WebChatConfig } from '../config.js'
import { languageOf } from '../language.js'
import type { WebChat, WebChatEvents, WebChatOptions } from '../options.js'
import { keepOf, storageOr } from '../storage.js'
import { OPEN_CHAT } from './labels.js'
import css from './launcher.css?inline'

type LoadChat = () => Promise<{ mountChat: typeof mountChat }>

const TAG = 'plugboard-chat'

/** The part that each page loads: the button with its badge, and the JavaScript API. Loads the chat when it is needed. */
export function startChat(options: WebChatOptions, loadChat: LoadChat): WebChat {
  const { client, mode = 'button', theme = 'auto' } = options
  const base = `${options.url.replace(/\/+$/, '')}/web/v1/${encodeURIComponent(client)}`
  const keep = keepOf(client)
  const tab = storageOr(() => sessionStorage)
  const openKey = `plugboard:${client}:open`
  const listeners = new Set<[keyof WebChatEvents, (data: never) => void]>()
  const isPage = mode === 'page'

  const host = document.createElement(TAG)
  const root = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(css)
  root.adoptedStyleSheets = [sheet]
  host.dataset.mode = mode
  host.dataset.theme = theme

  const button = document.createElement('button')
  const badge = document.createElement('span')
  let language = languageOf(options.language)
  button.type = 'button'
  button.className = 'launcher'
  button.part.add('button')
  button.ariaHasPopup = 'dialog'
  badge.className = 'badge'
  badge.part.add('badge')
  button.append(drawIcon(), badge)
  button.addEventListener('click', () => api.toggle())

  let isOpen = false
  let unread = 0
  let closeLabel = ''
  let isDestroyed = false
  let customer: string | null | undefined
  let loading: Promise<MountedChat | undefined> | undefined

  function show(): void {
    button.ariaExpanded = String(isOpen)
    const open = OPEN_CHAT[language]
    const hasBadge = unread > 0 && !isOpen
    button.ariaLabel = (isOpen && closeLabel) || (hasBadge ? `${open} (${unread})` : open)
    badge.textContent = unread > 99 ? '99+' : String(unread)
    badge.hidden = !hasBadge
    host.toggleAttribute('open', isOpen)
  }

  function emit<T extends keyof WebChatEvents>(event: T, data: WebChatEvents[T]): void {
    if (event === 'unread') {
      unread = Number(data)
      show()
    }
    for (const [name, listener] of listeners) if (name === event) listener(data as never)
  }

  const configured = findConfig().then((config) => {
    if (config === undefined || isDestroyed) return undefined
    for (const [name, color] of Object.entries(config.colors ?? {}))
      host.style.setProperty(`--pb-${name}`, color)
    host.dataset.position = config.position
    language = languageOf(options.language, config)
    show()
    if (!isPage && !options.isButtonHidden) root.prepend(button)
    document.body.append(host)
    return config
  })

  async function findConfig(): Promise<WebChatConfig | undefined> {
    try {
      const response = await fetch(`${base}/config?language=${language}`)
      if (response.ok) {
        const config: WebChatConfig = await response.json()
        keep.set({ config })
        return config
      }
      if (response.status >= 500) throw response
      // The client does not exist, or does not want this page.
      console.warn(`Plugboard: the chat is not available here (${response.status})`)
      return undefined
    } catch {
      // Browsers do not say which.
      console.warn(
        `Plugboard: ${base} cannot be read. Either the server cannot be reached, or ${location.origin} is not one of allowedOrigins of the client "${client}", or there is no such client with a web chat`,
      )
      return keep.get().config
    }
  }

  /** Loads the chat once. Later calls get the same. */
  function load(): Promise<MountedChat | undefined> {
    loading ??= loadOnce().catch((error) => {
      // The next click tries again.
      loading = undefined
      button.ariaBusy = null
      console.warn('Plugboard: the chat could not be loaded', error)
      return undefined
    })
    return loading
  }

  async function loadOnce(): Promise<MountedChat | undefined> {
    button.ariaBusy = 'true'
    const [{ mountChat }, config] = await Promise.all([loadChat(), configured])
    button.ariaBusy = null
    if (!config || isDestroyed) return undefined
    return mountChat({
      base,
      root,
      keep,
      config,
      language,
      options,
      customer,
      emit,
      close: () => api.close(),
    })
  }

  async function setOpen(shouldOpen: boolean, takesFocus = true): Promise<void> {
    if (isOpen === shouldOpen || isDestroyed) return
    isOpen = shouldOpen
    tab.setItem(openKey, isOpen ? '1' : '')
    show()
    const chat = await load()
    if (chat === undefined) {
      isOpen = false
      show()
      return
    }
    if (isOpen !== shouldOpen) return
    closeLabel = chat.closeLabel
    show()
    chat.setOpen(isOpen, takesFocus)
    emit(isOpen ? 'open' : 'close', undefined)
    if (!isOpen) button.focus()
  }

  const api: WebChat = {
    open: () => void setOpen(true),
    close: () => void (isPage || setOpen(false)),
    toggle: () => void setOpen(!isOpen),
    identify(token) {
      customer = token
      if (loading || (token === null && keep.get().token)) void load().then((chat) => chat?.identify(token))
    },
    send(message) {
      const payload = typeof message === 'string' ? { type: 'text', text: message } : message
      void setOpen(true)
      void load().then((chat) => chat?.send(payload))
    },
    on(event, listener) {
      const entry: [keyof WebChatEvents, (data: never) => void] = [event, listener]
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    destroy() {
      isDestroyed = true
      void loading?.then((chat) => chat?.destroy())
      host.remove()
    },
  }

  /** A visitor who was here before may have unread messages, and messages that wait to be sent. */
  async function resume(): Promise<void> {
    const config = await configured
    if (config === undefined) return
    const { token, hasQueue } = keep.get()
    // It was open on the page before; the visitor did not ask for it on this one.
    if (isPage || tab.getItem(openKey)) return setOpen(true, false)
    if (hasQueue) return void load()
    if (!token) return
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${base}/conversations?limit=20`, { headers })
    if (!response.ok) return
    const { conversations }: { conversations?: { unread?: number }[] } = await response.json()
    const count = (conversations ?? []).reduce((sum, { unread = 0 }) => sum + unread, 0)
    if (count === 0) return
    emit('unread', count)
    await load()
  }

  show()
  void resume().catch(() => {})
  return api
}

const SVG = 'http://www.w3.org/2000/svg'

/** A bubble while the chat is closed, an arrow down while it is open. */
const PATHS = {
  chat: 'M12 3c5 0 9 3 9 7.5S17 18 12 18c-1 0-2 0-3-.3L4.6 20l.9-3.3A7 7 0 0 1 3 10.5C3 6 7 3 12 3Z',
  down: 'm6 9 6 6 6-6',
}

function drawIcon(): SVGElement {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '0 0 24 24')
  for (const [name, path] of Object.entries(PATHS)) {
    const shape = document.createElementNS(SVG, 'path')
    shape.setAttribute('class', name)
    shape.setAttribute('d', path)
    svg.append(shape)
  }
  return svg
}
