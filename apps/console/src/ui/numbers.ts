const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 })
const fine = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 })

/** A count with its separators, and a plus where it ends before all are counted: `100,000+`. */
export const countOf = (n: number, isMore = false): string => `${whole.format(n)}${isMore ? '+' : ''}`

/** A count with its noun: `1 person`, `2 people`. */
export const counted = (n: number, one: string, many: string): string =>
  `${whole.format(n)} ${n === 1 ? one : many}`

/** A count that ends somewhere, with its noun: `at least 100 people`. */
export const countedAtLeast = (
  { count, isMore }: { count: number; isMore: boolean },
  one: string,
  many: string,
): string => `${isMore ? 'at least ' : ''}${counted(count, one, many)}`

/** A rate: small ones with a tenth. */
export const rateOf = (n: number): string => (n < 10 ? fine : whole).format(n)

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes in a unit that people read. */
export function bytesOf(bytes: number): string {
  let n = bytes
  let unit = 0
  while (n >= 1_000 && unit < UNITS.length - 1) {
    n /= 1_000
    unit += 1
  }
  return `${fine.format(n)} ${UNITS[unit]}`
}
