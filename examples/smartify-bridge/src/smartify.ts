import type { Person } from './people.js'

export interface SmartifyOptions {
  /** Such as http://127.0.0.1:3100/api. */
  url: string
  projectId: string
  /** Of an admin or owner of the project. */
  email: string
  password: string
}

/** An answer that is no success. */
export class SmartifyError extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(`Smartify answered ${status}: ${text}`)
    this.status = status
  }
}

/** The calls of the Smartify API that a channel needs. */
export class Smartify {
  readonly #options: SmartifyOptions

  constructor(options: SmartifyOptions) {
    this.#options = options
  }

  /** Makes an anonymous user. There is no way to sign in as the same one again: keep the token. */
  async signIn(firstname: string): Promise<{ userId: string; token: string }> {
    const body = { id_project: this.#options.projectId, firstname }
    const { token, user } = await this.#post<{ token: string; user: { _id: string } }>(
      '/auth/signinAnonymously',
      body,
    )
    return { userId: user._id, token }
  }

  /** `id`: of the message in the other network, so that it may be sent again and is there once. */
  async say({ token, requestId }: Person, { id, text }: { id: string; text: string }): Promise<void> {
    const { projectId } = this.#options
    const path = `/${projectId}/requests/${encodeURIComponent(requestId)}/messages`
    await this.#post(path, { text }, { authorization: token, 'idempotency-key': id })
  }

  /** The secret of the subscription: the same again for the same event and target. */
  async subscribe(event: string, target: string): Promise<string> {
    const { projectId, email, password } = this.#options
    const authorization = `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`
    const path = `/${projectId}/subscriptions`
    const { secret } = await this.#post<{ secret: string }>(path, { event, target }, { authorization })
    return secret
  }

  async #post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
    const response = await fetch(this.#options.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    if (!response.ok) throw new SmartifyError(response.status, text)
    return JSON.parse(text) as T
  }
}
