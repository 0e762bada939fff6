import { configureGlobal } from 'fast-check'

/** Of `pnpm test:soak`; `pnpm test` makes 100, fast-check's default. Properties that are slow make a tenth. */
configureGlobal({ numRuns: 10_000 })
