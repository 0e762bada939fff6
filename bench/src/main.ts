import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Figure, isMet, shareOf, tableOf } from './figure.js'
import { type Plan, readPlan, USAGE } from './plan.js'
import { cleanUp } from './processes/children.js'
import { profileStage } from './profile.js'
import type { Scenario } from './scenario.js'
import { attempts } from './scenarios/attempts.js'
import { channels } from './scenarios/channels.js'
import { consolePages } from './scenarios/console.js'
import { latency } from './scenarios/latency.js'
import { list } from './scenarios/list.js'
import { mapKnown, mapNew } from './scenarios/map.js'
import { memory } from './scenarios/memory.js'
import { post } from './scenarios/post.js'
import { postLarge } from './scenarios/post-large.js'
import { pull } from './scenarios/pull.js'
import { roundTrips } from './scenarios/round-trips.js'
import { socket } from './scenarios/socket.js'
import { start } from './scenarios/start.js'
import { stream } from './scenarios/stream.js'
import { sunshineList, sunshinePost } from './scenarios/sunshine.js'
import { webhooks } from './scenarios/webhooks.js'

/** In this order, the ones that want a quiet machine first. */
const embedded: readonly Scenario[] = [
  start,
  latency,
  post,
  postLarge,
  list,
  mapNew,
  mapKnown,
  sunshinePost,
  sunshineList,
  webhooks,
  attempts,
  pull,
  memory,
  stream,
  channels,
  socket,
  consolePages,
]

/** On MongoDB the way to it is what costs. The others can be asked for, beside a floor that writes to a file. */
const isOnMongodb = process.env.DATABASE_URL?.startsWith('mongodb') === true
const scenarios = isOnMongodb ? [roundTrips, ...embedded] : embedded

/** A scenario that takes longer has hung. */
const LIMIT_MS = 600_000

const LATEST = fileURLToPath(new URL('../results/latest.json', import.meta.url))

async function main(): Promise<void> {
  const plan = readPlan(LATEST)
  if (plan === 'help') return console.log(USAGE)
  const chosen = choose(plan)
  const about = machine()
  console.error(Object.values(about).join(', '))
  if (plan.profile) return showProfiles(plan, chosen)
  const figures: Figure[] = []
  for (const scenario of chosen) figures.push(...(await runOne(plan, scenario)))
  if (figures.length === 0) return
  console.log(`\n${tableOf(figures)}`)
  await writeJson(plan, about, figures)
}

function choose({ only, profile }: Plan): readonly Scenario[] {
  const possible = scenarios.filter(({ stage }) => stage || !profile)
  const names = possible.map(({ name }) => name)
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Error(`no scenario "${unknown}" here; there are ${names.join(', ')}`)
  if (only.length > 0) return possible.filter(({ name }) => only.includes(name))
  return isOnMongodb && !profile ? [roundTrips] : possible
}

/** A scenario that fails takes no other with it, and the run ends with an error. */
async function runOne(plan: Plan, { name, run }: Scenario): Promise<Figure[]> {
  console.error(name)
  const controller = new AbortController()
  try {
    return await Promise.race([run(plan), overdue(controller.signal)])
  } catch (error) {
    console.error(`${name} failed:`, error)
    process.exitCode = 1
    return []
  } finally {
    controller.abort()
    await cleanUp()
  }
}

async function overdue(signal: AbortSignal): Promise<never> {
  await setTimeout(LIMIT_MS, undefined, { signal })
  throw new Error(`not done in ${LIMIT_MS / 60_000} minutes`)
}

async function showProfiles(plan: Plan, chosen: readonly Scenario[]): Promise<void> {
  for (const { name, stage } of chosen) {
    if (!stage) continue
    console.log(`\n${name}: ${await profileStage(plan, await stage(plan))}`)
    await cleanUp()
  }
}

function machine() {
  const [cpu] = cpus()
  return {
    cpu: `${availableParallelism()} × ${cpu?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}`,
    node: `node ${process.version}`,
    load: `load ${loadavg()[0]?.toFixed(1)} before the start`,
  }
}

async function writeJson(
  { jsonFile, quick, slices, sliceMs }: Plan,
  about: ReturnType<typeof machine>,
  figures: readonly Figure[],
): Promise<void> {
  const file = resolve(jsonFile)
  const told = figures.map((figure) => ({ ...figure, share: shareOf(figure), met: isMet(figure) }))
  const result = { at: new Date(), machine: about, quick, slices, sliceMs, figures: told }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`)
  console.error(`\nwritten to ${file}`)
}

// What was started ends with the process.
process.once('SIGINT', () => process.exit(130))
process.once('SIGTERM', () => process.exit(143))

main()
  .catch((error) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  })
  .finally(cleanUp)
