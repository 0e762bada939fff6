import { messageRequest } from '../client.js'
import { comparison } from '../compare.js'
import { contender, type Stage } from '../contender.js'
import type { Plan } from '../plan.js'
import { startFloor } from '../processes/floor.js'
import { startServer } from '../processes/server.js'
import { versusFloor } from '../scenario.js'
import { seededWorld } from '../seed.js'

const FULL = { clients: 1000, conversations: 10_000, messages: 1_000_000 }
const QUICK = { clients: 1000, conversations: 10_000, messages: 100_000 }

/** Messages to conversations at random, in a store with many. The floor's table is as empty as for `post`. */
export const postLarge = versusFloor('post-large', stage, (sides) => [
  comparison('post, large store', sides, 0.45),
])

async function stage(plan: Plan): Promise<Stage> {
  const size = plan.quick ? QUICK : FULL
  const { folder, env, conversations } = await seededWorld(plan, size)
  const [server, floor] = await Promise.all([startServer({ folder, env }), startFloor()])
  const requests = conversations.map((conversation) => messageRequest(conversation, conversation))
  const next = () => requests[Math.floor(Math.random() * requests.length)] as Buffer
  return { server: contender(server, next), floor: contender(floor, next) }
}
