import { compare, type Sides } from './compare.js'
import type { Stage } from './contender.js'
import type { Figure } from './figure.js'
import type { Plan } from './plan.js'

/** Something that is measured. What it starts is ended after it. */
export interface Scenario {
  name: string
  run(plan: Plan): Promise<Figure[]>
  /** Sets the stage without measuring, for a look at where the time goes. */
  stage?(plan: Plan): Promise<Stage>
}

/** A scenario that compares the server with the floor, request by request. */
export const versusFloor = (
  name: string,
  stage: (plan: Plan) => Promise<Stage>,
  figures: (sides: Sides) => Figure[],
): Scenario => ({ name, stage, run: async (plan) => figures(await compare(plan, await stage(plan))) })
