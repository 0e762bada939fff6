import type { Figure } from '../figure.js'
import type { Plan } from '../plan.js'
import { answers, residentBytes, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, range } from '../statistics.js'

const STARTS = 7
const IDLE_MS = 5000
const MEGABYTE = 1_000_000

/** From the start of the process to its first answer, each time on a new folder, and what it then has in memory. */
export const start: Scenario = { name: 'start', run }

async function run(plan: Plan): Promise<Figure[]> {
  const seconds: number[] = []
  for (let i = 0; i < (plan.quick ? 3 : STARTS); i += 1) {
    const begin = performance.now()
    const server = await startServer({ hasProbe: false })
    await answers(`${server.url}/healthz`)
    seconds.push((performance.now() - begin) / 1000)
    await server.stop()
  }
  const server = await startServer({ hasProbe: false })
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const resident = await residentBytes(server.pid)
  return [
    { name: 'cold start', value: median(seconds), unit: 's', spread: range(seconds), target: { below: 0.7 } },
    {
      name: 'memory, idle',
      value: resident / MEGABYTE,
      unit: 'MB',
      target: { below: 110 },
      note: 'resident',
    },
  ]
}
