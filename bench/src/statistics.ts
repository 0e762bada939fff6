/** The middle of some values. */
export const median = (values: readonly number[]): number => percentile(sorted(values), 0.5)

export const sorted = (values: Iterable<number>): Float64Array => Float64Array.from(values).sort()

/** The value that a share of all are below, between its two neighbours where it falls between them. */
export function percentile(ascending: Float64Array, share: number): number {
  const place = (ascending.length - 1) * share
  const low = ascending[Math.floor(place)] ?? Number.NaN
  const high = ascending[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

export const range = (values: readonly number[]): [min: number, max: number] => [
  Math.min(...values),
  Math.max(...values),
]

/** Milliseconds since 1970 with fractions, on a clock that processes of one machine share. */
export const now = (): number => performance.timeOrigin + performance.now()
