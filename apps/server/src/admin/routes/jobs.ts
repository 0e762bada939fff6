import { invalid, toUuid } from '@plugboard/core'
import type { ClientView, Job } from '@plugboard/hub'
import { isFeed, parseTarget, webhookTarget } from '@plugboard/hub'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { deathReason } from '../../dialects/messaging-v1/schemas.js'
import type { Actor } from '../actor.js'
import type { AdminDeps } from '../deps.js'
import { cursorOf, idIn, idInPath, idSchema, placeIn } from '../ids.js'
import { listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'
import { deadFilter, deadFilterOf } from './deliveries.js'

const time = z.string().meta({ format: 'date-time' })
const actions = z.enum(['replay', 'discard'])

const newJob = z.strictObject({
  action: actions,
  filter: z.strictObject(deadFilter).default({}).describe('Dead letters that match every member'),
  perSecond: z.number().int().min(1).max(1000).default(100).describe('Most dead letters in a second'),
  to: z.string().max(100).optional().describe('Of a replay: id of another webhook of the client'),
  dryRun: z.boolean().default(false).describe('Only count what matches'),
})

const countSchema = z.object({
  count: z.number().describe('Dead letters that match now'),
  isMore: z.boolean().describe('There may be more: a count looks at 200,000 dead letters'),
})

const jobSchema = z.object({
  id: z.string(),
  action: actions,
  filter: z.object({
    target: z.string().optional(),
    integration: z.string().optional().describe('Id of an integration'),
    channel: z.string().optional(),
    reason: deathReason.optional(),
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

const params = z.strictObject({ jobId: z.string().max(100) })
const placeSchema = z.strictObject({ id: idSchema })

/** Jobs about many dead letters of a client. */
export function jobRoutes(app: FastifyInstance, deps: AdminDeps): void {
  const { hub } = deps
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/jobs',
    operationId: 'adminStartJob',
    tag: 'admin-deliveries',
    summary:
      'Replay or discard all dead letters that match, in the background and in the order of each conversation; or count them',
    role: 'operator',
    tenant: true,
    audit: 'job.start',
    body: newJob,
    responses: { 200: countSchema, 202: jobSchema },
    errors: [404],
    handle: async ({ client, actor, body, note, reply }) => {
      const { action, perSecond, dryRun } = body
      const filter = deadFilterOf(client, body.filter)
      const to = body.to === undefined ? undefined : webhookOf(client, body.to)
      if (to && action !== 'replay') throw invalid({ path: ['to'], message: 'is for a replay only' })
      note({ action, dryRun })
      if (dryRun) return hub.jobs.count(client, filter)
      const job = await hub.jobs.create(client, {
        action,
        filter,
        perSecond,
        by: byOf(actor),
        ...(to && { to }),
      })
      note({ jobId: toUuid(job.id), total: job.total })
      return reply.code(202).send(jobJson(job))
    },
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/jobs',
    operationId: 'adminListJobs',
    tag: 'admin-deliveries',
    summary: 'List jobs, newest first; those that ended are kept for 30 days',
    role: 'viewer',
    tenant: true,
    query: z.strictObject(pageQuery),
    responses: { 200: listOf(jobSchema) },
    handle: async ({ client, query: { limit, cursor } }) => {
      const before = placeIn(cursor, placeSchema)?.id
      const jobs = await hub.jobs.list(client, { limit, before })
      const last = jobs.at(-1)
      return {
        items: jobs.map(jobJson),
        ...(last && jobs.length === limit && { next: cursorOf({ id: last.id }) }),
      }
    },
  })
  defineAdminRoute(app, deps, {
    method: 'GET',
    url: '/clients/:clientId/jobs/:jobId',
    operationId: 'adminGetJob',
    tag: 'admin-deliveries',
    summary: 'Get a job and its progress',
    role: 'viewer',
    tenant: true,
    params,
    responses: { 200: jobSchema },
    handle: async ({ client, params }) => jobJson(await hub.jobs.get(client, idInPath(params.jobId, 'job'))),
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/jobs/:jobId/stop',
    operationId: 'adminStopJob',
    tag: 'admin-deliveries',
    summary: 'Stop a job; what was replayed or discarded stays so',
    role: 'operator',
    tenant: true,
    audit: 'job.stop',
    params,
    responses: { 200: jobSchema },
    handle: async ({ client, params }) =>
      jobJson(await hub.jobs.stopJob(client, idInPath(params.jobId, 'job'))),
  })
  defineAdminRoute(app, deps, {
    method: 'POST',
    url: '/clients/:clientId/jobs/:jobId/resume',
    operationId: 'adminResumeJob',
    tag: 'admin-deliveries',
    summary: 'Continue a job that was stopped or failed',
    role: 'operator',
    tenant: true,
    audit: 'job.resume',
    params,
    responses: { 200: jobSchema },
    errors: [409],
    handle: async ({ client, params }) =>
      jobJson(await hub.jobs.resume(client, idInPath(params.jobId, 'job'))),
  })
}

/** @throws INVALID */
function webhookOf(client: ClientView, text: string) {
  const id = idIn(text, ['to'], 'a webhook of the client')
  const webhook = client.webhooks.find((hook) => hook.id === id && !isFeed(hook))
  if (!webhook) throw invalid({ path: ['to'], message: 'must be the id of a webhook of the client' })
  return webhookTarget(webhook.id)
}

const byOf = ({ kind, id, name }: Actor): Job['by'] => ({ kind, name, id: kind === 'key' ? id : toUuid(id) })

function jobJson(job: Job): z.infer<typeof jobSchema> {
  const { id, action, perSecond, to, state, done, failed, total, isMore, waiting, by, error } = job
  const { target, integrationId, channel, reason, since, until } = job.filter
  return {
    ...{ id: toUuid(id), action, perSecond, state, done, failed, total, isMore, waiting, by },
    filter: {
      ...(target && { target: toUuid(parseTarget(target).id) }),
      ...(integrationId && { integration: toUuid(integrationId) }),
      ...(channel !== undefined && { channel }),
      ...(reason !== undefined && { reason }),
      ...(since && { since: since.toISOString() }),
      ...(until && { until: until.toISOString() }),
    },
    ...(to && { to: toUuid(parseTarget(to).id) }),
    createdAt: job.createdAt.toISOString(),
    ...(job.endedAt && { endedAt: job.endedAt.toISOString() }),
    ...(error !== undefined && { error }),
  }
}
