import type { CallOptions, Transport } from './transport.js'

/** A client token as the server lists it: without its secret. `createdAt` is ISO 8601, UTC. */
export interface ClientToken {
  id: string
  createdAt: string
}

/** Calls under `/clients/tokens`. A client can hold several tokens: create, roll out, revoke the old one. */
export interface Tokens {
  /**
   * Makes a further token for this client. `token` is shown this once. Not repeated after a network error: a
   * lost answer would leave a token that nobody knows.
   */
  create(options?: CallOptions): Promise<{ id: string; token: string }>
  /** The tokens of this client. */
  list(options?: CallOptions): Promise<ClientToken[]>
  /** Makes a token void at once. @throws PlugboardApiError 404 when the client has no such token. */
  revoke(id: string, options?: CallOptions): Promise<void>
}

/** Binds the calls to a server. */
export function tokens(http: Transport): Tokens {
  return {
    create: (options) =>
      http.send({ method: 'POST', path: ['clients', 'tokens'], body: {}, repeat: 'refused' }, options),
    async list(options) {
      return (await http.get<{ tokens: ClientToken[] }>({ path: ['clients', 'tokens'] }, options)).tokens
    },
    revoke: (id, options) => http.delete({ path: ['clients', 'tokens', id] }, options),
  }
}
