import {
  type ConversationSummary,
  isJson,
  type Json,
  type Message,
  readConversation,
  readList,
  readMessage,
  textOf,
} from './message.js'

/** A hub that asks for more time than that is asked again anyway, in milliseconds. */
const LONGEST_WAIT_MS = 120_000

/** An answer of the hub that is no success. */
export class HubError extends Error {
  override readonly name = 'HubError'

  readonly status: number
  readonly code: string
  /** Whether the visitor has another token than the request had. */
  readonly isStale: boolean
  /** How long the hub wants to be left alone, in milliseconds; 0 if it does not say. */
  readonly retryAfterMs: number

  constructor(status: number, code: string, isStale = false, reason?: string, retryAfter?: string | null) {
    super(reason ?? `${status} ${code}`)
    this.status = status
    this.code = code
    this.isStale = isStale
    this.retryAfterMs = Math.min(LONGEST_WAIT_MS, Number(retryAfter) * 1_000 || 0)
  }

  /** Whether the same request may succeed later. */
  get isTemporary(): boolean {
    const { status } = this
    return status >= 500 || status === 429 || status === 408 || (status === 401 && this.isStale)
  }
}

export interface Session {
  userId: string
  token: string
  expiresAt: string
  isGuest: boolean
}

/** Longest time for an answer, and for an upload in which nothing moves, in milliseconds. */
const TIMEOUT_MS = 20_000
const STALLED_MS = 60_000
const PAGE = 30

/** The visitor API of the hub. @throws HubError; TypeError if the hub cannot be reached */
export class VisitorApi {
  readonly #base: string
  readonly #token: () => string | undefined

  constructor(base: string, token: () => string | undefined) {
    this.#base = base
    this.#token = token
  }

  async createSession(body: { token?: string; guest?: string; language?: string }): Promise<Session> {
    const answer = await this.#json('POST', '/sessions', body)
    const { userId, token, expiresAt, isGuest } = isJson(answer) ? answer : {}
    if (typeof token !== 'string') throw new TypeError('the hub gave no token')
    return { userId: String(userId), token, expiresAt: String(expiresAt), isGuest: isGuest === true }
  }

  async endSession(): Promise<void> {
    await this.#request('DELETE', '/session')
  }

  async saveForm(form: Record<string, string>): Promise<void> {
    await this.#request('PATCH', '/me', { form })
  }

  async listConversations(): Promise<ConversationSummary[]> {
    const answer = await this.#json('GET', `/conversations?limit=${PAGE}`)
    return readList(isJson(answer) && answer.conversations, readConversation)
  }

  async createConversation(key: string): Promise<ConversationSummary> {
    const headers = { 'idempotency-key': key }
    const conversation = readConversation(await this.#json('POST', '/conversations', {}, headers))
    if (conversation === undefined) throw new TypeError('the hub gave no conversation')
    return conversation
  }

  /** A page of messages, newest first; those before a message, or the newest. */
  async listMessages(
    conversationId: string,
    before?: string,
  ): Promise<{ messages: Message[]; hasOlder: boolean }> {
    const from = before === undefined ? '' : `&before=${encodeURIComponent(before)}`
    const answer = await this.#json('GET', `${pathOf(conversationId)}/messages?limit=${PAGE}${from}`)
    const list = isJson(answer) && Array.isArray(answer.messages) ? answer.messages : []
    return { messages: readList(list, readMessage), hasOlder: list.length >= PAGE }
  }

  async send(conversationId: string, payload: Json, clientId: string): Promise<Message | undefined> {
    const headers = { 'idempotency-key': clientId }
    return readMessage(await this.#json('POST', `${pathOf(conversationId)}/messages`, { payload }, headers))
  }

  async tellTyping(conversationId: string, isTyping: boolean): Promise<void> {
    await this.#request('POST', `${pathOf(conversationId)}/typing`, { isTyping })
  }

  async markRead(conversationId: string, position: number): Promise<void> {
    await this.#request('POST', `${pathOf(conversationId)}/read`, { position: String(position) })
  }

  async close(conversationId: string): Promise<void> {
    await this.#request('POST', `${pathOf(conversationId)}/close`, {})
  }

  async giveFeedback(conversationId: string, messageId: string, feedback: 1 | -1): Promise<void> {
    const path = `${pathOf(conversationId)}/messages/${encodeURIComponent(messageId)}/feedback`
    await this.#request('POST', path, { feedback })
  }

  async transcript(conversationId: string): Promise<Blob> {
    return (await this.#request('GET', `${pathOf(conversationId)}/transcript`)).blob()
  }

  /** Uploads a file into a conversation and returns its id. `XMLHttpRequest`, because `fetch` reports no progress. */
  upload(
    conversationId: string,
    { file, name, signal }: { file: Blob; name: string; signal: AbortSignal },
    onProgress: (share: number) => void,
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const form = new FormData()
      form.append('file', file, name)
      const token = this.#token()
      const request = new XMLHttpRequest()
      // A connection that is dead without a word would keep all that waits behind the file.
      let timer: ReturnType<typeof setTimeout> | undefined
      const expectProgress = (): void => {
        clearTimeout(timer)
        timer = setTimeout(() => request.abort(), STALLED_MS)
      }
      request.open('POST', `${this.#base}${pathOf(conversationId)}/uploads`)
      for (const [header, value] of Object.entries(authorization(token)))
        request.setRequestHeader(header, value)
      request.upload.addEventListener('progress', ({ loaded, total }) => {
        expectProgress()
        onProgress(total ? loaded / total : 0)
      })
      request.addEventListener('loadend', () => {
        clearTimeout(timer)
        if (request.status === 0) return reject(new TypeError('the hub cannot be reached'))
        const answer = parse(request.responseText)
        const id = isJson(answer) ? textOf(answer.id) : undefined
        if (request.status < 300 && id) resolve(id)
        else reject(this.#error(request.status, answer, token, request.getResponseHeader('retry-after')))
      })
      signal.addEventListener('abort', () => request.abort())
      expectProgress()
      request.send(form)
    })
  }

  /** The stream of the visitor's events, after a position or from now. */
  async events(after: string | undefined, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
    const token = this.#token()
    const response = await fetch(`${this.#base}/events${query}`, {
      headers: { accept: 'text/event-stream', ...authorization(token) },
      cache: 'no-store',
      signal,
    })
    if (!response.ok || !response.body) throw await this.#errorOf(response, token)
    return response.body
  }

  async #request(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const token = this.#token()
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        ...authorization(token),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw await this.#errorOf(response, token)
    return response
  }

  async #json(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<unknown> {
    return (await this.#request(method, path, body, headers)).json()
  }

  async #errorOf(response: Response, token: string | undefined): Promise<HubError> {
    const answer = parse(await response.text().catch(() => ''))
    return this.#error(response.status, answer, token, response.headers.get('retry-after'))
  }

  /** `token`: that of the request. */
  #error(status: number, answer: unknown, token: string | undefined, retryAfter: string | null): HubError {
    return new HubError(status, codeOf(answer), token !== this.#token(), reasonOf(answer), retryAfter)
  }
}

/** How long to wait at least after an error, in milliseconds. */
export const retryAfterOf = (error: unknown): number => (error instanceof HubError ? error.retryAfterMs : 0)

const pathOf = (conversationId: string): string => `/conversations/${encodeURIComponent(conversationId)}`

const authorization = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` }

const reasonOf = (answer: unknown): string | undefined =>
  isJson(answer) && isJson(answer.error) ? textOf(answer.error.message) : undefined

const codeOf = (answer: unknown): string =>
  (isJson(answer) && isJson(answer.error) && textOf(answer.error.code)) || 'UNKNOWN'

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
