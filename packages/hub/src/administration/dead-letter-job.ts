import type { Id } from '@plugboard/core'
import type { DeadFilter } from '../log/dead-letter.js'
import type { Target } from '../log/target.js'

/** What a job does with each dead letter that matches. */
export type JobAction = 'replay' | 'discard'

/** `running`: also if the process that does it ended; another one continues soon. */
export type JobState = 'running' | 'stopped' | 'done' | 'failed'

/** Who started it. */
export interface JobActor {
  kind: 'operator' | 'key' | 'tenant'
  id: string
  name: string
}

/** What is wanted of a job. */
export interface NewJob {
  action: JobAction
  filter: DeadFilter
  /** Most dead letters in a second. */
  perSecond: number
  /** Of a replay: another target. */
  to?: Target
  by: JobActor
}

/** A job about the dead letters of a client that there were when it began. */
export interface Job extends Omit<NewJob, 'filter'> {
  id: Id
  clientId: Id
  /** `until` is at most the time of its start, so that what dies again is left alone. */
  filter: DeadFilter
  state: JobState
  /** Dead letters that were replayed or discarded. */
  done: number
  /** Dead letters that could not be replayed, such as for a target that was removed. They stay. */
  failed: number
  /** Dead letters that matched when it began, as far as they were counted. */
  total: number
  /** There were more. */
  isMore: boolean
  createdAt: Date
  endedAt?: Date
  /** Why it failed. */
  error?: string
  /** Conversations whose replays wait for their target now. */
  waiting: number
}

/** A job as it is stored: times are ISO 8601. */
export interface JobData extends Omit<Job, 'id' | 'filter' | 'createdAt' | 'endedAt'> {
  filter: Omit<DeadFilter, 'since' | 'until'> & { since?: string; until?: string }
  createdAt: string
  endedAt?: string
  /** The process that does it. Absent: any process may take it. */
  owner?: Id
}

export function toJob(id: Id, { owner: _, createdAt, endedAt, ...data }: JobData): Job {
  return {
    ...data,
    id,
    filter: filterOf(data),
    createdAt: new Date(createdAt),
    ...(endedAt !== undefined && { endedAt: new Date(endedAt) }),
  }
}

export function filterOf({ filter: { since, until, ...filter } }: Pick<JobData, 'filter'>): DeadFilter {
  return {
    ...filter,
    ...(since !== undefined && { since: new Date(since) }),
    ...(until !== undefined && { until: new Date(until) }),
  }
}

export function toStoredFilter({ since, until, ...filter }: DeadFilter): JobData['filter'] {
  return {
    ...filter,
    ...(since && { since: since.toISOString() }),
    ...(until && { until: until.toISOString() }),
  }
}
