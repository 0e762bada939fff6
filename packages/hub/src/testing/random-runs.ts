import fc from 'fast-check'

/** fast-check's own number, unless the caller has configured another. */
const RUNS = fc.readConfigureGlobal()?.numRuns ?? 100

/** How often a property is tried that calls a store in each run: a tenth of what others are. */
export const SLOW_RUNS = Math.ceil(RUNS / 10)
