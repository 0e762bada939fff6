import { createHmac, timingSafeEqual } from 'node:crypto'
import {
  type CallContext,
  type InboundEvent,
  type InboundRequest,
  type Integration,
  invalid,
  isStorable,
  type Json,
  type OpenMedia,
  type Received,
  readJson,
  type Verdict,
} from '@plugboard/core'
import { z } from 'zod'
import type { Api } from './api.js'
import type { Config, Session } from './config.js'

/** How far the time in a signature may be from ours, either way: an old request that was caught is of no use. */
const TOLERANCE_MS = 5 * 60 * 1000

/** Acme Chat signs `timestamp.body` with HMAC-SHA256. Nothing is parsed before this has said yes. */
export function verify(
  { headers, body }: InboundRequest,
  { session }: Integration<Config, Session>,
): Verdict {
  const timestamp = headers['x-acme-chat-timestamp']
  const signature = headers['x-acme-chat-signature']
  if (!timestamp || !signature) return { ok: false, reason: 'missing' }
  if (!/^\d{1,12}$/.test(timestamp) || !/^[0-9a-f]{64}$/.test(signature))
    return { ok: false, reason: 'malformed' }
  const expected = createHmac('sha256', session.signingKey).update(`${timestamp}.`).update(body).digest()
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return { ok: false, reason: 'mismatch' }
  const isStale = Math.abs(Date.now() - Number(timestamp) * 1000) > TOLERANCE_MS
  return isStale ? { ok: false, reason: 'stale' } : { ok: true }
}

/** An id at Acme Chat. */
const id = z.string().min(1).max(200).refine(isStorable)

const fileSchema = z.object({
  id,
  type: z.string().max(100),
  name: z.string().max(200).optional(),
  size: z.number().int().min(0).optional(),
})

/** What every event has. */
const common = {
  id,
  at: z.iso.datetime({ offset: true }).transform((at) => new Date(at)),
  chat: id,
  from: z.object({ id, name: z.string().max(200).optional(), isBot: z.boolean().default(false) }),
}

const eventSchema = z.discriminatedUnion('type', [
  z.object({ ...common, type: z.literal('message'), text: z.string() }),
  z.object({ ...common, type: z.literal('file'), file: fileSchema }),
  z.object({ ...common, type: z.literal('button'), value: id, label: z.string().max(200) }),
])

type ProviderEvent = z.infer<typeof eventSchema>

/** Answered to every request that we understand, also to one that holds nothing for us. */
const taken = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }

/** One request holds one event. */
export function parse({ body }: InboundRequest, { config }: Integration<Config, Session>): Received {
  const value = readJson(body)
  const { success, data } = z.object({ type: z.string() }).safeParse(value)
  if (!success) throw invalid({ path: ['type'], message: 'is required' })
  // Types that Acme Chat may add one day: it would send them again for ever if they were refused.
  if (!['message', 'file', 'button'].includes(data.type)) return { events: [], response: taken }
  const event = eventSchema.safeParse(value)
  if (!event.success) throw invalid(...event.error.issues.slice(0, 5).map(asIssue))
  return { events: toEvents(event.data, config), response: taken }
}

/** What the bot said itself comes back as an event; nobody needs to hear it. */
function toEvents(event: ProviderEvent, { botId }: Config): InboundEvent[] {
  const { id: dedupeKey, at, chat, from } = event
  if (from.isBot) return []
  const endpoint = { identity: botId, sender: from.id, thread: chat }
  const about = { dedupeKey, endpoint, at, ...(from.name && { person: { name: from.name } }) }
  switch (event.type) {
    case 'message':
      return [{ ...about, type: 'message', content: { type: 'text', text: event.text } }]
    case 'file':
      return [{ ...about, type: 'message', content: fileContent(event.file) }]
    case 'button':
      return [{ ...about, type: 'choice', token: event.value, label: event.label }]
  }
}

/** Files are named, not fetched: the host opens them when somebody asks, with {@link openMedia}. */
function fileContent({ id: ref, type: mime, name, size }: z.infer<typeof fileSchema>) {
  const media = { ref, mime, ...(name !== undefined && { name }), ...(size !== undefined && { size }) }
  return { type: mime.startsWith('image/') ? 'image' : 'file', media }
}

const asIssue = ({ path, message }: z.core.$ZodIssue) => ({ path: path.map(String), message })

/** Opens a file that an event named. The reference is an id and no address, so that it can lead nowhere else. */
export const openMedia =
  (api: Api) =>
  async (ref: Json, { integration, signal }: CallContext<Config, Session>): Promise<OpenMedia> => {
    const { body, headers } = await api(
      `/v1/files?id=${encodeURIComponent(id.parse(ref))}`,
      integration.session,
      {
        signal,
      },
    )
    if (!body) throw new Error('the file is empty')
    const mime = headers.get('content-type')
    const size = headers.get('content-length')
    return { body, ...(mime !== null && { mime }), ...(size !== null && { size: Number(size) }) }
  }
