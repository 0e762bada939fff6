import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {} from '@plugboard/test-mongodb/global-setup'
import { afterEach, inject } from 'vitest'
import { closeReceivers } from './receiver.js'
import { launch, type ServerProcess } from './server-process.js'
import type {} from './shared-server.js'

export { ADMIN_KEY } from './server-process.js'

/** A real server process in a separate folder. */
export interface TestServer {
  readonly url: string
  readonly pid: number
  /** All that it printed. */
  output(): string
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL, as a crash. */
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Starts it again on the same data and port. */
  restart(env?: Record<string, string>): Promise<TestServer>
}

export interface TestServerOptions {
  env?: Record<string, string>
  /** Where its data lies; a new temporary folder by default. */
  folder?: string
  /** What the shell does before, such as `ulimit -n 128`. */
  before?: string
}

/** `pnpm test:soak`: tests in their long form. */
export const isSoak = process.env.SOAK === 'true'

/** The tests of `test/stores` run once on each store. */
export const isOnMongodb = process.env.TEST_STORE === 'mongodb'

/** The shortest lease, so that what a killed server held on MongoDB is free again soon. Webhook attempts fit into it. */
export const SHORT_LEASE = { LEASE_TIME: '5s', WEBHOOK_TIMEOUT: '1500ms' }

const folders: string[] = []
const running = new Set<ServerProcess>()
let isSharedUsed = false

/** The output of a server often explains why a test failed. */
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const { child, output } of running)
    console.error(`server ${child.pid} said:\n${output().slice(-OUTPUT)}`)
  if (isSharedUsed) {
    console.error(
      `the shared server said:\n${readFileSync(inject('sharedServer').log, 'utf8').slice(-OUTPUT)}`,
    )
  }
})

/** Characters of it that are shown. */
const OUTPUT = 4_000

/**
 * The server of all files that need no setting, restart or output of their own: started once, with `RATE_LIMIT=0`. Other
 * files use it at the same time, so a test looks only at clients that it made.
 */
export function sharedServer(): Pick<TestServer, 'url'> {
  isSharedUsed = true
  return { url: inject('sharedServer').url }
}

/** Starts the built server and waits until it listens. @throws with its output when it does not */
export async function startServer({ env = {}, folder, before }: TestServerOptions = {}): Promise<TestServer> {
  const cwd = folder ?? (await temporaryFolder())
  const mongodbUrl = isOnMongodb ? inject('mongodbUrl') : undefined
  if (isOnMongodb && mongodbUrl === undefined) throw new Error('there is no MongoDB server')
  const server = launch({ folder: cwd, mongodbUrl, env, before })
  const { child, output, exited, listens } = server
  running.add(server)
  exited.then(() => running.delete(server))
  const url = await listens
  return {
    url,
    pid: child.pid ?? 0,
    output,
    async stop() {
      child.kill('SIGTERM')
      return exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    signal: (signal) => child.kill(signal),
    restart: (more = {}) => startServer({ folder: cwd, env: { ...env, PORT: new URL(url).port, ...more } }),
  }
}

/** A folder that {@link cleanUp} removes. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-test-'))
  folders.push(folder)
  return folder
}

/** Ends every server and every receiver that is still there, and removes their folders; for `afterAll`. */
export async function cleanUp(): Promise<void> {
  for (const { child, exited } of running) {
    child.kill('SIGKILL')
    await exited
  }
  await closeReceivers()
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}
