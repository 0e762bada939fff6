import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { type InboundRequest, type InboundResponse, invalid, isUrl, type Verdict } from '@plugboard/core'

/** What Meta proves its requests with. Without one, no request of that kind is authentic. */
export interface WebhookSecrets {
  /** "App secret" of the app: signs each notification. */
  appSecret?: string | undefined
  /** Chosen by the owner of the app: in the handshake with which Meta checks a new webhook URL. */
  verifyToken?: string | undefined
}

/**
 * Whether Meta made a request: a GET is the handshake, with the verify token; a POST is signed over its raw bytes. Meta
 * signs no time. Never throws.
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
export const verifyWebhook = (request: InboundRequest, secrets: WebhookSecrets): Verdict =>
  request.method === 'GET' ? verifyHandshake(request, secrets) : verifySignature(request, secrets)

const OK: Verdict = { ok: true }
const refused = (reason: Extract<Verdict, { ok: false }>['reason']): Verdict => ({ ok: false, reason })

function verifySignature({ headers, body }: InboundRequest, { appSecret }: WebhookSecrets): Verdict {
  const signature = headers['x-hub-signature-256']
  if (!signature) return refused('missing')
  const [, hex] = /^sha256=([0-9a-f]{64})$/.exec(signature) ?? []
  if (hex === undefined) return refused('malformed')
  if (appSecret === undefined) return refused('mismatch')
  const own = createHmac('sha256', appSecret).update(body).digest()
  return timingSafeEqual(own, Buffer.from(hex, 'hex')) ? OK : refused('mismatch')
}

function verifyHandshake(request: InboundRequest, { verifyToken }: WebhookSecrets): Verdict {
  const query = queryOf(request)
  const token = query?.get('hub.verify_token')
  if (!token) return refused('missing')
  if (challengeIn(query) === undefined) return refused('malformed')
  if (verifyToken === undefined) return refused('mismatch')
  return timingSafeEqual(digest(token), digest(verifyToken)) ? OK : refused('mismatch')
}

/** Equal lengths, which the comparison needs. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const queryOf = ({ publicUrl }: InboundRequest): URLSearchParams | undefined =>
  isUrl(publicUrl) ? new URL(publicUrl).searchParams : undefined

/** A number, says Meta. Other words are accepted, but nothing that a browser could take for a page. */
function challengeIn(query: URLSearchParams | undefined): string | undefined {
  const challenge = query?.get('hub.challenge')
  return query?.get('hub.mode') === 'subscribe' && /^[\w-]{1,256}$/.test(challenge ?? '')
    ? (challenge ?? undefined)
    : undefined
}

/**
 * The response to a handshake; undefined for any other request. Call it after {@link verifyWebhook}.
 * @throws PlugboardError INVALID for a GET that is no handshake
 */
export function answerHandshake(request: InboundRequest): InboundResponse | undefined {
  if (request.method !== 'GET') return undefined
  const body = challengeIn(queryOf(request))
  if (body === undefined) throw invalid({ path: ['hub.challenge'], message: 'must be that of a handshake' })
  return { status: 200, headers: { 'content-type': 'text/plain' }, body }
}
