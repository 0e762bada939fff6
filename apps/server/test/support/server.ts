import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type {} from '@plugboard/test-mongodb/global-setup'
import { afterEach, inject } from 'vitest'
import { closeReceivers } from './receiver.js'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

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

/** These tests run once on each store. */
const isOnMongodb = process.env.TEST_STORE === 'mongodb'

/** MongoDB wants a key where a server can be reached from elsewhere. */
const ENCRYPTION_KEY = randomBytes(32).toString('base64')

/** The shortest lease, so that what a killed server held on MongoDB is free again soon. Webhook attempts fit into it. */
export const SHORT_LEASE = { LEASE_TIME: '5s', WEBHOOK_TIMEOUT: '1500ms' }

/** Opens the admin routes of every server that is started without another. */
export const ADMIN_KEY = 'the-admin-key-of-the-tests'

/** The store that a run of these tests is on: an embedded file, or a separate database for each folder. */
function databaseUrl(folder: string): string {
  if (!isOnMongodb) return `file:${join(folder, 'plugboard.db')}`
  const url = inject('mongodbUrl')
  if (url === undefined) throw new Error('there is no MongoDB server')
  return url.replace(/\/(\?|$)/, `/${basename(folder)}$1`)
}

const folders: string[] = []
const running = new Map<ChildProcess, { output: string }>()

/** The output of a server often explains why a test failed. */
afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return
  for (const [{ pid }, { output }] of running) console.error(`server ${pid} said:\n${output.slice(-OUTPUT)}`)
})

/** Characters of it that are shown. */
const OUTPUT = 4_000

/** Starts the built server and waits until it listens. @throws with its output when it does not */
export async function startServer({ env = {}, folder, before }: TestServerOptions = {}): Promise<TestServer> {
  const cwd = folder ?? (await temporaryFolder())
  const [command, args] = before
    ? (['sh', ['-c', `${before} && exec "$0" "$@"`, process.execPath, MAIN]] as const)
    : ([process.execPath, [MAIN]] as const)
  const child = spawn(command, args, {
    cwd,
    env: {
      PATH: process.env.PATH,
      PORT: '0',
      DATABASE_URL: databaseUrl(cwd),
      ...(isOnMongodb && { ENCRYPTION_KEY }),
      ADMIN_KEY,
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { output: '' }
  running.set(child, said)
  const exited = once(child, 'exit').then(([code]) => {
    running.delete(child)
    return code as number | null
  })
  child.stderr.on('data', (chunk) => {
    said.output += chunk
  })
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      said.output += `${line}\n`
      const match = /Plugboard listens on (http:\/\/\S+)/.exec(line)
      if (match?.[1]) resolve(match[1].replace(/\/$/, ''))
    })
    exited.then((code) => reject(new Error(`the server ended with ${code}:\n${said.output}`)))
  })
  return {
    url,
    pid: child.pid ?? 0,
    output: () => said.output,
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
  for (const child of running.keys()) {
    child.kill('SIGKILL')
    await once(child, 'exit').catch(() => undefined)
  }
  await closeReceivers()
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}
