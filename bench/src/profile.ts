import type { Contender, Stage } from './contender.js'
import { load } from './load.js'
import type { Plan } from './plan.js'

/** The used part of V8's CPU profile. */
interface CpuProfile {
  nodes: readonly ProfileNode[]
  samples: readonly number[]
  timeDeltas: readonly number[]
}

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: readonly number[]
}

/** Own time of one function, in microseconds for each request. */
interface Cost {
  place: string
  name: string
  micros: number
}

const ROWS = 40
const IDLE = '(idle)'

/** Loads both sides alternately and reports the self time of their main threads by function. */
export async function profileStage(plan: Plan, { server, floor }: Stage): Promise<string> {
  const { slices, sliceMs: ms, warmUp: count } = plan
  const sides = [floor, server]
  for (const side of sides) await load(side, { count })
  for (const { process } of sides) await process.ask('startProfile')
  const answers = new Map(sides.map((side) => [side, 0]))
  for (let i = 0; i < slices; i += 1) {
    for (const side of sides) answers.set(side, (answers.get(side) ?? 0) + (await load(side, { ms })).answers)
  }
  const floorCosts = await costsOf(floor, answers.get(floor))
  const serverCosts = await costsOf(server, answers.get(server))
  const ofFloor = new Map(totals(floorCosts, ({ place }) => place))
  const all = sum(serverCosts)
  const row = (micros: number, base: string, text: string): string =>
    `${((micros / all) * 100).toFixed(1).padStart(6)} % ${micros.toFixed(1).padStart(8)}${base.padStart(9)}  ${text}`
  return [
    'Own time of the main thread for one request in µs, waiting left out (others on the machine make it look longer).',
    'By package and file:',
    ' share   server    floor',
    row(all, sum(floorCosts).toFixed(1), 'all'),
    ...totals(serverCosts, ({ place }) => place).map(([place, micros]) =>
      row(micros, ofFloor.get(place)?.toFixed(1) ?? '', place),
    ),
    '',
    'By function:',
    ...totals(serverCosts, ({ place, name }) => `${name}  ${place}`)
      .slice(0, ROWS)
      .map(([text, micros]) => row(micros, '', text)),
  ].join('\n')
}

/** The own time of each function. Native code counts for the place that calls it. */
async function costsOf({ process }: Contender, answers = 0): Promise<Cost[]> {
  const { nodes, samples, timeDeltas } = await process.ask<CpuProfile>('stopProfile')
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])))
  const micros = new Map<number, number>()
  for (const [i, id] of samples.entries()) micros.set(id, (micros.get(id) ?? 0) + (timeDeltas[i + 1] ?? 0))
  const placed = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const url = byId.get(at)?.callFrame.url
      if (url) return placeOf(url)
    }
    return 'V8'
  }
  const costs = [...micros].map(([id, spent]): Cost => {
    const caller = byId.get(parents.get(id) ?? 0)
    return { place: placed(id), name: nameOf(byId.get(id), caller), micros: spent / answers }
  })
  return costs.filter(({ name }) => name !== IDLE)
}

/** Native code is named by its caller: some addons have one name for all of theirs. */
function nameOf(node?: ProfileNode, caller?: ProfileNode): string {
  const { functionName = '', url = '', lineNumber = 0 } = node?.callFrame ?? {}
  if (url) return `${functionName || '(anonymous)'}:${lineNumber + 1}`
  return caller?.callFrame.url ? `native code in ${nameOf(caller)}` : functionName
}

/** Packages of others by name, our own by file. */
function placeOf(url: string): string {
  const path = decodeURIComponent(url).replace(/^file:\/\//, '')
  if (path.startsWith('node:')) return path.replace(/^node:internal\//, 'node:').replace(/\/.*/, '')
  const [, dependency] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? []
  if (dependency) return dependency
  const [, ours, file] = /.*\/(?:packages|apps)\/([^/]+)\/dist\/(.*)\.js$/.exec(path) ?? []
  return ours ? `${ours} ${file}` : path
}

const sum = (costs: readonly Cost[]): number => costs.reduce((total, { micros }) => total + micros, 0)

function totals(costs: readonly Cost[], keyOf: (cost: Cost) => string): [string, number][] {
  const sums = new Map<string, number>()
  for (const cost of costs) sums.set(keyOf(cost), (sums.get(keyOf(cost)) ?? 0) + cost.micros)
  return [...sums].sort(([, a], [, b]) => b - a)
}
