import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestClient } from '../../support/api.js'
import type { TestServerProcess } from '../../support/server.js'

const PROGRAM = fileURLToPath(new URL('./neighbour.mjs', import.meta.url))
/** The server that stands in for MongoDB takes no more beside what an attack posts. */
export const REQUESTS_PER_SECOND = process.env.TEST_STORE === 'mongodb' ? 5 : 50
const MEMORY_SAMPLE_MS = 250

/** What a tenant saw of the server in a window of time. Times in milliseconds. */
export interface Report {
  /** Requests that were answered. */
  count: number
  p50: number
  p99: number
  max: number
  /** Of requests that need no store: how long the server's thread is held. */
  threadP99: number
  /** Requests that failed, or were answered with another status than they should. */
  failures: string[]
  /** The most memory of the server's process in this window, in MB. */
  rssMb: number
}

/** A tenant that posts and lists continuously, from a separate process. */
export class Neighbour {
  readonly #child: ChildProcess
  readonly #server: TestServerProcess
  #peakMb = 0
  readonly #sampling: NodeJS.Timeout

  constructor(server: TestServerProcess, client: TestClient, conversationId: string) {
    const { url } = server
    const task = { url, headers: client.headers, conversationId, perSecond: REQUESTS_PER_SECOND }
    this.#server = server
    this.#child = fork(PROGRAM, [JSON.stringify(task)])
    this.#sampling = setInterval(() => void this.#sample(), MEMORY_SAMPLE_MS)
  }

  /** Ends the window and begins the next. */
  async report(): Promise<Report> {
    const answered = once(this.#child, 'message')
    this.#child.send('report')
    const [report] = (await answered) as [Omit<Report, 'rssMb'>]
    const rssMb = this.#peakMb
    this.#peakMb = 0
    return { ...report, rssMb }
  }

  async stop(): Promise<void> {
    clearInterval(this.#sampling)
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }

  async #sample(): Promise<void> {
    const rssMb = await rssMbOf(this.#server.pid).catch(() => 0)
    this.#peakMb = Math.max(this.#peakMb, rssMb)
  }
}

const execute = promisify(execFile)

/** Resident memory of a process, as Linux and macOS report it. */
async function rssMbOf(pid: number): Promise<number> {
  const { stdout } = await execute('ps', ['-o', 'rss=', '-p', String(pid)])
  return Number(stdout) / 1024
}
