import type { Part } from '@plugboard/core'

/** Visitors read the log, which has the payload already. */
export const render = (): Part[] => [{ call: 'show', args: {} }]
