import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, request } from './request.js'

/** What a view shows of the answer to a GET. */
export interface Query<T> {
  /** The newest answer, also while another one is awaited. */
  data: T | undefined
  /** Of the newest request, if it failed. */
  error: ApiError | undefined
  isLoading: boolean
  reload(): Promise<void>
}

/** Answers, so that a page that was open before shows something at once. */
const answers = new Map<string, unknown>()
const MAX_ANSWERS = 60

function keep(path: string, answer: unknown): void {
  answers.delete(path)
  answers.set(path, answer)
  const [oldest] = answers.keys()
  if (answers.size > MAX_ANSWERS && oldest !== undefined) answers.delete(oldest)
}

/** Forgets all answers: somebody else may sign in. */
export const forgetAnswers = (): void => answers.clear()

/**
 * GET of a path, again when the path changes, and every `everyMs` while the page is looked at. Undefined: no request.
 */
export function useQuery<T>(path: string | undefined, { everyMs }: { everyMs?: number } = {}): Query<T> {
  const [, redraw] = useState(0)
  const state = useRef<{ path?: string | undefined; error?: ApiError | undefined; isLoading: boolean }>({
    isLoading: false,
  })
  const running = useRef<AbortController | undefined>(undefined)

  const reload = useCallback(async () => {
    if (path === undefined) return
    running.current?.abort()
    const controller = new AbortController()
    running.current = controller
    state.current = { ...state.current, isLoading: true }
    try {
      keep(path, await request<T>('GET', path, { signal: controller.signal }))
      state.current = { path, isLoading: false }
    } catch (error) {
      if (controller.signal.aborted) return
      state.current = { path, isLoading: false, error: asApiError(error) }
    }
    if (!controller.signal.aborted) redraw((n) => n + 1)
  }, [path])

  useEffect(() => {
    state.current = { path, isLoading: path !== undefined }
    void reload()
    redraw((n) => n + 1)
    return () => running.current?.abort()
  }, [path, reload])

  useEffect(() => {
    if (everyMs === undefined || path === undefined) return
    const timer = setInterval(() => {
      if (!document.hidden && !state.current.isLoading) void reload()
    }, everyMs)
    const look = () => {
      if (!document.hidden) void reload()
    }
    document.addEventListener('visibilitychange', look)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', look)
    }
  }, [everyMs, path, reload])

  return {
    data: path === undefined ? undefined : (answers.get(path) as T | undefined),
    error: state.current.path === path ? state.current.error : undefined,
    isLoading: state.current.isLoading || state.current.path !== path,
    reload,
  }
}

/** What else is thrown is a fault of the console, and says so. */
export const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError
    ? error
    : new ApiError(
        0,
        'CONSOLE',
        `The console failed: ${error instanceof Error ? error.message : String(error)}`,
      )
