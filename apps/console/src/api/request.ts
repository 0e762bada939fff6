import { apiUrl } from '../base.js'
import { Store } from '../store.js'

/** A field that was not accepted, and what follows its name: `is required`. */
export interface Issue {
  path: readonly (string | number)[]
  message: string
}

/** An answer of the server that is no success, or none at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError'

  /** 0: the server could not be reached. */
  readonly status: number
  readonly code: string
  readonly issues: readonly Issue[]
  /** Names the request in the log of the server. */
  readonly requestId: string | undefined

  constructor(
    status: number,
    code: string,
    message: string,
    { issues = [], requestId }: { issues?: readonly Issue[]; requestId?: string | undefined } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.issues = issues
    this.requestId = requestId
  }
}

/** Longest time for an answer, in milliseconds. */
const TIMEOUT_MS = 30_000

let csrfToken: string | undefined

/** Sent with everything that changes something. From the session. */
export function setCsrfToken(token: string | undefined): void {
  csrfToken = token
}

/** Rises when the server no longer knows the session. */
export const ended = new Store(0)

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface RequestOptions {
  body?: unknown
  /** The same for a repetition, which has no second effect then. */
  key?: string | undefined
  signal?: AbortSignal | undefined
}

/**
 * A request to the admin API. `path` is below `/admin/v1/`. The shape of the answer is that of the API document of the
 * same server, which has the same version.
 * @throws ApiError
 */
export async function request<T>(
  method: Method,
  path: string,
  { body, key, signal }: RequestOptions = {},
): Promise<T> {
  const response = await answerOf(method, path, { body, key, signal })
  const text = await response.text().catch(() => '')
  const json = parsed(text)
  if (response.ok) return json as T
  if (response.status === 401 && !path.startsWith('session')) ended.set(ended.get() + 1)
  throw errorOf(response, json)
}

async function answerOf(
  method: Method,
  path: string,
  { body, key, signal }: RequestOptions,
): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    return await fetch(new URL(path, apiUrl), {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
        ...(method !== 'GET' && csrfToken !== undefined && { 'x-csrf-token': csrfToken }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw timeout.aborted
      ? new ApiError(0, 'TIMEOUT', 'The server took too long to answer. Try again.')
      : new ApiError(0, 'UNREACHABLE', 'The server cannot be reached. Check the connection, then try again.')
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a proxy in front of the server answers has none of the members. */
function errorOf(response: Response, json: unknown): ApiError {
  const { error } = (json ?? {}) as { error?: Partial<ErrorBody> }
  return new ApiError(
    response.status,
    error?.code ?? String(response.status),
    error?.message ?? `The server answered with status ${response.status}.`,
    {
      issues: error?.issues ?? [],
      requestId: error?.requestId ?? response.headers.get('x-request-id') ?? undefined,
    },
  )
}

interface ErrorBody {
  code: string
  message: string
  issues: Issue[]
  requestId: string
}

/** A path with its query, added to the one that it has. Members without a value are left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, String(value))
  }
  return params.size === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${params}`
}
