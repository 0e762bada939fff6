import type { Contender, Stage } from './contender.js'
import type { Figure } from './figure.js'
import { load, type Sample } from './load.js'
import type { Plan } from './plan.js'
import { median, percentile, range, sorted } from './statistics.js'

/** One side of a comparison. */
interface Side {
  /** Answers in a second: the median of the slices. */
  rate: number
  spread: [min: number, max: number]
  /** Of all requests, in milliseconds. */
  p50: number
  p99: number
  /** Processor time of the process for one request: what is left of the noise when others use the machine too. */
  cpuMicros: number
  /** The highest of the slices. */
  generatorLoad: number
}

const TOO_BUSY = 0.9

export type Sides = Readonly<Record<'server' | 'floor', Side>>

/** Measures both sides in turns, slice by slice, so that a change of the machine's mood meets both. */
export async function compare({ slices, sliceMs, warmUp }: Plan, { server, floor }: Stage): Promise<Sides> {
  await load(floor, { count: warmUp })
  await load(server, { count: warmUp })
  const ofFloor: Slice[] = []
  const ofServer: Slice[] = []
  for (let i = 0; i < slices; i += 1) {
    ofFloor.push(await measure(floor, sliceMs))
    ofServer.push(await measure(server, sliceMs))
  }
  return { server: sideOf(ofServer), floor: sideOf(ofFloor) }
}

type Slice = Sample & { cpuMs: number }

async function measure(contender: Contender, ms: number): Promise<Slice> {
  const before = await contender.process.ask<number>('cpu')
  const sample = await load(contender, { ms })
  return { ...sample, cpuMs: (await contender.process.ask<number>('cpu')) - before }
}

function sideOf(slices: readonly Slice[]): Side {
  const rates = slices.map(({ rate }) => rate)
  const latencies = sorted(slices.flatMap((slice) => slice.latencies))
  return {
    rate: median(rates),
    spread: range(rates),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    cpuMicros: median(slices.map(({ cpuMs, answers }) => (cpuMs * 1000) / answers)),
    generatorLoad: Math.max(...slices.map(({ generatorLoad }) => generatorLoad)),
  }
}

/** The line of a comparison. `share`: what the server must reach of the floor. */
export function comparison(name: string, { server, floor }: Sides, share?: number): Figure {
  return {
    name,
    value: server.rate,
    unit: '/s',
    spread: server.spread,
    floor: { value: floor.rate, spread: floor.spread },
    ...(share !== undefined && { target: { atLeastOfFloor: share } }),
    note: [`${words(server)}; floor ${words(floor)}`, ...warnings(server, floor)].join('; '),
    details: { server, floor },
  }
}

const words = ({ p50, p99, cpuMicros }: Side): string =>
  `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, cpu ${cpuMicros.toFixed(0)} µs`

/** What the generator needs is missing to the server when both share the processors. */
const warnings = (...sides: Side[]): string[] =>
  sides.some(({ generatorLoad }) => generatorLoad > TOO_BUSY) ? ['the generator was the limit'] : []
