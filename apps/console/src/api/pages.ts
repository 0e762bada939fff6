import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { asApiError } from './query.js'
import { type ApiError, request, withQuery } from './request.js'

interface Page<T> {
  items: T[]
  next?: string
}

/** A list that is read page by page. */
export interface Pages<T> {
  items: readonly T[]
  hasMore: boolean
  isLoading: boolean
  error: ApiError | undefined
  loadMore(): void
  reload(): void
  /** Changes what is shown without a request, after an action. */
  change(change: (items: readonly T[]) => readonly T[]): void
}

interface State<T> {
  path: string | undefined
  items: readonly T[]
  next: string | undefined
  isLoading: boolean
  error: ApiError | undefined
}

/** Items of the first page, and of those that follow. */
const LIMIT = 100
const MORE = 200

/** Lists that were shown, so that the way back from an item leads to the same place. */
const lists = new Map<string, State<unknown>>()
const MAX_LISTS = 10

/** Forgets all lists: somebody else may sign in. */
export const forgetLists = (): void => lists.clear()

const nothing = <T>(path: string | undefined): State<T> => ({
  path,
  items: [],
  next: undefined,
  isLoading: path !== undefined,
  error: undefined,
})

/** A list of the API, from its first page. Undefined: no request. */
export function usePages<T>(path: string | undefined): Pages<T> {
  const [state, setState] = useState<State<T>>(() => known<T>(path))
  const newest = useRef(state)
  const running = useRef<AbortController | undefined>(undefined)

  const put = useCallback((next: State<T>) => {
    newest.current = next
    if (next.path !== undefined) {
      lists.delete(next.path)
      lists.set(next.path, next)
      const [oldest] = lists.keys()
      if (lists.size > MAX_LISTS && oldest !== undefined) lists.delete(oldest)
    }
    setState(next)
  }, [])

  const load = useCallback(
    async (isFromStart: boolean) => {
      if (path === undefined) return
      const before = newest.current
      running.current?.abort()
      const controller = new AbortController()
      running.current = controller
      put({ ...before, path, isLoading: true, error: undefined })
      const limit = isFromStart ? LIMIT : MORE
      const read = (cursor: string | undefined): Promise<Page<T>> =>
        request('GET', withQuery(path, { limit, cursor }), { signal: controller.signal })
      try {
        let page = await read(isFromStart ? undefined : before.next)
        // A page may have nothing that matches, and others after it.
        while (page.items.length === 0 && page.next !== undefined) page = await read(page.next)
        const items = isFromStart ? page.items : [...newest.current.items, ...page.items]
        put({ path, items, next: page.next, isLoading: false, error: undefined })
      } catch (error) {
        if (controller.signal.aborted) return
        put({ ...newest.current, isLoading: false, error: asApiError(error) })
      }
    },
    [path, put],
  )

  useEffect(() => {
    const start = known<T>(path)
    newest.current = start
    setState(start)
    // A list of one page is read anew; a longer one stays, since its reader is somewhere in it.
    if (start.items.length <= LIMIT) void load(true)
    return () => running.current?.abort()
  }, [path, load])

  const shown = state.path === path ? state : nothing<T>(path)
  return {
    items: shown.items,
    hasMore: shown.next !== undefined,
    isLoading: shown.isLoading,
    error: shown.error,
    loadMore() {
      const { next, isLoading, error } = newest.current
      if (next !== undefined && !isLoading && error === undefined) void load(false)
    },
    reload: () => void load(true),
    change: (change) => put({ ...newest.current, items: change(newest.current.items) }),
  }
}

function known<T>(path: string | undefined): State<T> {
  const found = path === undefined ? undefined : (lists.get(path) as State<T> | undefined)
  return found ? { ...found, isLoading: found.items.length <= LIMIT, error: undefined } : nothing<T>(path)
}
