/** An event as readers get it. */
export interface PrintedEvent {
  type: string
  /** The position behind it; an event without one is not repeated. */
  id?: string
  /** JSON text. */
  data: string
  /** The event in a stream of server-sent events. */
  text: string
}

/** `data`: JSON text, in which line breaks can only be between values. */
export function printedEvent({ type, id, data }: Omit<PrintedEvent, 'text'>): PrintedEvent {
  const line = /[\r\n]/.test(data) ? data.replaceAll(/[\r\n]+/g, ' ') : data
  const text = `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${line}\n\n`
  return { type, ...(id !== undefined && { id }), data, text }
}

/** Where the stream is: at its begin, and behind events that are not for the reader. */
export const positionEvent = (position: string): string =>
  own('position', position, JSON.stringify({ position }))

/** What follows the reader's position is no longer kept; everything after `oldest` comes. */
export const resetEvent = (oldest: string): string => own('reset', oldest, JSON.stringify({ oldest }))

const own = (type: string, id: string, data: string): string =>
  printedEvent({ type, id, data: `{"type":"${type}","data":${data}}` }).text
