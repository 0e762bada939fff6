import { invalid } from '@plugboard/core'
import type { z } from 'zod'
import { parseDuration } from '../../config/duration.js'
import { readConfig } from '../../config/read-config.js'
import {
  adminDeadLetters,
  deadLettersQuery,
  listDeadLetters,
  replayDeadLetters,
  replayed,
  replayRequest,
} from '../../dialects/messaging-v1/admin-dead-letters.js'
import { phraseOf } from '../../dialects/messaging-v1/validate.js'
import { operate } from '../task.js'
import { print, table } from './print.js'

export interface DeadLetterOptions {
  client?: string | undefined
  target?: string | undefined
  reason?: string | undefined
  event?: string | undefined
  since?: string | undefined
  until?: string | undefined
  limit?: string | undefined
  all?: boolean | undefined
  to?: string | undefined
  json?: boolean | undefined
  url?: string | undefined
}

const LIMIT = 100

export async function list({ limit, json, url, ...filter }: DeadLetterOptions): Promise<void> {
  const max = limit === undefined ? LIMIT : Number(limit)
  if (!Number.isInteger(max) || max < 1)
    throw invalid({ path: ['limit'], message: 'must be a whole number above 0' })
  const texts = filterOf(filter)
  parse(deadLettersQuery, texts)
  const found = await operate(readConfig(), { url }, async (operator) => {
    const letters = []
    for (let after: string | undefined; ; ) {
      const query = { ...texts, after }
      const page = await operator({
        ...{ method: 'GET', path: '/dead-letters', query, answer: adminDeadLetters },
        run: (hub) => listDeadLetters(hub, parse(deadLettersQuery, known(query))),
      })
      letters.push(...page.deadLetters)
      after = page.after
      if (after === undefined || letters.length >= max) return letters.slice(0, max)
    }
  })
  const rows = found.map(({ clientId, event, target, reason, attempts, diedAt, error = '' }) => {
    return [diedAt, clientId, event, placeOf(target), `${reason} (${attempts})`, error]
  })
  print(json, found, table(['GIVEN UP', 'CLIENT', 'EVENT', 'TARGET', 'REASON (ATTEMPTS)', 'ERROR'], rows))
}

/** The URL of a webhook; the type and the id of another target, with what is known of its integration. */
function placeOf(target: z.infer<typeof adminDeadLetters>['deadLetters'][number]['target']): string {
  if ('url' in target && target.url !== undefined) return target.url
  const { channel, integration } = target.type === 'webhook' ? {} : target
  const name = typeof channel === 'object' ? channel.name : channel
  const known = [name, integration].filter((each) => each !== undefined).join(' ')
  return `${target.type} ${target.id}${known === '' ? '' : ` (${known})`}`
}

export async function replay({ all, to, json, url, ...filter }: DeadLetterOptions): Promise<void> {
  const texts = { ...filterOf(filter), ...(to !== undefined && { to }) }
  if (Object.keys(filterOf(filter)).length === 0 && !all)
    throw invalid({ path: ['filter'], message: 'is missing: give at least one option, or --all' })
  parse(replayRequest, texts)
  const sum = await operate(readConfig(), { url }, async (operator) => {
    const counts = { replayed: 0, refused: 0 }
    for (let after: string | undefined; ; ) {
      const body = parse(replayRequest, { ...texts, ...(after !== undefined && { after }) })
      const page = await operator({
        ...{ path: '/dead-letters/replay', body, answer: replayed, audit: 'delivery.replay' },
        run: async (hub, note) => {
          const { replayed: done, refused, ...rest } = await replayDeadLetters(hub, body)
          note({ done, refused })
          return { replayed: done, refused, ...rest }
        },
      })
      counts.replayed += page.replayed
      counts.refused += page.refused
      after = page.after
      if (after === undefined) return counts
    }
  })
  const refused =
    sum.refused === 0
      ? ''
      : `; ${sum.refused} could not be: their target was removed (use --to), or 1,000 of a conversation wait already (run the command again later)`
  print(json, sum, [`Replayed ${sum.replayed} dead letters${refused}`])
}

/** The options that select dead letters, with times as ISO 8601. */
function filterOf({
  client,
  target,
  reason,
  event,
  since,
  until,
}: DeadLetterOptions): Record<string, string> {
  return known({
    client,
    target,
    reason,
    event,
    since: timeOf('since', since),
    until: timeOf('until', until),
  })
}

const known = (texts: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).filter((pair): pair is [string, string] => pair[1] !== undefined))

/** A time, or a duration before now. */
function timeOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const ago = parseDuration(text)
  const time = ago === undefined ? new Date(text) : new Date(Date.now() - ago)
  if (!Number.isNaN(time.getTime())) return time.toISOString()
  throw invalid({
    path: [option],
    message: 'must be a duration such as 2h, or a time such as 2026-01-31T12:00:00Z',
  })
}

/** @throws INVALID that names the option */
function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw invalid(
    ...result.error.issues.map((issue) => ({ path: issue.path.map(String), message: phraseOf(issue) })),
  )
}
