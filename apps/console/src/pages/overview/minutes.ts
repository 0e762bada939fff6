import type { Rates } from '../../api/wire.js'

type Minute = Rates['history'][number]

const MINUTE_MS = 60_000

/** Every minute from the first to the last: those in which nothing happened are not in the answer. */
export function withEmptyMinutes(minutes: readonly Minute[]): readonly Minute[] {
  const all: Minute[] = []
  let next: number | undefined
  for (const minute of minutes) {
    const at = Date.parse(minute.at)
    for (; next !== undefined && next < at; next += MINUTE_MS) {
      all.push({ at: new Date(next).toISOString(), received: 0, posted: 0, delivered: 0, failed: 0 })
    }
    all.push(minute)
    next = at + MINUTE_MS
  }
  return all
}
