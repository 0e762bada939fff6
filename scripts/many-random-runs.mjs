import { configureGlobal } from 'fast-check'

/**
 * Of `pnpm test:soak`. Properties that are slow make a tenth, and those that are slower still, as many as they can in a
 * minute. The simulation of deliveries makes all of them.
 */
configureGlobal({ numRuns: 10_000, interruptAfterTimeLimit: 60_000 })
