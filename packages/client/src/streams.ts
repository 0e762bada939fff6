import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { PlugboardApiError } from './errors.js'
import { isObject, toEvent, type WebhookEvent } from './events.js'
import { pause } from './retry.js'
import { type Transport, type TransportOptions, transport } from './transport.js'

type WithoutId<Event> = Event extends WebhookEvent ? Omit<Event, 'id'> : never

/**
 * An event of a stream, as webhooks get it. `position`: where to continue after it; undefined for events that are not
 * repeated, such as typing.
 */
export type StreamedEvent = WithoutId<WebhookEvent> & { position: string | undefined }

/**
 * What followed the position is no longer kept by the server: forget what you have, everything that is kept comes next.
 */
export interface ResetEvent {
  type: 'reset'
  data: { oldest: string }
  position: string
}

/** Which events, and from where. */
export interface EventsOptions {
  /** Follow one conversation. Default: all that the credentials may read. */
  conversationId?: string | undefined
  /** The `position` of the last event that you have handled. Default: from now on. */
  after?: string | undefined
  /** Ends the iteration, which then throws the signal's `reason`. */
  signal?: AbortSignal | undefined
  /**
   * How events come. `stream`: server-sent events. `poll`: requests that wait, for networks that hold streams back.
   * `auto` streams, and polls once two streams in a row brought nothing at all. Default: `auto`.
   */
  mode?: 'auto' | 'stream' | 'poll' | undefined
}

/** Options of {@link userEvents}. */
export interface UserEventsOptions
  extends EventsOptions,
    Pick<TransportOptions, 'url' | 'fetch' | 'timeoutMs'> {
  /** From `POST /users/tokens`. */
  userToken: string
}

/** Without any byte for so long, a stream is broken: the server sends a comment every 15 seconds. */
const SILENCE_MS = 45_000

/** How long a request for events waits, in seconds. */
const POLL_SECONDS = 25

/** Streams without a byte after which `auto` polls. */
const MAX_SILENT_STREAMS = 2

const DEFAULT_RETRY_MS = 1_000
const FIRST_RETRY_MS = 300
const MAX_RETRY_MS = 30_000

/** Another attempt may succeed. Any other status stays. */
const PASSING = new Set([408, 409, 425, 429])

/** State of one iteration. */
interface Progress {
  position: string | undefined
  /** Attempts since the last one that brought something. */
  failures: number
  silentStreams: number
  /** What the server asks for. */
  retryMs: number
}

/** Something that came over a stream. */
type Arrived = { type: string; position: string | undefined; json: unknown }

/**
 * Follows events, and continues where it was after any interruption: it never gives an event twice or leaves one out.
 * `whole`: the path of all events that the credentials may read.
 * @throws PlugboardApiError if the server refuses the request for good (401, 403, 404, 400)
 */
export async function* follow(
  http: Transport,
  whole: readonly string[],
  { conversationId, after, signal, mode = 'auto' }: EventsOptions,
): AsyncGenerator<StreamedEvent | ResetEvent, never, void> {
  const path = conversationId === undefined ? whole : ['conversations', conversationId, 'events']
  const progress: Progress = { position: after, failures: 0, silentStreams: 0, retryMs: DEFAULT_RETRY_MS }
  for (;;) {
    signal?.throwIfAborted()
    const isPolling = mode === 'poll' || (mode === 'auto' && progress.silentStreams >= MAX_SILENT_STREAMS)
    let retryAfterMs: number | undefined
    try {
      const arriving = isPolling ? poll(http, path, progress, signal) : stream(http, path, progress, signal)
      for await (const arrived of arriving) {
        progress.failures = 0
        if (arrived.position !== undefined) progress.position = arrived.position
        const event = asEvent(arrived)
        if (event) yield event
      }
      if (isPolling) continue
    } catch (error) {
      signal?.throwIfAborted()
      if (!(error instanceof PlugboardApiError) || isFinal(error)) throw error
      progress.failures += 1
      if (error.reason === 'timeout' && !isPolling) progress.silentStreams += 1
      retryAfterMs = error.retryAfterMs
    }
    await pause(delayOf(progress, retryAfterMs), signal)
  }
}

const isFinal = ({ reason, status }: PlugboardApiError): boolean =>
  (reason === 'status' && status < 500 && !PASSING.has(status)) || reason === 'answer'

/**
 * As the server asks after it has ended a stream. Short after a break, and doubled with each further failure. Always with
 * a random half, so that the clients of a server that restarts do not come at once.
 */
function delayOf({ failures, retryMs }: Progress, retryAfterMs = 0): number {
  const wanted = failures === 0 ? retryMs : FIRST_RETRY_MS * 2 ** (failures - 1)
  const ceiling = Math.min(wanted, MAX_RETRY_MS)
  return Math.max(retryAfterMs, ceiling / 2 + (Math.random() * ceiling) / 2)
}

function asEvent({ type, position, json }: Arrived): StreamedEvent | ResetEvent | undefined {
  if (type === 'reset' && position !== undefined)
    return { type: 'reset', data: { oldest: position }, position }
  const event = toEvent('', json)
  if (!event || type === 'position') return undefined
  const { id: _, ...rest } = event
  return { ...rest, position } as StreamedEvent
}

async function* poll(
  http: Transport,
  path: readonly string[],
  { position }: Progress,
  signal: AbortSignal | undefined,
): AsyncGenerator<Arrived, void, void> {
  const query = { wait: POLL_SECONDS, after: position }
  const timeoutMs = POLL_SECONDS * 1_000 + http.timeoutMs
  const answer = await http.get<unknown>({ path, query }, { signal, timeoutMs })
  const { events, position: next, reset } = isObject(answer) ? answer : {}
  if (!Array.isArray(events) || typeof next !== 'string') {
    const message = 'the answer has no events'
    throw new PlugboardApiError({
      reason: 'answer',
      status: 200,
      message,
      method: 'GET',
      path: `/api/v1/${path.join('/')}`,
    })
  }
  for (const json of events) {
    const { id, type } = isObject(json) ? json : {}
    yield { type: String(type), position: typeof id === 'string' ? id : undefined, json }
  }
  yield { type: reset ? 'reset' : 'position', position: next, json: undefined }
}

async function* stream(
  http: Transport,
  path: readonly string[],
  progress: Progress,
  signal: AbortSignal | undefined,
): AsyncGenerator<Arrived, void, void> {
  const arrived: Arrived[] = []
  const parser = createParser({
    onEvent({ id, event = 'message', data }: EventSourceMessage) {
      arrived.push({ type: event, position: id, json: parsed(data) })
    },
    onRetry(ms) {
      progress.retryMs = Math.min(ms, MAX_RETRY_MS)
    },
  })
  const { position } = progress
  const headers = {
    accept: 'text/event-stream',
    ...(position !== undefined && { 'last-event-id': position }),
  }
  const decoder = new TextDecoder()
  let isSilent = true
  for await (const chunk of http.read({ path, headers, silenceMs: SILENCE_MS }, signal)) {
    isSilent = false
    progress.silentStreams = 0
    progress.failures = 0
    parser.feed(decoder.decode(chunk, { stream: true }))
    yield* arrived.splice(0)
  }
  if (isSilent) progress.silentStreams += 1
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

/** Events for one user, with its token alone: in a browser or an app. As {@link PlugboardClient.events}. */
export function userEvents({
  url,
  userToken,
  fetch,
  timeoutMs,
  ...options
}: UserEventsOptions): AsyncGenerator<StreamedEvent | ResetEvent, never, void> {
  const http = transport({
    ...{ url, fetch, timeoutMs, retries: 0, secrets: [userToken] },
    headers: { authorization: `Bearer ${userToken}` },
  })
  return follow(http, ['users', 'me', 'events'], options)
}
