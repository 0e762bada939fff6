/** Attempts at a webhook in one hour. */
export interface AttemptsOfHour {
  /** Hours since the epoch. */
  hour: number
  succeeded: number
  failed: number
  /** Their durations together, in milliseconds. */
  durationMs: number
  /** Their durations, see {@link durationAt}. Absent: counted by a version that did not measure it. */
  durations?: number[]
}

/** Attempts in an hour that are still being counted. */
export type CountedHour = { -readonly [Name in keyof AttemptsOfHour]: AttemptsOfHour[Name] }

const HOUR_MS = 3_600_000
/** Hours of attempt counts to keep. More than one, so that the first minutes of an hour have a history too. */
const KEPT_HOURS = 2

/** Counts an attempt. Returns the hours, which are changed in place, since there is one for each delivery. */
export function withAttempt(
  hours: readonly CountedHour[] | undefined,
  { now, durationMs, hasFailed }: { now: Date; durationMs: number; hasFailed: boolean },
): readonly CountedHour[] {
  const hour = Math.floor(now.getTime() / HOUR_MS)
  const known = hours?.[0]
  const newest = known?.hour === hour ? known : { hour, succeeded: 0, failed: 0, durationMs: 0 }
  if (hasFailed) newest.failed += 1
  else newest.succeeded += 1
  const ms = Math.max(0, Math.round(durationMs))
  newest.durationMs += ms
  const range = rangeOf(ms)
  newest.durations ??= []
  newest.durations[range] = (newest.durations[range] ?? 0) + 1
  return newest === known && hours ? hours : [newest, ...(hours ?? [])].slice(0, KEPT_HOURS)
}

const NO_ATTEMPTS: Omit<AttemptsOfHour, 'hour'> = { succeeded: 0, failed: 0, durationMs: 0 }

/** Ranges of durations: four for each power of two, up to four minutes. */
const RANGES = 72

/** Durations from here on are in the last range. */
const LONGEST_MS = 2 ** (RANGES / 4) - 1

/** Index of the range of a duration in whole milliseconds. With integers alone, because each delivery comes here. */
function rangeOf(ms: number): number {
  const whole = Math.min(Math.max(1, ms), LONGEST_MS)
  const octave = 31 - Math.clz32(whole)
  return 4 * octave + ((4 * whole) >>> octave) - 4
}

/** Where a range begins, in milliseconds. */
const startOf = (range: number): number => 2 ** Math.floor(range / 4) * (1 + (range % 4) / 4)

/**
 * The duration that this share of attempts did not exceed, in milliseconds, to a quarter of it. `durations`: how many were
 * in each of {@link RANGES}. Undefined if there were none.
 */
export function durationAt(share: number, durations: readonly number[]): number | undefined {
  const total = durations.reduce((sum, count) => sum + (count ?? 0), 0)
  let left = share * total
  for (const [range, count = 0] of durations.entries()) {
    if (count > 0 && left <= count) {
      const [start, end] = [range === 0 ? 0 : startOf(range), startOf(range + 1)]
      return Math.round(start + ((end - start) * left) / count)
    }
    left -= count
  }
  return undefined
}

/** The newest hours of both. */
export function mergedHours(
  a: readonly AttemptsOfHour[] = [],
  b: readonly AttemptsOfHour[] = [],
): readonly AttemptsOfHour[] {
  const hours = new Map<number, AttemptsOfHour>()
  for (const each of [...a, ...b]) {
    const { succeeded, failed, durationMs, durations } = hours.get(each.hour) ?? NO_ATTEMPTS
    hours.set(each.hour, {
      hour: each.hour,
      succeeded: each.succeeded + succeeded,
      failed: each.failed + failed,
      durationMs: each.durationMs + durationMs,
      durations: sumOfDurations([durations, each.durations]),
    })
  }
  return [...hours.values()].sort((x, y) => y.hour - x.hour).slice(0, KEPT_HOURS)
}

/** Of several hours, say, the number of attempts in each range. */
export function sumOfDurations(all: readonly (readonly number[] | undefined)[]): number[] {
  const length = Math.max(0, ...all.map((each) => each?.length ?? 0))
  return Array.from({ length }, (_, range) => all.reduce((sum, each) => sum + (each?.[range] ?? 0), 0))
}
