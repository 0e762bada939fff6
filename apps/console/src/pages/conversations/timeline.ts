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

/** The entries of a conversation, oldest first. The newest are read again while they are looked at. */
export interface Timeline {
  items: readonly TimelineItem[]
  isLoaded: boolean
  error: ApiError | undefined
  hasEarlier: boolean
  isReadingEarlier: boolean
  readEarlier(): void
  reload(): Promise<void>
}

const LIMIT = 50
const EVERY_MS = 3_000

export function useTimeline(conversation: string): Timeline {
  const newest = useQuery<Page>(`${conversation}/timeline?limit=${LIMIT}`, { everyMs: EVERY_MS })
  const entries = useRef(new Map<number, TimelineItem>())
  const [items, setItems] = useState<readonly TimelineItem[]>([])
  const [hasEarlier, setHasEarlier] = useState(false)
  const [isReadingEarlier, setIsReadingEarlier] = useState(false)
  const [error, setError] = useState<ApiError>()

  const add = useCallback((page: Page) => {
    for (const item of page.items) entries.current.set(item.entry.seq, item)
    setItems([...entries.current.values()].sort((a, b) => a.entry.seq - b.entry.seq))
  }, [])

  useEffect(() => {
    if (!newest.data) return
    const isFirst = entries.current.size === 0
    add(newest.data)
    if (isFirst) setHasEarlier(newest.data.next !== undefined)
  }, [newest.data, add])

  const readEarlier = useCallback(async () => {
    const first = Math.min(...entries.current.keys())
    setIsReadingEarlier(true)
    setError(undefined)
    try {
      const page = await request<Page>('GET', `${conversation}/timeline?limit=${LIMIT}&before=${first}`)
      add(page)
      setHasEarlier(page.next !== undefined)
    } catch (thrown) {
      setError(asApiError(thrown))
      sayFailure(thrown)
    } finally {
      setIsReadingEarlier(false)
    }
  }, [conversation, add])

  return {
    items,
    isLoaded: newest.data !== undefined,
    error: newest.error ?? error,
    hasEarlier,
    isReadingEarlier,
    readEarlier: () => void readEarlier(),
    reload: newest.reload,
  }
}
