import { setTimeout } from 'node:timers/promises'
import type { Figure } from './figure.js'
import type { Server } from './processes/server.js'
import { percentile, sorted } from './statistics.js'

export const ADMIN_KEY = 'an admin key that is long enough'

/** Headers of requests to the admin API. */
export const asAdmin = { authorization: `Bearer ${ADMIN_KEY}` }

/** Pages that are asked for each second: more than twenty people do. */
const PER_SECOND = 20

/** Asks for a page of the console again and again, at an even rate as far as the answers allow it. */
export async function page({ url }: Server, name: string, path: string, count: number): Promise<Figure> {
  const times: number[] = []
  let items = 0
  const begin = performance.now()
  for (let i = 0; i < count; i += 1) {
    await setTimeout(Math.max(0, begin + (i * 1000) / PER_SECOND - performance.now()))
    const start = performance.now()
    const response = await fetch(`${url}/admin/v1${path}`, { headers: asAdmin })
    const text = await response.text()
    times.push(performance.now() - start)
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
    items = (JSON.parse(text) as { items?: unknown[] }).items?.length ?? 1
  }
  const ascending = sorted(times)
  const note = `p50 ${percentile(ascending, 0.5).toFixed(1)} ms; ${items} items`
  return {
    name: `${name}, p95`,
    value: percentile(ascending, 0.95),
    unit: 'ms',
    target: { below: 200 },
    note,
  }
}
