import { invalid } from '@plugboard/core'
import type { z } from 'zod'
import { parseDuration } from '../../config/duration.js'
import { readConfig } from '../../config/read-config.js'
import {
  adminDeadLetters,
  deadLettersQuery,
  listDeadLetters,
} from '../../dialects/messaging-v1/admin-dead-letters.js'
import { phraseOf } from '../../dialects/messaging-v1/validate.js'
import { operate } from '../store-or-server.js'
import { print, table } from './print.js'

/** Which dead letters. */
export interface DeadLetterFilter {
  client?: string | undefined
  target?: string | undefined
  integration?: string | undefined
  channel?: string | undefined
  reason?: string | undefined
  event?: string | undefined
  since?: string | undefined
  until?: string | undefined
}

interface ListOptions extends DeadLetterFilter {
  limit?: string | undefined
  json?: boolean | undefined
  url?: string | undefined
}

const LIMIT = 100

export async function list({ limit, json, url, ...filter }: ListOptions): Promise<void> {
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

/** The options that select dead letters, with times as ISO 8601. */
export const filterOf = ({ since, until, ...filter }: DeadLetterFilter): Record<string, string> =>
  known({ ...filter, since: timeOf('since', since), until: timeOf('until', until) })

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
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw invalid(
    ...result.error.issues.map((issue) => ({ path: issue.path.map(String), message: phraseOf(issue) })),
  )
}
