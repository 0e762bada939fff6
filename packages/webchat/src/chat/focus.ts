/** What can have the focus. */
const FOCUSABLE = 'button:not(:disabled), a[href], input:not([hidden]), select, textarea, [tabindex="0"]'
/** Up to this width the chat fills the screen, as in `chat.css`. */
const FULL_SCREEN = '(max-width: 480px), (max-height: 480px)'

/**
 * Escape closes the chat. Where it fills the screen, the page behind it cannot be reached, so Tab goes around in it.
 * Returns a function that ends this.
 */
export function keepFocus(panel: HTMLElement, close: () => void): () => void {
  const screen = matchMedia(FULL_SCREEN)
  const show = (): void => panel.setAttribute('aria-modal', String(screen.matches))
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.stopPropagation()
      close()
    }
    if (event.key === 'Tab' && screen.matches) goAround(panel, event)
  }
  show()
  screen.addEventListener('change', show)
  panel.addEventListener('keydown', onKey)
  return () => {
    screen.removeEventListener('change', show)
    panel.removeEventListener('keydown', onKey)
  }
}

function goAround(panel: HTMLElement, event: KeyboardEvent): void {
  const all = [...panel.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    (element) => element.offsetParent !== null,
  )
  const { activeElement } = panel.getRootNode() as ShadowRoot
  const end = event.shiftKey ? all[0] : all.at(-1)
  if (activeElement !== end && activeElement !== panel) return
  event.preventDefault()
  ;(event.shiftKey ? all.at(-1) : all[0])?.focus()
}
