import { setTimeout as sleep } from 'node:timers/promises'
import { invalid, isPlugboardError, PlugboardError } from '@plugboard/core'
import { z } from 'zod'
import { deadFilterOf } from '../../admin-api/dead-letter-filter.js'
import {
  countDead,
  countSchema,
  jobJson,
  jobSchema,
  newJob,
  startJob,
} from '../../admin-api/dead-letter-jobs.js'
import { idInPath } from '../../admin-api/ids.js'
import { overviewOf, overviewSchema } from '../../admin-api/overview.js'
import { type Config, readConfig } from '../../config/read-config.js'
import { existingClient } from '../../dialects/messaging-v1/admin-lists.js'
import { progressOn } from '../progress-bar.js'
import { COMMAND_LINE, type Operator, operate } from '../store-or-server.js'
import { everyClient } from './clients.js'
import { type DeadLetterFilter, filterOf, parse } from './dead-letters.js'
import { print } from './print.js'

interface DealOptions extends DeadLetterFilter {
  all?: boolean | undefined
  'dry-run'?: boolean | undefined
  'per-second'?: string | undefined
  background?: boolean | undefined
  /** Of a replay. */
  to?: string | undefined
  json?: boolean | undefined
  url?: string | undefined
}

type Action = 'replay' | 'discard'
type Wanted = z.output<typeof newJob>
type JobOfClient = z.infer<typeof jobSchema> & { clientId: string }

const api = '/admin/v1'

/** How often the command looks at the jobs that it waits for. */
const LOOK_MS = 300

export const replay = (options: DealOptions): Promise<void> => deal('replay', options)

export const discard = (options: DealOptions): Promise<void> => deal('discard', options)

/** Starts a job for each client that has something to be dealt with, and waits for their ends. */
async function deal(
  action: Action,
  { all, 'dry-run': isTrial, background, json, url, client, ...options }: DealOptions,
): Promise<void> {
  const wanted = wantedOf(action, { ...options, client, all })
  const config = readConfig()
  await operate(config, { url }, async (operator) => {
    const ids = await withDeadLetters(operator, client, wanted)
    if (isTrial) return printCounts(json, action, await counted(operator, ids, wanted))
    const jobs: JobOfClient[] = []
    for (const id of ids) jobs.push({ clientId: id, ...(await start(operator, id, wanted)) })
    const isIdle = jobs.length > 0 && !background && (await nobodyDelivers(operator, config))
    if (background || isIdle) return printStarted(json, action, jobs, isIdle)
    const ended = await untilTheirEnd(operator, jobs, { isShown: !json })
    printEnded(json, action, ended)
  })
}

/** @throws INVALID that names the option */
function wantedOf(
  action: Action,
  {
    all,
    to,
    client,
    'per-second': perSecond,
    ...filter
  }: Omit<DealOptions, 'dry-run' | 'background' | 'json' | 'url'>,
): Wanted {
  const texts = filterOf(filter)
  if (Object.keys(texts).length === 0 && client === undefined && !all)
    throw invalid({ path: ['filter'], message: 'is missing: give at least one option, or --all' })
  if (to !== undefined && client === undefined)
    throw invalid({ path: ['to'], message: 'needs a client, whose webhook it is' })
  const pace = perSecond === undefined ? undefined : Number(perSecond)
  const isPace = pace === undefined || newJob.shape.perSecond.safeParse(pace).success
  if (!isPace) throw invalid({ path: ['per-second'], message: 'must be a whole number from 1 to 1000' })
  return {
    ...{ action, dryRun: false, filter: parse(newJob.shape.filter, texts) },
    perSecond: parse(newJob.shape.perSecond, pace),
    ...(to !== undefined && { to }),
  }
}

/** Ids of the clients that have a dead letter that matches. @throws NOT_FOUND for the client */
async function withDeadLetters(
  operator: Operator,
  only: string | undefined,
  { filter }: Wanted,
): Promise<string[]> {
  if (only !== undefined) return (await hasAny(operator, only, filter)) ? [only] : []
  const found: string[] = []
  for (const { id } of await everyClient(operator)) {
    try {
      if (await hasAny(operator, id, filter)) found.push(id)
    } catch (error) {
      // It has no such target or integration, or was deleted.
      if (!isPlugboardError(error, 'NOT_FOUND')) throw error
    }
  }
  return found
}

const someSchema = z.object({ items: z.array(z.unknown()), next: z.string().optional() })

async function hasAny(operator: Operator, id: string, filter: Wanted['filter']): Promise<boolean> {
  const { items, next } = await operator({
    ...{ api, method: 'GET', path: pathOf(id, '/deliveries'), answer: someSchema },
    query: { ...filter, state: 'dead', limit: '1' },
    run: async (hub) => {
      const client = await existingClient(hub, id)
      const page = await hub.deliveryList.dead(client, { ...deadFilterOf(client, filter), limit: 1 })
      return { items: page.letters, ...(page.next && { next: 'more' }) }
    },
  })
  return items.length > 0 || next !== undefined
}

interface Counted extends z.infer<typeof countSchema> {
  clientId: string
}

async function counted(operator: Operator, ids: readonly string[], wanted: Wanted): Promise<Counted[]> {
  const counts: Counted[] = []
  for (const id of ids) {
    const count = await operator({
      ...{ api, path: pathOf(id, '/jobs'), body: { ...wanted, dryRun: true }, answer: countSchema },
      audit: 'job.start',
      run: async (hub, note) => {
        const client = await existingClient(hub, id)
        note({ action: wanted.action, dryRun: true }, client.id)
        return countDead(hub, client, wanted)
      },
    })
    counts.push({ clientId: id, ...count })
  }
  return counts
}

const start = (operator: Operator, id: string, wanted: Wanted): Promise<z.infer<typeof jobSchema>> =>
  operator({
    ...{ api, path: pathOf(id, '/jobs'), body: wanted, answer: jobSchema, audit: 'job.start' },
    run: async (hub, note) => {
      const client = await existingClient(hub, id)
      const job = await startJob(hub, client, wanted, COMMAND_LINE)
      note({ action: wanted.action, jobId: job.id, total: job.total }, client.id)
      return job
    },
  })

/** So that nobody does a job. */
async function nobodyDelivers(operator: Operator, config: Config): Promise<boolean> {
  const { troubles } = await operator({
    ...{ api, method: 'GET', path: '/overview', answer: overviewSchema },
    run: (hub) => overviewOf(hub, config),
  })
  return troubles.some(({ state }) => state === 'no-worker')
}

/** Shows the progress until all jobs have ended. */
async function untilTheirEnd(
  operator: Operator,
  jobs: readonly JobOfClient[],
  { isShown }: { isShown: boolean },
): Promise<JobOfClient[]> {
  const progress = progressOn(process.stderr, { noun: 'dead letters' })
  let seen = [...jobs]
  while (seen.some(isRunning)) {
    await sleep(LOOK_MS)
    seen = await Promise.all(seen.map((job) => (isRunning(job) ? look(operator, job) : job)))
    const [done, total] = [sum(seen, 'done') + sum(seen, 'failed'), sum(seen, 'total')]
    if (isShown) progress.show(done, total)
  }
  progress.end()
  return seen
}

const isRunning = ({ state }: JobOfClient): boolean => state === 'running'

async function look(operator: Operator, { clientId, id }: JobOfClient): Promise<JobOfClient> {
  const job = await operator({
    ...{ api, method: 'GET', path: pathOf(clientId, `/jobs/${encodeURIComponent(id)}`), answer: jobSchema },
    run: async (hub) => jobJson(await hub.jobs.get(await existingClient(hub, clientId), idInPath(id, 'job'))),
  })
  return { ...job, clientId }
}

const pathOf = (clientId: string, rest: string): string => `/clients/${encodeURIComponent(clientId)}${rest}`

const sum = (jobs: readonly JobOfClient[], what: 'done' | 'failed' | 'total'): number =>
  jobs.reduce((all, job) => all + job[what], 0)

const lettersOf = (count: number): string => `${count} dead ${count === 1 ? 'letter' : 'letters'}`

const VERBS: Readonly<Record<Action, { past: string; plain: string }>> = {
  replay: { past: 'Replayed', plain: 'replay' },
  discard: { past: 'Discarded', plain: 'discard' },
}

function printCounts(json: boolean | undefined, action: Action, clients: readonly Counted[]): void {
  const count = clients.reduce((all, each) => all + each.count, 0)
  const isMore = clients.some((each) => each.isMore)
  const number = `${isMore ? 'more than ' : ''}${lettersOf(count)}`
  print(json, { count, isMore, clients }, [`Would ${VERBS[action].plain} ${number}`])
}

function printStarted(
  json: boolean | undefined,
  action: Action,
  jobs: readonly JobOfClient[],
  isIdle: boolean,
): void {
  const when = isIdle ? ', as soon as a process delivers' : ''
  const who = jobs.length === 1 ? 'A job' : `${jobs.length} jobs`
  const what = `${VERBS[action].plain} ${lettersOf(sum(jobs, 'total'))}`
  print(json, { done: 0, failed: 0, jobs }, [`${who} will ${what}${when}`])
}

/** @throws CONFLICT if a job did not come to its end */
function printEnded(json: boolean | undefined, action: Action, jobs: readonly JobOfClient[]): void {
  const [done, failed] = [sum(jobs, 'done'), sum(jobs, 'failed')]
  const rest = failed === 0 ? '' : `; ${failed} could not be: their target was removed (use --to)`
  print(json, { done, failed, jobs }, [`${VERBS[action].past} ${lettersOf(done)}${rest}`])
  const [first, ...others] = jobs.filter(({ state }) => state !== 'done')
  if (!first) return
  const why = first.error === undefined ? '' : `: ${first.error}`
  const more = others.length === 0 ? '' : `, and ${others.length} others`
  throw new PlugboardError('CONFLICT', `the job of client ${first.clientId} is ${first.state}${why}${more}`)
}
