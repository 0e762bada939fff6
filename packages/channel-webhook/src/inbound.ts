import {
  type InboundRequest,
  type Issue,
  invalid,
  isStorable,
  type Json,
  type Received,
  readJson,
} from '@plugboard/core'
import { z } from 'zod'

/** Most faults that are reported; a hostile body may have a million. */
const MAX_ISSUES = 5

const isNeeded = (what: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'is required' : `must be ${what}`),
})

const text = z
  .string(isNeeded('text'))
  .min(1, 'must not be empty')
  .max(200, 'must be at most 200 characters long')
  .refine(isStorable, 'must not contain NUL or half of a surrogate pair')

const headersSchema = z.object({
  'content-type': z.string(isNeeded('text')).regex(/^application\/json\s*(;|$)/i, 'must be application/json'),
  'webhook-id': text,
  'webhook-timestamp': z
    .string(isNeeded('text'))
    .regex(/^\d{1,12}$/, 'must be seconds since 1970')
    .transform((seconds) => new Date(Number(seconds) * 1000)),
})

const common = {
  identity: text.default('*'),
  sender: text,
  thread: text.default('*'),
  at: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-11-22T08:00:00Z' })
    .transform((at) => new Date(at))
    .optional(),
}

const payload = z.object({ type: text }, isNeeded('an object')).catchall(z.custom<Json>())

const bodySchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ ...common, type: z.literal('message').optional(), payload }),
    z.strictObject({ ...common, type: z.literal('conversation.started') }),
  ],
  {
    error: ({ code }) =>
      `must be ${code === 'invalid_union' ? 'message or conversation.started' : 'an object'}`,
  },
)

/** One request has one event. A redelivery has the same `webhook-id` but maybe a newer timestamp. */
export function parse({ method, headers, body }: InboundRequest): Received {
  if (method !== 'POST') throw invalid({ path: ['method'], message: 'must be POST' })
  const { 'webhook-id': dedupeKey, 'webhook-timestamp': sentAt } = check('headers', headersSchema, headers)
  const { identity, sender, thread, at = sentAt, ...event } = check('body', bodySchema, readJson(body))
  const about = { dedupeKey, endpoint: { identity, sender, thread }, at }
  return {
    events: [
      event.type === 'conversation.started'
        ? { ...about, type: 'started' }
        : { ...about, type: 'message', content: event.payload },
    ],
    response: { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' },
  }
}

function check<T>(whole: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw invalid(...result.error.issues.flatMap(asIssues(whole)).slice(0, MAX_ISSUES))
}

const asIssues =
  (whole: string) =>
  (issue: z.core.$ZodIssue): Issue[] => {
    const path = issue.path.map(String)
    if (issue.code !== 'unrecognized_keys') {
      return [{ path: path.length > 0 ? path : [whole], message: issue.message }]
    }
    return issue.keys.map((key) => ({ path: [...path, key.slice(0, 50)], message: 'is not allowed' }))
  }
