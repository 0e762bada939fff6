const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
type Unit = keyof typeof UNITS

/** Node's timers hold no longer time: 2^31 - 1 ms, almost 25 days. */
const LONGEST_MS = 24 * UNITS.d

/** Milliseconds of a text such as `250ms`, `1.5s`, `5m`, `2h` or `1d`; undefined when it is none. */
export function parseDuration(text: string, longestMs = LONGEST_MS): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) ?? []
  if (amount === undefined || unit === undefined) return undefined
  const ms = Math.round(Number(amount) * UNITS[unit as Unit])
  return ms <= longestMs ? ms : undefined
}

/** A duration in the largest unit that divides it. */
export function formatDuration(ms: number): string {
  const units = Object.entries(UNITS).reverse()
  const [unit, size] = units.find(([, size]) => ms > 0 && ms % size === 0) ?? ['ms', 1]
  return `${ms / size}${unit}`
}
