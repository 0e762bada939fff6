import { useEffect, useRef } from 'preact/hooks'
import { kept } from '../browser-storage.js'
import { go } from '../route/location.js'
import { Store } from '../store.js'

/** Whether single keys do something. People who dictate or whose hands slip turn them off. */
export const areKeysOn = new Store(kept.get('keys') !== 'off')

export function setKeysOn(isOn: boolean): void {
  kept.set('keys', isOn ? undefined : 'off')
  areKeysOn.set(isOn)
}

/** Whether the list of keys is shown. */
export const isHelpOpen = new Store(false)

/** Where `g` and a letter lead. */
export interface Destination {
  key: string
  label: string
  href: string
}

type Step = (step: 1 | -1) => void

const lists: Step[] = []

/** `j` and `k` go through this list while it is shown. */
export function useListKeys(step: Step): void {
  const newest = useRef(step)
  newest.current = step
  useEffect(() => {
    const call: Step = (by) => newest.current(by)
    lists.push(call)
    return () => void lists.splice(lists.indexOf(call), 1)
  }, [])
}

/** Milliseconds after `g` within which its letter counts. */
const SEQUENCE_MS = 1_500

/** Listens for keys. Returns a function that ends it. */
export function listenForKeys(destinations: () => readonly Destination[]): () => void {
  let goPressedAt = Number.NEGATIVE_INFINITY
  function onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    if (!areKeysOn.get() || document.querySelector('dialog[open]')) return
    const isSequence = event.timeStamp - goPressedAt < SEQUENCE_MS
    goPressedAt = Number.NEGATIVE_INFINITY
    if (isSequence) {
      const destination = destinations().find(({ key }) => key === event.key)
      if (!destination) return
      event.preventDefault()
      go(destination.href)
      return
    }
    if (event.key === 'g') goPressedAt = event.timeStamp
    else if (act(event.key)) event.preventDefault()
  }
  document.addEventListener('keydown', onKey)
  return () => document.removeEventListener('keydown', onKey)
}

/** Whether the key did something. */
function act(key: string): boolean {
  if (key === '?') {
    isHelpOpen.set(true)
    return true
  }
  if (key === '/') {
    const search = document.querySelector<HTMLInputElement>('[data-search]')
    search?.focus()
    search?.select()
    return search !== null
  }
  const list = lists.at(-1)
  if (!list || (key !== 'j' && key !== 'k')) return false
  list(key === 'j' ? 1 : -1)
  return true
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type)))
