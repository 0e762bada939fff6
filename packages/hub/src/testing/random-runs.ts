import fc from 'fast-check'

/** fast-check's own number, unless the caller has configured another. */
const RUNS = fc.readConfigureGlobal()?.numRuns ?? 100

/** How often a property is tried that calls a store in each run: a tenth of what others are. */
export const SLOW_RUNS = Math.ceil(RUNS / 10)

/** How often a race is run: each time, those who take part come in another order. */
export const RACES = Math.min(5, SLOW_RUNS)
