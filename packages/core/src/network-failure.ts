import type { Failure } from './failure.js'

/** Errors before the first byte of a request. */
const NOT_SENT =
  /^(EAI_\w+|ECONNREFUSED|EHOSTDOWN|EHOSTUNREACH|ENETDOWN|ENETUNREACH|ENOTFOUND|UND_ERR_CONNECT_TIMEOUT)$/
/** Codes of OpenSSL and Node for an invalid certificate. */
const CERTIFICATE = /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_|UNABLE_TO_)/
/** Code of the host's `fetch` for a forbidden address. */
const FORBIDDEN = 'ERR_TARGET_FORBIDDEN'
/** Message of Node's fetch for blocked ports, which have no code. */
const BAD_PORT = 'bad port'
/** Error codes of Node, OpenSSL or undici, which are shown. Messages are not shown, because they may contain URLs. */
const CODE = /^[A-Z]\w{1,60}$/
const MAX_CAUSES = 10

/**
 * Classifies an error of a call without a response: `transient` if the request was certainly not sent (unknown host, no
 * connection, invalid certificate, forbidden address), otherwise `ambiguous`. It reads the chain of causes, because
 * `fetch` wraps the original error. `error` may be any value. `peer` names the called service in the message, which
 * quotes only the code of the error.
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
 * Whether a call failed because the host's `fetch` rejected its address. `networkFailure` returns `transient` for it. If
 * the address is part of a client's configuration, retries will not help.
 */
export const isForbiddenTarget = (error: unknown): boolean => reasonsOf(error).includes(FORBIDDEN)

const isUnsent = (reason: string): boolean =>
  reason === FORBIDDEN || reason === BAD_PORT || NOT_SENT.test(reason) || CERTIFICATE.test(reason)

/** The codes of an error and its causes, without their messages. Handles circular causes. */
function reasonsOf(error: unknown): string[] {
  const reasons: string[] = []
  for (let each = error, i = 0; each instanceof Error && i < MAX_CAUSES; each = each.cause, i += 1) {
    if ('code' in each && typeof each.code === 'string' && CODE.test(each.code)) reasons.push(each.code)
    else if (each.message === BAD_PORT) reasons.push(BAD_PORT)
  }
  return reasons
}
