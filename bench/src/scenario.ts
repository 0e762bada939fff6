import { compare, type Sides } from './compare.js'
import type { RawRequest } from './connection.js'
import type { Figure } from './figure.js'
import type { Load } from './load.js'
import type { Plan } from './plan.js'
import type { Child } from './processes/children.js'

/** Something that is measured. What it starts is ended after it. */
export interface Scenario {
  name: string
  run(plan: Plan): Promise<Figure[]>
  /** Sets the stage without measuring, for a look at where the time goes. */
  stage?(plan: Plan): Promise<Stage>
}

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

/** A scenario that compares the server with the floor, request by request. */
export const versusFloor = (
  name: string,
  stage: (plan: Plan) => Promise<Stage>,
  figures: (sides: Sides) => Figure[],
): Scenario => ({ name, stage, run: async (plan) => figures(await compare(plan, await stage(plan))) })
