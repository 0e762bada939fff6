import { stat } from 'node:fs/promises'
import { type Id, toUuid } from '@plugboard/core'
import {
  COUNTED_BACKLOG,
  type Hub,
  type MinuteOfRates,
  type OverviewView,
  type ProcessView,
  type Trouble,
} from '@plugboard/hub'
import { z } from 'zod'
import { databaseOf } from '../config/database.js'
import type { Config } from '../config/read-config.js'
import { withMaskedUrls } from '../masked-urls.js'
import { version } from '../version.js'

const time = z.string().meta({ format: 'date-time' })
const counts = { received: z.number(), posted: z.number(), delivered: z.number(), failed: z.number() }

const atLeast = z.object({ count: z.number(), isMore: z.boolean().describe('There may be more') })

/** A trouble, as the overview and the page of a client show it. */
export const troubleSchema = z.object({
  clientId: z.string().optional().describe('Absent if it concerns all clients'),
  clientName: z.string().optional(),
  target: z.object({
    kind: z.enum(['webhook', 'integration', 'client', 'server']),
    id: z.string().optional(),
    label: z
      .string()
      .describe(
        'The URL of a webhook, with parts that may be secret masked; the channel and name of an integration; what of a client',
      ),
    channel: z.string().optional(),
  }),
  state: z
    .enum([
      ...(['failing', 'refused', 'disconnected', 'not-set-up', 'unloaded', 'gone'] as const),
      ...(['unverified', 'unread', 'full', 'held', 'dead-letters', 'no-worker'] as const),
    ])
    .describe(
      '`failing`: does not take what is delivered. `refused`: the provider refuses the credentials. `disconnected`: no connection to the provider. `not-set-up`: the provider could not be set up. `unloaded`: the server does not load the channel. `gone`: the webhook answered 410. `unverified`: requests at the address of the integration have a wrong signature, and none is authentic. `unread`: no reader acknowledges the events of a pull webhook, or too few. `full`: the client has reached its storage limit. `held`: an operator holds its deliveries. `dead-letters`: works, and has deliveries for which all attempts failed. `no-worker`: no process delivers',
    ),
  since: time,
  reason: z.string().describe('In words of the provider or of this server'),
  failures: z.number().optional().describe('Failures in a row; of `unverified`: requests'),
  nextAttemptAt: time.optional(),
  people: atLeast
    .optional()
    .describe('Who waits, or did not get what was given up. Counted for the longest troubles'),
  deadLetters: atLeast.optional(),
  fix: z
    .enum(['wait', 'credentials', 'install', 'sync', 'resume', 'replay', 'read', 'space', 'start'])
    .describe(
      'What ends it. `wait`: it is retried automatically. `credentials`: give the integration valid ones. `install`: install the channel. `sync`: the client has to give the webhook again. `resume`: let deliveries continue. `replay`: replay or discard the dead letters. `read`: a reader has to read and acknowledge. `space`: delete data of the client, or raise its limit. `start`: start a process that delivers',
    ),
})

/** The overview, as programs and the command line get it. */
export const overviewSchema = z.object({
  status: z.enum(['ok', 'trouble']).describe('`trouble`: somebody is not answered'),
  at: time,
  version: z.string(),
  troubles: z.array(troubleSchema).describe('The longest first'),
  hasMoreTroubles: z.boolean().describe('More targets are in trouble than are looked at for one answer'),
  replicas: z
    .array(
      z.object({
        id: z.string(),
        state: z
          .enum(['running', 'silent', 'stopped'])
          .describe('`silent`: has written nothing for 30 seconds, so it has crashed or is stuck'),
        version: z.string(),
        role: z.string(),
        host: z.string().optional(),
        startedAt: time,
        seenAt: time,
        delivers: z.boolean(),
        leases: z.number().describe('Conversations that it delivers'),
        listening: z.number().describe('Integrations that it listens for'),
      }),
    )
    .optional()
    .describe('Absent for a link to one client, as are the members after it'),
  rates: z
    .object({
      ...{ receivedPerMinute: z.number(), postedPerMinute: z.number() },
      ...{ deliveredPerMinute: z.number(), failedPerMinute: z.number() },
      history: z
        .array(z.object({ at: time, ...counts }))
        .describe('Counts of each minute of the last hour, oldest first, without empty ones'),
    })
    .optional()
    .describe(
      'Messages of people, messages of the business, deliveries and failed attempts of the last minute',
    ),
  backlog: z
    .object({
      streams: z.number().describe(`Conversations with pending deliveries, counted up to ${COUNTED_BACKLOG}`),
      isMore: z.boolean().describe('There are more than were counted'),
      oldestAt: time.optional().describe('When the oldest entry that may be pending was accepted'),
    })
    .optional(),
  store: z.object({ kind: z.enum(['sqlite', 'mongodb']), sizeBytes: z.number().optional() }).optional(),
})

/** How the whole installation is. */
export async function overviewOf(hub: Hub, config: Config): Promise<z.infer<typeof overviewSchema>> {
  const database = databaseOf(config)
  const [view, sizeBytes] = await Promise.all([hub.overview.read(), sizeOf(database)])
  return {
    ...{ status: view.status, at: view.at.toISOString(), version },
    ...{ troubles: troublesOf(view), hasMoreTroubles: view.isMore },
    replicas: view.processes.map(replicaJson),
    rates: ratesJson(view),
    backlog: {
      ...{ streams: view.backlog.streams, isMore: view.backlog.isMore },
      ...(view.backlog.oldest && { oldestAt: view.backlog.oldest.toISOString() }),
    },
    store: { kind: database.kind, ...(sizeBytes !== undefined && { sizeBytes }) },
  }
}

/** The part that concerns one client. */
export async function overviewOfClient(hub: Hub, clientId: Id): Promise<z.infer<typeof overviewSchema>> {
  const { troubles, isMore } = await hub.overview.troublesOf(clientId)
  return {
    status: troubles.length > 0 ? 'trouble' : 'ok',
    ...{ at: new Date().toISOString(), version },
    ...{ troubles: troubles.map(troubleJson), hasMoreTroubles: isMore },
  }
}

function troublesOf({ isIdle, troubles, at, processes }: OverviewView): z.infer<typeof troubleSchema>[] {
  const found = troubles.map(troubleJson)
  if (!isIdle) return found
  const last = processes.filter(({ delivers }) => delivers).map(({ seenAt }) => seenAt.getTime())
  return [
    {
      target: { kind: 'server', label: 'workers' },
      ...{ state: 'no-worker', since: new Date(last.length > 0 ? Math.max(...last) : at).toISOString() },
      ...{ reason: 'no process delivers messages', fix: 'start' },
    },
    ...found,
  ]
}

/** A trouble of one target. */
export const troubleJson = ({
  client,
  target,
  since,
  nextAttemptAt,
  ...trouble
}: Trouble): z.infer<typeof troubleSchema> => ({
  clientId: toUuid(client.id),
  ...(client.record.name !== undefined && { clientName: client.record.name }),
  target: { ...target, id: toUuid(target.id), label: withMaskedUrls(target.label) },
  ...{ since: since.toISOString(), ...trouble },
  ...(nextAttemptAt && { nextAttemptAt: nextAttemptAt.toISOString() }),
})

const replicaJson = ({ id, startedAt, seenAt, ...process }: ProcessView) => ({
  id: toUuid(id),
  ...process,
  ...{ startedAt: startedAt.toISOString(), seenAt: seenAt.toISOString() },
})

const ratesJson = ({ rates, history }: OverviewView) => ({
  receivedPerMinute: rates.received,
  postedPerMinute: rates.posted,
  deliveredPerMinute: rates.delivered,
  failedPerMinute: rates.failed,
  history: history.map(({ at, ...counts }: MinuteOfRates) => ({ at: at.toISOString(), ...counts })),
})

/** Of an embedded database, with what is not yet moved from its log. */
async function sizeOf({ kind, place }: ReturnType<typeof databaseOf>): Promise<number | undefined> {
  if (kind !== 'sqlite') return undefined
  const sizes = await Promise.all(
    [place, `${place}-wal`].map((path) =>
      stat(path).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
