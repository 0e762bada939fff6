import {
  type InboundEvent,
  type InboundRequest,
  type Integration,
  invalid,
  isStorable,
  type Received,
  readJson,
} from '@plugboard/core'
import { z } from 'zod'
import type { Session } from './api.js'
import type { Config } from './config.js'

/** An id at Acme Chat. */
export const id = z.string().min(1).max(200).refine(isStorable)

const fileSchema = z.object({
  id,
  type: z.string().max(100),
  name: z.string().max(200).optional(),
  size: z.number().int().min(0).optional(),
})

/** Fields of every event. */
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

/** Response to every valid request, even if it has no event for the host. */
const taken = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }

/** A request has one event. */
export function parse({ body }: InboundRequest, { config }: Integration<Config, Session>): Received {
  const value = readJson(body)
  const { success, data } = z.object({ type: z.string() }).safeParse(value)
  if (!success) throw invalid({ path: ['type'], message: 'is required' })
  // Accept types that Acme Chat may add later: it would retry a rejected event forever.
  if (!['message', 'file', 'button'].includes(data.type)) return { events: [], response: taken }
  const event = eventSchema.safeParse(value)
  if (!event.success) throw invalid(...event.error.issues.slice(0, 5).map(asIssue))
  return { events: toEvents(event.data, config), response: taken }
}

/** Acme Chat also reports the bot's own messages; they are ignored. */
function toEvents(event: ProviderEvent, { botId }: Config): InboundEvent[] {
  const { id: dedupeKey, at, chat, from } = event
  if (from.isBot) return []
  const endpoint = { identity: botId, sender: from.id, thread: chat }
  // If the provider says it, add `aliases` (other ids of the person), `refersTo` (the message of the bot that it is about)
  // and `context` (what a reply needs). Other events are `edited`, `deleted`, `reaction`, `delivery` and `watermark`
  // (receipts), `started`, `blocked` and `renamed`.
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

/** Files are named, not fetched: the host opens them when somebody asks, with `openMedia`. */
function fileContent({ id: ref, type: mime, name, size }: z.infer<typeof fileSchema>) {
  const media = { ref, mime, ...(name !== undefined && { name }), ...(size !== undefined && { size }) }
  return { type: mime.startsWith('image/') ? 'image' : 'file', media }
}

const asIssue = ({ path, message }: z.core.$ZodIssue) => ({ path: path.map(String), message })
