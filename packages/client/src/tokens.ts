import type { CallOptions, Transport } from './transport.js'

/** A listed client token, without its secret. `createdAt` is ISO 8601, UTC. */
export interface ClientToken {
  id: string
  createdAt: string
}

/** Calls under `/clients/tokens`. A client can hold several tokens: create, roll out, revoke the old one. */
export interface Tokens {
  /**
   * Creates another token for this client. `token` is not returned again. Not retried after a network error, because a
   * lost response would leave an unknown token.
   */
  create(options?: CallOptions): Promise<{ id: string; token: string }>
  /** The tokens of this client. */
  list(options?: CallOptions): Promise<ClientToken[]>
  /** Revokes a token immediately. @throws PlugboardApiError 404 if the token does not exist */
  revoke(id: string, options?: CallOptions): Promise<void>
}

/** Creates the calls for a server. */
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
