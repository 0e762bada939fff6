import type { Figure } from '../figure.js'
import { channelNames } from '../integrations.js'
import type { Plan } from '../plan.js'
import { type Imported, importInto } from '../processes/import-into.js'
import { answers, residentBytes, startServer } from '../processes/server.js'
import type { Scenario } from '../scenario.js'
import { median, range } from '../statistics.js'

const STARTS = 7
const IDLE_MS = 5000
const MEGABYTE = 1_000_000
const packages = ['webhook', ...channelNames].map((name) => `@plugboard/channel-${name}`)

/**
 * From the start of the process to its first answer, each time on a new folder, and what it then has in memory. What of it
 * is each channel's while no client uses it.
 */
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
    ...(await unusedChannels(plan)),
  ]
}

/**
 * What the start takes longer with all channels, and with each, than without. They take turns, so that none is measured
 * while the machine is busier than for the others. The fastest import counts: others only wait.
 */
async function unusedChannels(plan: Plan): Promise<Figure[]> {
  const groups = [
    { name: 'all channels', channels: packages, limits: undefined },
    ...packages.map((name) => ({
      name: name.replace('@plugboard/channel-', ''),
      channels: [name],
      limits: { ms: { below: 3 }, kilobytes: { below: 500 } },
    })),
  ]
  const imports = groups.map((): Imported[] => [])
  for (let i = 0; i < (plan.quick ? 3 : STARTS); i += 1)
    for (const [group, { channels }] of groups.entries()) {
      const others = packages.filter((each) => !channels.includes(each))
      imports[group]?.push(await importInto(others, channels))
    }
  return groups.flatMap(({ name, limits }, group): Figure[] => {
    const times = (imports[group] ?? []).map(({ ms }) => ms)
    const bytes = (imports[group] ?? []).map(({ heapBytes }) => heapBytes)
    return [
      {
        ...{ name: `start, ${name} unused`, value: Math.min(...times), unit: 'ms', spread: range(times) },
        ...(limits && { target: limits.ms }),
      },
      {
        ...{ name: `heap, ${name} unused`, value: median(bytes) / 1000, unit: 'kB' },
        ...(limits && { target: limits.kilobytes }),
      },
    ]
  })
}
