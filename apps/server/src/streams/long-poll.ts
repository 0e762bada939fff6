import type { LiveEvent, LivePage } from '@plugboard/hub'
import type { PrintedEvent } from './printed-event.js'

export interface LongPoll {
  /** Its first page was taken. */
  pages: AsyncGenerator<LivePage, void, void>
  first: LivePage
  print(event: LiveEvent): PrintedEvent | undefined
  mayContinue(): boolean | Promise<boolean>
}

/**
 * Waits for the first events, until `pages` end, and ends them. The answer is JSON text: the events, and the position for the next
 * request.
 */
export async function longPoll(source: LongPoll): Promise<string> {
  try {
    return await firstEvents(source)
  } finally {
    await source.pages.return()
  }
}

async function firstEvents({ pages, first, print, mayContinue }: LongPoll): Promise<string> {
  let position = ''
  for (let page = first; ; ) {
    if ('reset' in page) return answer([], page.reset.oldest, page.reset)
    position = page.position
    const printed = page.events.map(print).filter((event) => event !== undefined)
    if (printed.length > 0) return answer(printed, position)
    const next = await pages.next()
    if (next.done || !(await mayContinue())) return answer([], position)
    page = next.value
  }
}

function answer(events: readonly PrintedEvent[], position: string, reset?: { oldest: string }): string {
  const texts = events.map(({ id, data }) =>
    id === undefined ? data : `{"id":${JSON.stringify(id)},${data.slice(1)}`,
  )
  const rest = JSON.stringify({ position, ...(reset && { reset }) })
  return `{"events":[${texts.join(',')}],${rest.slice(1)}`
}
