const HMAC = { name: 'HMAC', hash: 'SHA-256' }
/** More than a rotation needs. Keeps a request from causing thousands of verifications. */
const MAX_SIGNATURES = 20

/** The type of a Web Crypto key, whatever library declares it. */
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

/** The signed parts, which are joined by dots. */
export interface SignedRequest {
  id: string
  timestamp: string
  body: Uint8Array
}

/**
 * Imports a webhook's token (base64, with or without `whsec_`) as a key.
 * @throws TypeError if it is not base64; the message omits it
 */
export async function importKey(token: string): Promise<Key> {
  const secret = typeof token === 'string' ? fromBase64(token.trim().replace(/^whsec_/, '')) : undefined
  if (!secret?.length) throw new TypeError('a webhook token must be the base64 text that sync answered')
  return crypto.subtle.importKey('raw', secret, HMAC, false, ['verify'])
}

/**
 * Whether one of the signatures (`v1,<base64>`, separated by spaces; other versions are ignored) matches one of the
 * keys.
 */
export async function isSigned(
  request: SignedRequest,
  signatures: string,
  keys: readonly Key[],
): Promise<boolean> {
  const content = join(`${request.id}.${request.timestamp}.`, request.body)
  for (const entry of signatures.split(' ').slice(0, MAX_SIGNATURES)) {
    const signature = entry.startsWith('v1,') ? fromBase64(entry.slice(3)) : undefined
    if (signature === undefined) continue
    for (const key of keys) {
      // `verify` compares in constant time; comparing texts with `===` would not.
      if (await crypto.subtle.verify(HMAC, key, signature, content)) return true
    }
  }
  return false
}

function join(prefix: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(prefix)
  const content = new Uint8Array(head.length + body.length)
  content.set(head)
  content.set(body, head.length)
  return content
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}
