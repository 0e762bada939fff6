import { lazyModule } from './lazy.js'

/** The library for tokens. Most callers have none, and it takes its time to load. */
export const jose = lazyModule(() => import('jose'))
