import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {} from '@plugboard/test-mongodb/global-setup'
import { afterEach, inject } from 'vitest'
import { readConfig } from '../../dist/config/read-config.js'
import { createLog } from '../../dist/logging.js'
import { start } from '../../dist/start.js'
import { closeReceivers } from './receiver.js'
import { type Launch, launch, settingsOf } from './server-process.js'
import type {} from './shared-server.js'

export { ADMIN_KEY } from './server-process.js'

/** A running server in a separate folder. */
export interface TestServer {
  readonly url: string
  /** All that it logged. */
  output(): string
  /** Stops it gracefully; resolves with the exit code. */
  stop(): Promise<number | null>
  /** Starts it again on the same data and port. */
  restart(env?: Record<string, string>): Promise<TestServer>
}

/** A server that is a process of its own. */
export interface TestServerProcess extends TestServer {
  readonly pid: number
  /** SIGKILL, as a crash. */
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** As {@link TestServer.restart}, as a process again. */
  relaunch(env?: Record<string, string>): Promise<TestServerProcess>
}

export interface TestServerOptions {
  env?: Record<string, string>
  /** Where its data lies; a new temporary folder by default. */
  folder?: string
}

interface InProcessOptions extends TestServerOptions {
  /** Gets all that it logs, also if it does not start. */
  log?: string[]
}

interface ProcessOptions extends TestServerOptions {
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
/** With how to end them at once. */
const running = new Map<Pick<TestServer, 'output'>, () => Promise<unknown>>()
let isSharedUsed = false

/** The output of a server often explains why a test failed. */
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const server of running.keys()) console.error(`a server said:\n${server.output().slice(-OUTPUT)}`)
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

async function launchOf({ env = {}, folder }: TestServerOptions): Promise<Launch> {
  const mongodbUrl = isOnMongodb ? inject('mongodbUrl') : undefined
  if (isOnMongodb && mongodbUrl === undefined) throw new Error('there is no MongoDB server')
  return { folder: folder ?? (await temporaryFolder()), mongodbUrl, env }
}

const atThePortOf = (url: string) => ({ PORT: new URL(url).port })

/**
 * Starts the built server in this process, which takes a fifth of the time that a process of its own takes. It is to be
 * a process ({@link startProcess}) where it crashes, where others are to find its database in use, or where its memory or
 * its limits matter.
 * @throws the error that would end the process
 */
export async function startServer({
  log: lines = [],
  ...options
}: InProcessOptions = {}): Promise<TestServer> {
  const launched = await launchOf(options)
  const { folder, env } = launched
  const config = readConfig({ env: settingsOf(launched), workingFolder: folder })
  const log = createLog(config.logLevel, { write: (line) => void lines.push(line) })
  const { url, close } = await start(config, { log })
  const server: TestServer = {
    url: url.replace(/\/$/, ''),
    output: () => lines.join(''),
    async stop() {
      await close()
      running.delete(server)
      return 0
    },
    restart: (more = {}) => startServer({ folder, env: { ...env, ...atThePortOf(url), ...more } }),
  }
  running.set(server, server.stop)
  return server
}

/** Starts the built server as a process and waits until it listens. @throws with its output when it does not */
export async function startProcess({ before, ...options }: ProcessOptions = {}): Promise<TestServerProcess> {
  const launched = await launchOf(options)
  const { folder, env } = launched
  const { child, output, exited, listens } = launch({ ...launched, before })
  const server = {
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
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
  }
  running.set(server, server.kill)
  exited.then(() => running.delete(server))
  const url = await listens
  return {
    ...server,
    url,
    restart: (more = {}) => startServer({ folder, env: { ...env, ...atThePortOf(url), ...more } }),
    relaunch: (more = {}) => startProcess({ folder, env: { ...env, ...atThePortOf(url), ...more } }),
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
  // Receivers first, so that no server waits for their answers.
  await closeReceivers()
  await Promise.all([...running.values()].map((end) => end()))
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}
