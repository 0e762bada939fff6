import { fileURLToPath } from 'node:url'
import { type Child, startNode, temporaryFolder } from './children.js'
import { PROBE } from './server.js'

const PROGRAM = fileURLToPath(new URL('./floor.program.js', import.meta.url))

/** Starts what the server is compared with. */
export async function startFloor(): Promise<Child> {
  const cwd = await temporaryFolder()
  return startNode({ args: [...PROBE, PROGRAM], cwd })
}
