import type { Failure } from './failure.js'

/** Errors before the first byte of a request. */
const NOT_SENT =
  /^(EAI_\w+|ECONNREFUSED|EHOSTDOWN|EHOSTUNREACH|ENETDOWN|ENETUNREACH|ENOTFOUND|UND_ERR_CONNECT_TIMEOUT)$/
/** OpenSSL's and Node's words for a certificate that does not hold. */
const CERTIFICATE = /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_)/
/** Of the `fetch` that the host gives a channel, for an address that the server may not call. */
const FORBIDDEN = 'ERR_TARGET_FORBIDDEN'
/** What Node's fetch says of ports that it does not call; it has no code for it. */
const BAD_PORT = 'bad port'
/** What is taken for a code of Node, OpenSSL or undici, and shown. Messages are not: they may name addresses. */
const CODE = /^[A-Z]\w{1,60}$/
const MAX_CAUSES = 10

/**
 * What it means that a call threw in place of an answer: `transient` when the request was certainly not sent (no such
 * host, no connection, a bad certificate, an address that the host refuses), else `ambiguous`. Causes count, since
 * `fetch` wraps the error that says why; anything may be given. `peer`: who was called, for the message, which quotes
 * nothing of the error but its code.
 *
 * ```ts
 * classify: (error) => (error instanceof Refusal ? classifyStatus(error) : networkFailure(error, 'Acme Chat'))
 * ```
 */
export function networkFailure(
  error: unknown,
  peer: string,
): Extract<Failure, { kind: 'transient' | 'ambiguous' }> {
  const reasons = reasonsOf(error)
  const unsent = reasons.find(isUnsent)
  if (unsent) return { kind: 'transient', message: `no connection to ${peer} (${unsent})` }
  return { kind: 'ambiguous', message: `no answer from ${peer}${reasons[0] ? ` (${reasons[0]})` : ''}` }
}

/**
 * Whether a call failed because the `fetch` of the host refused its address. `networkFailure` takes that for `transient`;
 * where the address stands in a client's configuration, it will not get better.
 */
export const isForbiddenTarget = (error: unknown): boolean => reasonsOf(error).includes(FORBIDDEN)

const isUnsent = (reason: string): boolean =>
  reason === FORBIDDEN || reason === BAD_PORT || NOT_SENT.test(reason) || CERTIFICATE.test(reason)

/** Why it failed, in words that quote nothing: of the error and its causes, which may go in a circle. */
function reasonsOf(error: unknown): string[] {
  const reasons: string[] = []
  for (let each = error, i = 0; each instanceof Error && i < MAX_CAUSES; each = each.cause, i += 1) {
    if ('code' in each && typeof each.code === 'string' && CODE.test(each.code)) reasons.push(each.code)
    else if (each.message === BAD_PORT) reasons.push(BAD_PORT)
  }
  return reasons
}
