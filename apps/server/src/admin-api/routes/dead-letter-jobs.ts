import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { auditedActor } from '../actor.js'
import { countDead, countSchema, jobJson, jobSchema, newJob, startJob } from '../dead-letter-jobs.js'
import type { AdminDeps } from '../deps.js'
import { cursorOf, idInPath, idSchema, placeIn } from '../ids.js'
import { listOf, pageQuery } from '../pages.js'
import { defineAdminRoute } from '../route.js'

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
      const { action, dryRun } = body
      note({ action, dryRun })
      if (dryRun) return countDead(hub, client, body)
      const job = await startJob(hub, client, body, auditedActor(actor))
      note({ jobId: job.id, total: job.total })
      return reply.code(202).send(job)
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
