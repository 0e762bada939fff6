import { configureGlobal } from 'fast-check'

/** Of `pnpm test`, a quarter of fast-check's default. Properties that are slow make a tenth. */
configureGlobal({ numRuns: 25 })
