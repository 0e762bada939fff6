import { configureGlobal } from 'fast-check'

/** Of `pnpm test`, a fifth of fast-check's default. Properties that are slow make a tenth. */
configureGlobal({ numRuns: 20 })
