/** Requests of a provider that were not authentic. */
export interface Refusals {
  count: number
  /** Of the first and the last one. */
  since: Date
  at: Date
}

/** Of both, unless one came long before the other. */
export function sumOfRefusals(a: Refusals | undefined, b: Refusals): Refusals
export function sumOfRefusals(a: Refusals | undefined, b: Refusals | undefined): Refusals | undefined
export function sumOfRefusals(a: Refusals | undefined, b: Refusals | undefined): Refusals | undefined {
  if (!a || !b) return a ?? b
  const [first, second] = a.since < b.since ? [a, b] : [b, a]
  if (second.since.getTime() - first.at.getTime() > REFUSALS_MS) return second
  const at = new Date(Math.max(first.at.getTime(), second.at.getTime()))
  return { count: a.count + b.count, since: first.since, at }
}

/** So many requests with a wrong signature in a row are no accident, until nothing comes for so long. */
const MANY_REFUSALS = 5
const REFUSALS_MS = 3_600_000

/**
 * Requests with a wrong signature, if there are many, and none is authentic since: the provider and the integration have
 * different secrets, or a stranger makes requests.
 */
export function refusalsNow(
  { refusals, lastInboundAt }: { refusals?: Refusals; lastInboundAt?: Date },
  now: Date,
): Refusals | undefined {
  if (!refusals || refusals.count < MANY_REFUSALS) return undefined
  if (now.getTime() - refusals.at.getTime() > REFUSALS_MS) return undefined
  // Another process may have received an authentic one.
  return lastInboundAt && lastInboundAt >= refusals.at ? undefined : refusals
}
