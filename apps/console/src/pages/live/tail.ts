import { useEffect, useRef, useState } from 'preact/hooks'
import { apiUrl } from '../../base.js'
import { readSession } from '../../shell/session.js'

/** A message or an event as it passes by. */
export interface TailEntry {
  clientId: string
  conversationId?: string
  userId?: string
  id: string
  seq: number
  type: string
  at: string
  author?: { kind: 'user' | 'business'; id?: string }
  channels: string[]
  preview: string
}

/** What is followed, newest first. */
export interface Tail {
  entries: readonly TailEntry[]
  /** Entries that came while the list was held. */
  waiting: number
  /** Entries that the server left out, since there were too many. */
  missed: number
  state: 'connecting' | 'open' | 'closed'
  /** Whether entries of all processes come. */
  isWhole: boolean
}

/** Entries that are kept: enough to look through, and few enough to stay fast. */
const MAX_ENTRIES = 1_000
/** How often the list changes at most, in milliseconds, however much comes. */
const FLUSH_MS = 250

const nothing: Tail = { entries: [], waiting: 0, missed: 0, state: 'connecting', isWhole: true }

/** Follows what happens at the server. `path`: of the stream. While it is held, nothing moves. `attempt`: another one connects again. */
export function useTail(path: string, isHeld: boolean, attempt = 0): Tail {
  const [tail, setTail] = useState(nothing)
  const held = useRef(isHeld)
  held.current = isHeld
  useEffect(() => {
    const fresh: TailEntry[] = []
    let missed = 0
    let now: Tail = nothing
    const put = (change: Partial<Tail>) => {
      now = { ...now, ...change }
      setTail(now)
    }
    put({})
    const source = new EventSource(new URL(path, apiUrl), { withCredentials: true })
    source.addEventListener('begin', (event) => put({ state: 'open', isWhole: isWholeOf(event.data) }))
    source.addEventListener('entry', (event) => {
      const entry: TailEntry = JSON.parse(event.data)
      fresh.push(entry)
      if (fresh.length > MAX_ENTRIES) fresh.shift()
    })
    source.addEventListener('missed', (event) => {
      const { count }: { count: number } = JSON.parse(event.data)
      missed += count
    })
    source.addEventListener('error', () => {
      const isClosed = source.readyState === EventSource.CLOSED
      put({ state: isClosed ? 'closed' : 'connecting' })
      // The browser does not say why: the session may have ended.
      if (isClosed) void readSession()
    })
    const timer = setInterval(() => {
      if (held.current) {
        if (now.waiting !== fresh.length) put({ waiting: fresh.length })
        return
      }
      if (fresh.length === 0 && missed === 0) {
        if (now.waiting > 0) put({ waiting: 0 })
        return
      }
      const entries = [...fresh.reverse(), ...now.entries].slice(0, MAX_ENTRIES)
      put({ entries, missed: now.missed + missed, waiting: 0 })
      fresh.length = 0
      missed = 0
    }, FLUSH_MS)
    return () => {
      clearInterval(timer)
      source.close()
    }
  }, [path, attempt])
  return tail
}

function isWholeOf(data: string): boolean {
  const { isWhole }: { isWhole: boolean } = JSON.parse(data)
  return isWhole
}
