import { createParser } from 'eventsource-parser'
import { HubError, retryAfterOf, type VisitorApi } from './api.js'
import type { HubEvent, State } from './state.js'

/** An event with its place: the position before it and its own. Typing has none. */
export interface Placed {
  event: HubEvent
  from?: string | undefined
  to?: string | undefined
}

export interface StreamOptions {
  api: VisitorApi
  /** The last position that this tab has seen. */
  position: () => string | undefined
  /** Called in order. */
  onEvent: (placed: Placed) => void
  /** What happened before the connection cannot be told: everything is to be loaded again. */
  onGap: () => void
  onConnection: (connection: State['connection']) => void
}

/** The hub sends a comment every 15 seconds. A connection that is silent for longer is dead, in milliseconds. */
const SILENCE_MS = 40_000
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 20_000

/**
 * Follows the visitor's events until the signal, over any number of connections: each continues where the last one ended.
 * @throws HubError if the hub refuses the visitor
 */
export async function followEvents(options: StreamOptions, signal: AbortSignal): Promise<void> {
  let failures = 0
  let retryAfterMs = 0
  while (!signal.aborted) {
    options.onConnection(navigator.onLine === false ? 'offline' : 'connecting')
    try {
      await readConnection(options, signal, () => {
        failures = 0
        options.onConnection('online')
      })
      retryAfterMs = 0
    } catch (error) {
      retryAfterMs = retryAfterOf(error)
      if (error instanceof HubError && !error.isTemporary) throw error
    }
    if (signal.aborted) return
    options.onConnection(navigator.onLine === false || failures > 0 ? 'offline' : 'connecting')
    await pause(failures++, signal, retryAfterMs)
  }
}

async function readConnection(
  { api, position, onEvent, onGap }: StreamOptions,
  signal: AbortSignal,
  onOpen: () => void,
): Promise<void> {
  const silence = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const expectBytes = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(), SILENCE_MS)
  }
  expectBytes()
  try {
    const after = position()
    const body = await api.events(after, AbortSignal.any([signal, silence.signal]))
    onOpen()
    if (after === undefined) onGap()
    let last = after
    const parser = createParser({
      onEvent({ id, event = 'message', data }) {
        const placed = { event: { name: event, data: parse(data) }, ...(id && { from: last, to: id }) }
        last = id ?? last
        if (event === 'reset') onGap()
        onEvent(placed)
      },
    })
    const decoder = new TextDecoder()
    const reader = body.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      expectBytes()
      parser.feed(decoder.decode(value, { stream: true }))
    }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Waits longer after each failure, with jitter, and no longer than until the browser is online again. `leastMs`: what the
 * hub has asked for.
 */
export function pause(failures: number, signal: AbortSignal, leastMs = 0): Promise<void> {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures)
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      removeEventListener('online', end)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.max(leastMs, longest * (0.5 + Math.random() / 2)))
    addEventListener('online', end)
    signal.addEventListener('abort', end)
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
