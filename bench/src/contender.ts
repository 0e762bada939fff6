import type { RawRequest } from './connection.js'
import type { Load } from './load.js'
import type { Child } from './processes/children.js'

/** A server and a floor that are ready to be compared. */
export type Stage = Record<'server' | 'floor', Contender>

/** A process, and what is asked of it. */
export interface Contender extends Load {
  process: Pick<Child, 'ask'>
}

export const contender = (process: Child, next: () => RawRequest): Contender => ({
  process,
  url: process.url,
  next,
})
