import type { CallOptions, CreateOptions, Transport } from './transport.js'

/** A person, as the client knows them. */
export interface User {
  id: string
  clientId: string
  /** Absent or null when nobody has set any. */
  data?: Record<string, string> | null
}

/** Calls under `/users`. */
export interface Users {
  /** Creates a user. */
  create(options?: CreateOptions): Promise<User>
  /** @throws PlugboardApiError 404 when the client has no such user. */
  get(id: string, options?: CallOptions): Promise<User>
}

/** Binds the calls to a server. */
export function users(http: Transport): Users {
  return {
    create: (options) => http.create({ path: ['users'], body: {} }, options),
    get: (id, options) => http.get({ path: ['users', id] }, options),
  }
}
