import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { asApiError, useQuery } from '../../api/query.js'
import { type ApiError, request } from '../../api/request.js'
import type { TimelineItem } from '../../api/wire.js'
import { sayFailure } from '../../shell/toasts.js'

interface Page {
  items: TimelineItem[]
  /** `before` of the page of earlier entries. */
  next?: number
}

/** The entries of a conversation, oldest first. The newest, and others that wait, are read again while they are looked at. */
export interface Timeline {
  items: readonly TimelineItem[]
  isLoaded: boolean
  error: ApiError | undefined
  hasEarlier: boolean
  isReadingEarlier: boolean
  readEarlier(): void
  reload(): Promise<void>
  /** Reads one entry again, after something was done about it. */
  reloadEntry(seq: number): Promise<void>
}

const LIMIT = 50
/** Of a page of the API. */
const MAX_LIMIT = 100
const EVERY_MS = 3_000

export function useTimeline(conversation: string): Timeline {
  const newest = useQuery<Page>(`${conversation}/timeline?limit=${LIMIT}`, { everyMs: EVERY_MS })
  const entries = useRef(new Map<number, TimelineItem>())
  const [items, setItems] = useState<readonly TimelineItem[]>([])
  const [hasEarlier, setHasEarlier] = useState(false)
  const [isReadingEarlier, setIsReadingEarlier] = useState(false)
  const [error, setError] = useState<ApiError>()

  const read = useCallback(
    (before: number, limit: number) =>
      request<Page>('GET', `${conversation}/timeline?limit=${limit}&before=${before}`),
    [conversation],
  )

  const add = useCallback((page: Page) => {
    for (const item of page.items) entries.current.set(item.entry.seq, item)
    setItems([...entries.current.values()].sort((a, b) => a.entry.seq - b.entry.seq))
  }, [])

  /** Only what is shown: it may have been left while the page was read. */
  const renew = useCallback(
    ({ items: page }: Page) => add({ items: page.filter(({ entry }) => entries.current.has(entry.seq)) }),
    [add],
  )

  useEffect(() => {
    if (!newest.data) return
    const { items: page, next } = newest.data
    const first = page.at(-1)?.entry.seq ?? 0
    // More came than a page has, while nobody looked: what lies between is not known.
    const isGap = !page.some(({ entry }) => entries.current.has(entry.seq))
    if (isGap) {
      entries.current.clear()
      setHasEarlier(next !== undefined)
    }
    add(newest.data)
    const waiting = [...entries.current.values()].filter((item) => item.entry.seq < first && isWaiting(item))
    if (waiting.length === 0) return
    // Without them the newest are shown all the same, and in a moment they are read again.
    read(Math.max(...waiting.map(({ entry }) => entry.seq)) + 1, MAX_LIMIT).then(renew, () => undefined)
  }, [newest.data, add, renew, read])

  const readEarlier = useCallback(async () => {
    const first = Math.min(...entries.current.keys())
    setIsReadingEarlier(true)
    setError(undefined)
    try {
      const page = await read(first, LIMIT)
      if (!entries.current.has(first)) return
      add(page)
      setHasEarlier(page.next !== undefined)
    } catch (thrown) {
      setError(asApiError(thrown))
      sayFailure(thrown)
    } finally {
      setIsReadingEarlier(false)
    }
  }, [read, add])

  return {
    items,
    isLoaded: newest.data !== undefined,
    error: newest.error ?? error,
    hasEarlier,
    isReadingEarlier,
    readEarlier: () => void readEarlier(),
    reload: newest.reload,
    reloadEntry: async (seq) => renew(await read(seq + 1, 1)),
  }
}

/** Whether something will become of it. */
const isWaiting = ({ deliveries }: TimelineItem): boolean =>
  deliveries.some(({ state }) => state === 'pending' || state === 'retrying')
