import { fromUuid, invalid, isId, toUuid } from '@plugboard/core'
import {
  type ClientView,
  eventOf,
  type Hub,
  isFeed,
  type Job,
  parseTarget,
  type Target,
  webhookTarget,
} from '@plugboard/hub'
import { z } from 'zod'
import { deathReason } from '../dialects/messaging-v1/schemas.js'
import { deadFilter, deadFilterOf } from './dead-letter-filter.js'

/** What the routes and the command of jobs share. */

const time = z.string().meta({ format: 'date-time' })
const actions = z.enum(['replay', 'discard'])

export const newJob = z.strictObject({
  action: actions,
  filter: z.strictObject(deadFilter).default({}).describe('Dead letters that match every member'),
  perSecond: z.number().int().min(1).max(1000).default(100).describe('Most dead letters in a second'),
  to: z.string().max(8192).optional().describe('Of a replay: id or URL of another webhook of the client'),
  dryRun: z.boolean().default(false).describe('Only count what matches'),
})

export const countSchema = z.object({
  count: z.number().describe('Dead letters that match now'),
  isMore: z.boolean().describe('There may be more: a count looks at 200,000 dead letters'),
})

export const jobSchema = z.object({
  id: z.string(),
  action: actions,
  filter: z.object({
    target: z.string().optional(),
    integration: z.string().optional().describe('Id of an integration'),
    channel: z.string().optional(),
    reason: deathReason.optional(),
    event: z.string().optional(),
    since: time.optional(),
    until: time.optional().describe('At most the start of the job: what is given up later is left alone'),
  }),
  perSecond: z.number(),
  to: z.string().optional(),
  state: z.enum(['running', 'stopped', 'done', 'failed']),
  done: z.number(),
  failed: z.number().describe('For targets that were removed; they stay dead letters'),
  total: z.number().describe('Dead letters that matched at the start'),
  isMore: z.boolean().describe('There were more than were counted'),
  waiting: z.number().describe('Conversations whose replays wait for their target'),
  createdAt: time,
  endedAt: time.optional(),
  by: z.object({ kind: z.enum(['operator', 'key', 'tenant']), id: z.string(), name: z.string() }),
  error: z.string().optional(),
})

/** Dead letters that a job would deal with. @throws INVALID, NOT_FOUND */
export const countDead = async (
  hub: Hub,
  client: ClientView,
  wanted: z.infer<typeof newJob>,
): Promise<z.infer<typeof countSchema>> => hub.jobs.count(client, wantedOf(client, wanted).filter)

/** Starts a job. @throws INVALID, NOT_FOUND */
export async function startJob(
  hub: Hub,
  client: ClientView,
  wanted: z.infer<typeof newJob>,
  by: Job['by'],
): Promise<z.infer<typeof jobSchema>> {
  const { action, perSecond } = wanted
  return jobJson(await hub.jobs.create(client, { action, perSecond, by, ...wantedOf(client, wanted) }))
}

function wantedOf(
  client: ClientView,
  { action, filter, to }: z.infer<typeof newJob>,
): Pick<Job, 'filter' | 'to'> {
  const target = to === undefined ? undefined : webhookOf(client, to)
  if (target && action !== 'replay') throw invalid({ path: ['to'], message: 'is for a replay only' })
  return { filter: deadFilterOf(client, filter), ...(target && { to: target }) }
}

/** @throws INVALID */
function webhookOf(client: ClientView, text: string): Target {
  const id = isId(text) ? text : fromUuid(text)
  const webhook = client.webhooks.find((hook) => (hook.id === id || hook.url === text) && !isFeed(hook))
  if (!webhook)
    throw invalid({ path: ['to'], message: 'must be the id or the URL of a webhook of the client' })
  return webhookTarget(webhook.id)
}

/** A job and its progress. */
export function jobJson(job: Job): z.infer<typeof jobSchema> {
  const { id, action, perSecond, to, state, done, failed, total, isMore, waiting, by, error } = job
  const { target, integrationId, channel, reason, type, since, until } = job.filter
  return {
    ...{ id: toUuid(id), action, perSecond, state, done, failed, total, isMore, waiting, by },
    filter: {
      ...(target && { target: toUuid(parseTarget(target).id) }),
      ...(integrationId && { integration: toUuid(integrationId) }),
      ...(channel !== undefined && { channel }),
      ...(reason !== undefined && { reason }),
      ...(type !== undefined && { event: eventOf(type) }),
      ...(since && { since: since.toISOString() }),
      ...(until && { until: until.toISOString() }),
    },
    ...(to && { to: toUuid(parseTarget(to).id) }),
    createdAt: job.createdAt.toISOString(),
    ...(job.endedAt && { endedAt: job.endedAt.toISOString() }),
    ...(error !== undefined && { error }),
  }
}
