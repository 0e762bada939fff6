import { readFile } from 'node:fs/promises'
import { get } from 'node:http'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, startNode, temporaryFolder } from './children.js'
import type { Memory } from './probe.js'

const MAIN = fileURLToPath(new URL('../../../apps/server/dist/main.js', import.meta.url))

/** Loaded into a process beside its own code: what measures from inside. */
export const PROBE = ['--import', new URL('./probe.js', import.meta.url).href]

export interface ServerOptions {
  env?: Readonly<Record<string, string>>
  /** Where its data lies; a new folder by default. */
  folder?: string
  /** Off where the start or the memory of the bare server is measured. */
  hasProbe?: boolean
}

export interface Server extends Child {
  /** After a full garbage collection. Needs the probe. */
  memory(): Promise<Memory>
}

export const databaseIn = (folder: string): string => join(folder, 'plugboard.db')

/** A new database at the MongoDB server that DATABASE_URL names, or else a file. The databases of a run are left there. */
function databaseUrl(folder: string): string {
  const { DATABASE_URL: given } = process.env
  if (!given?.startsWith('mongodb')) return `file:${databaseIn(folder)}`
  const [, hosts, query = ''] = /^([^:]+:\/\/[^/?]+)[^?]*(\?.*)?$/.exec(given) ?? []
  return `${hosts}/${basename(folder)}${query}`
}

/** Starts the built server as a separate process. */
export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const { env = {}, folder = await temporaryFolder(), hasProbe = true } = options
  const child = await startNode({
    args: [...(hasProbe ? PROBE : []), MAIN],
    cwd: folder,
    env: { PORT: '0', DATABASE_URL: databaseUrl(folder), LOG_LEVEL: 'error', ...env },
    hasQuestions: hasProbe,
  })
  return { ...child, memory: () => child.ask('memory') }
}

/** What the system says that a process has in memory, in bytes. Linux. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(status) ?? []
  return Number(kibibytes) * 1024
}

/** One request on a separate connection. @throws Error unless the status is 200 */
export function answers(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`${url} answered ${response.statusCode}`))
    })
    request.on('error', reject)
  })
}
