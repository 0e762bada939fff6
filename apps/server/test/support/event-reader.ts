import { createParser, type EventSourceMessage } from 'eventsource-parser'

/** An event that a reader got. */
interface ReadEvent {
  id: string | undefined
  type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes, and assert each
  data: any
}

/** A reader of server-sent events over one connection. */
export interface EventReader {
  readonly response: Response
  readonly events: ReadEvent[]
  /** Comments, of which one comes from time to time. */
  readonly comments: string[]
  /** The delay that the server asks for before the next connection, in milliseconds. */
  readonly retryMs: number | undefined
  /** Where it resumes. */
  readonly lastId: string | undefined
  /** Resolves when the connection ends, whoever ended it. */
  readonly over: Promise<void>
  /** The texts of the messages. */
  texts(): string[]
  types(): string[]
  end(): void
}

/** Opens a stream, and resolves when its headers are there. Read on as the events come. */
export async function readEvents(
  url: string,
  headers: Record<string, string>,
  position?: string,
): Promise<EventReader> {
  const abort = new AbortController()
  const response = await fetch(url, {
    headers: {
      accept: 'text/event-stream',
      ...headers,
      ...(position !== undefined && { 'last-event-id': position }),
    },
    signal: abort.signal,
  })
  const reader = {
    response,
    events: [] as ReadEvent[],
    comments: [] as string[],
    retryMs: undefined as number | undefined,
    lastId: position,
    texts: () =>
      reader.events.flatMap(({ type, data }) =>
        type === 'message.new' ? [data.data.message.payload.text] : [],
      ),
    types: () => reader.events.map(({ type }) => type),
    end: () => abort.abort(),
    over: Promise.resolve(),
  }
  const parser = createParser({
    onEvent({ id, event = 'message', data }: EventSourceMessage) {
      if (id !== undefined) reader.lastId = id
      reader.events.push({ id, type: event, data: JSON.parse(data) })
    },
    onComment: (comment) => reader.comments.push(comment),
    onRetry(ms) {
      reader.retryMs = ms
    },
  })
  const decoder = new TextDecoder()
  const readAll = async (): Promise<void> => {
    for await (const chunk of response.body ?? []) parser.feed(decoder.decode(chunk, { stream: true }))
  }
  reader.over = readAll().catch(() => undefined)
  return reader
}
