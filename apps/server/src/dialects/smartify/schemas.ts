import { isId, isStorable } from '@plugboard/core'
import { z } from 'zod'
import { MAX_PASSWORD } from '../../http/passwords/password-hash.js'
import { few, jsonObject, MAX_METADATA_BYTES, short, small } from '../bounded-schemas.js'

/** Wire shapes of what comes in. Members that no schema names are ignored, as the peer does. */

const object = small(jsonObject, MAX_METADATA_BYTES, `may have ${MAX_METADATA_BYTES} bytes of JSON at most`)

const MAX_NAME = 200
const MAX_ID = 400
const MAX_EMAIL = 320

/** Texts that stand in ids, names and keys of every store. */
const storable = (max: number) => z.string().max(max).refine(isStorable)
const name = storable(MAX_NAME)
const id = storable(MAX_ID).min(1)

/** Clients of this API send null for what they do not know. */
const maybe = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value): z.output<T> | undefined => value ?? undefined)

export const nothing = z.unknown()

export const requestParams = z.object({ requestId: id })
export const subscriptionParams = z.object({ subscriptionId: z.string() })

export const guestBody = z.object({
  id_project: z.string().min(1),
  firstname: maybe(name),
  lastname: maybe(name),
  email: maybe(storable(MAX_EMAIL)),
  attributes: maybe(object),
})

export const signinBody = z.object({
  email: short(z.email(), MAX_EMAIL),
  password: z.string().min(1).max(MAX_PASSWORD),
})

export const projectBody = z.object({ name: name.min(1) })

const channel = z.object({ name: name.min(1) })

export const messageBody = z.object({
  text: maybe(z.string()),
  type: maybe(name),
  metadata: maybe(object),
  attributes: maybe(object),
  language: maybe(name),
  channel: maybe(channel),
  sender: maybe(id),
  senderFullname: maybe(name),
  // Of the message that opens a request.
  departmentid: maybe(name),
  sourcePage: maybe(z.string()),
  userAgent: maybe(z.string()),
  subject: maybe(z.string()),
  preflight: maybe(z.boolean()),
  location: maybe(object),
  participants: maybe(few(name, { max: 100 })),
  priority: maybe(name),
  followers: maybe(few(name, { max: 100 })),
})
export type MessageBody = z.output<typeof messageBody>

const count = (max: number) =>
  z
    .string()
    .regex(/^\d{1,6}$/)
    .transform((text) => Math.min(Number(text), max))

const MAX_PAGE = 100
/** The pages of a list, of this many at most, are cut out of what was looked through. */
const MAX_PAGES = 1_000

export const requestQuery = z.object({
  limit: count(MAX_PAGE).optional(),
  page: count(MAX_PAGES).optional(),
  status: z.string().optional(),
  lead: z.string().optional(),
  participant: z.string().optional(),
  dept_id: z.string().optional(),
  full_text: z.string().optional(),
  channel: z.string().optional(),
  direction: z.enum(['1', '-1']).optional(),
})
export type RequestQuery = z.output<typeof requestQuery>

export const messageQuery = z.object({ limit: count(MAX_PAGE).optional() })

const EVENT =
  /^(message\.create(\.(request\.channel|request\.channelOutbound|channel)\.\S+)?|request\.(create|update|close)|lead\.create)$/

export const subscriptionBody = z.object({
  event: short(storable(MAX_NAME).regex(EVENT, 'This event is not supported'), MAX_NAME),
  target: z.string().min(1).max(2048),
})

/** The id of a project in a URL: 24 hex digits, in any case. */
export const projectIdIn = (text: string) => {
  const lower = text.toLowerCase()
  return isId(lower) ? lower : undefined
}
