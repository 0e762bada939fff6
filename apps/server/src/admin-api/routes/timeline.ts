import {
  type Author,
  fromUuid,
  type Id,
  isId,
  PlugboardError,
  parseJsonObject,
  toUuid,
} from '@plugboard/core'
import {
  type Attempt,
  parseTarget,
  previewOf,
  type TimelineDelivery,
  type TimelineItem,
} from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { AdminDeps } from '../deps.js'
import { defineAdminRoute } from '../route.js'
import { targetLabel } from '../target-label.js'

const time = z.string().meta({ format: 'date-time' })

/** Each entry has several deliveries with up to ten attempts each. */
const MAX_ENTRIES = 100

const number = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

const query = z
  .strictObject({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(MAX_ENTRIES)
      .default(50)
      .describe('Entries of a page; one with large messages or many attempts has fewer'),
    before: number.optional().describe('The newest entries before this number (`seq`)'),
    after: number.optional().describe('The oldest entries after this number (`seq`)'),
  })
  .refine(({ before, after }) => before === undefined || after === undefined, {
    path: ['after'],
    message: 'must not be there together with "before"',
  })

const attemptSchema = z.object({
  at: time.describe('When it began'),
  durationMs: z.number(),
  outcome: z
    .string()
    .describe(
      '`delivered`, or the kind of the failure: `transient`, `ambiguous`, `rate-limited`, `auth`, `recipient`, `invalid`, `window`',
    ),
  status: z.number().optional().describe('HTTP status of the answer of a webhook'),
  error: z.string().optional(),
  code: z.string().optional().describe("The provider's code of the error"),
  response: z.string().optional().describe('Start of the answer of a webhook that did not take the event'),
})

const holdSchema = z
  .object({
    by: z.enum(['pause', 'lane', 'circuit', 'window', 'lease', 'backlog']),
    reason: z.string(),
    since: time.optional(),
    until: time.optional(),
    entryId: z.string().optional().describe('The earlier entry that is waited for'),
  })
  .describe(
    'What it waits for, beside its next attempt. `pause`: an operator, or new credentials. `lane`: an earlier entry to the same target. `circuit`: a target that fails. `window`: the person has to write. `lease`: the process that delivers the conversation. `backlog`: a process that has room for it, or a reader',
  )

const deliverySchema = z.object({
  target: z.object({
    kind: z.enum(['webhook', 'endpoint', 'integration']),
    id: z.string(),
    label: z.string().describe('URL of a webhook, with parts that may be secret masked; or the channel'),
  }),
  state: z.enum(['pending', 'retrying', 'delivered', 'failed', 'dead', 'cancelled', 'unsupported']),
  attempts: z.array(attemptSchema).describe('The newest ten that are kept, in order of time'),
  nextAttemptAt: time.optional(),
  held: holdSchema.optional(),
  reason: z.string().optional().describe('Why it was given up'),
  error: z.string().optional().describe('Of the last attempt'),
  code: z.string().optional().describe("The provider's code of the error"),
})

const itemSchema = z.object({
  entry: z.object({
    id: z.string(),
    seq: z.number().describe('Its number in the conversation'),
    type: z.string(),
    at: time,
    author: z.object({ kind: z.enum(['user', 'business', 'system']), id: z.string().optional() }),
    channel: z.string().optional(),
    preview: z.string().optional().describe('At most 256 characters'),
    payload: z.unknown().optional().describe('Of messages'),
    isDeleted: z.literal(true).optional(),
  }),
  deliveries: z.array(deliverySchema),
})

/** One conversation, as a timeline. */
export function timelineRoutes(app: FastifyInstance, deps: AdminDeps): void {
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/conversations/:conversationId/timeline',
    operationId: 'adminReadTimeline',
    tag: 'admin-conversations',
    summary:
      'The entries of a conversation, newest first, each with its deliveries, their attempts and what holds them back',
    role: 'viewer',
    tenant: true,
    params: z.object({ conversationId: z.string().max(100) }),
    query,
    responses: {
      200: z.object({
        items: z.array(itemSchema),
        next: z
          .number()
          .optional()
          .describe('`before` of the page of earlier entries; absent after the first entry'),
      }),
    },
    handle: async ({ client, params, query: { limit, before, after } }) => {
      const id = conversationIdOf(params.conversationId)
      const items = await deps.hub.timeline.read(client, id, {
        limit,
        ...(before !== undefined && { before }),
        ...(after !== undefined && { after }),
      })
      const first = items.at(-1)?.entry.seq
      return { items: items.map(itemJson), ...(first !== undefined && first > 1 && { next: first }) }
    },
  })
}

/** @throws NOT_FOUND for a text that is no id */
function conversationIdOf(text: string): Id {
  const id = isId(text) ? text : fromUuid(text)
  if (!id) throw new PlugboardError('NOT_FOUND', 'conversation not found')
  return id
}

function itemJson({ entry, deliveries }: TimelineItem): z.infer<typeof itemSchema> {
  const { id, seq, type, at, author, channel, deletedAt } = entry
  const preview = deletedAt ? '' : previewOf(entry)
  return {
    entry: {
      ...{ id: toUuid(id), seq, type, at: at.toISOString(), author: authorJson(author) },
      ...(channel !== undefined && { channel }),
      ...(preview !== '' && { preview }),
      ...(type === 'message' && !deletedAt && { payload: parseJsonObject(entry.payload) }),
      ...(deletedAt && { isDeleted: true as const }),
    },
    deliveries: deliveries.map(deliveryJson),
  }
}

function authorJson(author: Author | undefined): z.infer<typeof itemSchema>['entry']['author'] {
  if (author === undefined) return { kind: 'system' }
  return author === 'business' ? { kind: 'business' } : { kind: 'user', id: toUuid(author.userId) }
}

function deliveryJson(delivery: TimelineDelivery): z.infer<typeof deliverySchema> {
  const { target, kind, label, state, attempts, nextAttemptAt, held, reason, error, code } = delivery
  return {
    target: { kind, id: toUuid(parseTarget(target).id), label: targetLabel(label) },
    ...{ state, attempts: attempts.map(attemptJson) },
    ...(nextAttemptAt && { nextAttemptAt: nextAttemptAt.toISOString() }),
    ...(held && {
      held: {
        ...{ by: held.by, reason: held.reason },
        ...(held.since && { since: held.since.toISOString() }),
        ...(held.until && { until: held.until.toISOString() }),
        ...(held.entryId && { entryId: toUuid(held.entryId) }),
      },
    }),
    ...(reason !== undefined && { reason }),
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
  }
}

const attemptJson = ({ at, ...attempt }: Attempt): z.infer<typeof attemptSchema> => ({
  at: at.toISOString(),
  ...attempt,
})
