import type { z } from 'zod'
import { overviewOf, overviewSchema } from '../../admin-api/overview.js'
import { readConfig } from '../../config/read-config.js'
import { operate } from '../store-or-server.js'
import { print, table } from './print.js'

export interface OverviewCommandOptions {
  json?: boolean | undefined
  url?: string | undefined
}

/** Shows whether people are answered, and if not, what is wrong. */
export async function show({ json, url }: OverviewCommandOptions): Promise<void> {
  const config = readConfig()
  const overview = await operate(config, { url }, (operator) =>
    operator({
      ...{ api: '/admin/v1', method: 'GET', path: '/overview', answer: overviewSchema },
      run: (hub) => overviewOf(hub, config),
    }),
  )
  print(json, overview, linesOf(overview))
}

/** As people read it. */
export function linesOf(overview: z.infer<typeof overviewSchema>): string[] {
  const { status, troubles, rates, backlog, replicas = [] } = overview
  const rows = troubles.map(({ since, clientName, clientId = '', target, state, reason, people, fix }) => [
    since,
    clientName ?? clientId,
    target.label,
    state,
    people ? `${people.count}${people.isMore ? '+' : ''}` : '',
    fix,
    reason,
  ])
  const counts = rates && [
    `${rates.receivedPerMinute} received`,
    `${rates.postedPerMinute} posted`,
    `${rates.deliveredPerMinute} delivered`,
    `${rates.failedPerMinute} failed`,
  ]
  return [
    status === 'ok' ? 'Everybody is answered.' : 'Somebody is not answered:',
    ...(rows.length > 0
      ? table(['SINCE', 'CLIENT', 'TARGET', 'STATE', 'PEOPLE', 'FIX', 'REASON'], rows)
      : []),
    ...(counts ? [`Last minute: ${counts.join(', ')}`] : []),
    ...(backlog
      ? [
          `Pending: ${backlog.streams.toLocaleString('en')}${backlog.isMore ? '+' : ''} conversations${backlog.oldestAt ? `, since ${backlog.oldestAt}` : ''}`,
        ]
      : []),
    ...replicas.map(
      ({ state, host = '', role, version, leases, listening }) =>
        `Process: ${state}, ${[host, role, version].filter(Boolean).join(' ')}, delivers ${leases}, listens for ${listening}`,
    ),
  ]
}
