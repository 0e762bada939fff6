import { consoleUrl } from '../base.js'
import { Store, useStore } from '../store.js'

/** Where the reader is, below the console: `clients/1/deliveries`, and the filters of the list. */
export interface Place {
  path: string
  query: URLSearchParams
  hash: string
}

function read(): Place {
  const { pathname, search, hash } = window.location
  const path = pathname.startsWith(consoleUrl.pathname) ? pathname.slice(consoleUrl.pathname.length) : ''
  return { path: path.replace(/\/+$/, ''), query: new URLSearchParams(search), hash: hash.slice(1) }
}

const place = new Store(read())

/** How often the reader has gone to another page: what has to begin anew looks at it. */
export const visits = new Store(0)

window.addEventListener('popstate', () => {
  place.set(read())
  visits.set(visits.get() + 1)
})

export const usePlace = (): Place => useStore(place)

export const currentPlace = (): Place => place.get()

/** The address of a page: parts of the path are escaped, `at('clients', id)`. */
export const at = (...parts: string[]): string =>
  consoleUrl.pathname + parts.map((part) => encodeURIComponent(part)).join('/')

/** Goes to an address of {@link at}. `isNew: false`: the way back leads past it. */
export function go(href: string, { isNew = true } = {}): void {
  const before = place.get()
  if (isNew) history.pushState(null, '', href)
  else history.replaceState(null, '', href)
  const next = read()
  place.set(next)
  if (next.path === before.path) return
  window.scrollTo(0, 0)
  visits.set(visits.get() + 1)
}

/** Changes the filters in the address; undefined or empty removes one. */
export function setFilters(changes: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = place.get()
  const next = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') next.delete(name)
    else next.set(name, value)
  }
  const search = next.size === 0 ? '' : `?${next}`
  go(consoleUrl.pathname + path + search, { isNew: false })
}

/** Links of the console change the page without loading it. */
export function followLinks(): void {
  document.addEventListener('click', (event) => {
    const { target } = event
    const link = target instanceof Element ? target.closest('a') : null
    if (!link || event.defaultPrevented || event.button !== 0) return
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.target !== '' || link.hasAttribute('download') || link.origin !== consoleUrl.origin) return
    if (!link.pathname.startsWith(consoleUrl.pathname)) return
    // Inside a page: the browser scrolls.
    if (link.hash !== '' && link.pathname === window.location.pathname) return
    event.preventDefault()
    go(link.href)
  })
}
