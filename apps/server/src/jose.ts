import { lazyModule } from './lazy.js'

/** The library for tokens, loaded on first use, because most callers have no tokens and loading is slow. */
export const jose = lazyModule(() => import('jose'))
