import type { CallOptions, CreateOptions, Transport } from './transport.js'

/** A person, as seen by the client. */
export interface User {
  id: string
  clientId: string
  /** Absent or null if not set. */
  data?: Record<string, string> | null
}

/** Calls under `/users`. */
export interface Users {
  /** Creates a user. */
  create(options?: CreateOptions): Promise<User>
  /** @throws PlugboardApiError 404 if the user does not exist */
  get(id: string, options?: CallOptions): Promise<User>
}

/** Creates the calls for a server. */
export function users(http: Transport): Users {
  return {
    create: (options) => http.create({ path: ['users'], body: {} }, options),
    get: (id, options) => http.get({ path: ['users', id] }, options),
  }
}
