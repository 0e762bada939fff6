import { invalid, isStorable } from '@plugboard/core'
import { z } from 'zod'

/** An id becomes a part of an address or of a key. */
const id = z
  .string()
  .min(1, 'must not be empty')
  .max(400, 'is too long')
  .refine(isStorable, 'cannot be an id')
/** What Teams may leave out, or may send in another form one day: then it counts as left out. */
const text = z.string().optional().catch(undefined)
const optionalId = id.optional().catch(undefined)
/** Becomes a part of a key too. */
const time = z.string().max(64).refine(isStorable).optional().catch(undefined)
const list = <T extends z.ZodType>(item: T) =>
  z
    .array(z.unknown())
    .catch([])
    .default([])
    .transform((items) => items.flatMap((each) => item.safeParse(each).data ?? []))

const accountSchema = z.object({ id, name: text, role: text })

const mentionSchema = z.object({
  type: z.literal('mention'),
  /** Teams leaves it out for some names, such as those with an ampersand. */
  text,
  mentioned: z.object({ id: z.string(), name: text }),
})
/** A message that the person quotes. */
const quoteSchema = z.object({
  type: z.string().regex(/^quotedReply$/i),
  quotedReply: z.object({ messageId: id, preview: text }),
})

const attachmentSchema = z.object({
  contentType: z.string(),
  contentUrl: text,
  name: text,
  content: z.unknown().optional(),
})

export type Attachment = z.infer<typeof attachmentSchema>

/**
 * What is read of an activity.
 * https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference#activity-object
 */
const activitySchema = z.object({
  type: z.string('is required').min(1, 'is required'),
  id: optionalId,
  timestamp: time,
  serviceUrl: z.string('is required').max(500, 'is too long'),
  channelId: z.literal('msteams', 'must be msteams'),
  name: text,
  action: text,
  locale: text,
  from: accountSchema.optional().catch(undefined),
  recipient: accountSchema.optional().catch(undefined),
  conversation: z.object(
    { id, conversationType: text, tenantId: optionalId },
    { error: ({ input }) => (input === undefined ? 'is required' : 'must be an object') },
  ),
  text,
  attachments: list(attachmentSchema),
  entities: list(z.union([mentionSchema, quoteSchema])),
  membersAdded: list(accountSchema),
  membersRemoved: list(accountSchema),
  reactionsAdded: list(z.object({ type: z.string().min(1) })),
  reactionsRemoved: list(z.object({ type: z.string().min(1) })),
  replyToId: optionalId,
  value: z.unknown().optional(),
  channelData: z
    .object({
      eventType: text,
      tenant: z.object({ id }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
})

export type Activity = z.infer<typeof activitySchema>
export type Account = z.infer<typeof accountSchema>

/** @throws PlugboardError INVALID, naming the field */
export function readActivity(value: unknown): Activity {
  const result = activitySchema.safeParse(value)
  if (result.success) return result.data
  const [first] = result.error.issues
  throw invalid({
    path: ['body', ...(first?.path ?? []).map(String)],
    message:
      first?.code === 'invalid_type' && first.path.length === 0
        ? 'must be an activity'
        : (first?.message ?? 'is invalid'),
  })
}
