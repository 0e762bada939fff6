import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** MongoDB wants a key where a server can be reached from elsewhere. */
const ENCRYPTION_KEY = randomBytes(32).toString('base64')

/** Opens the admin routes of every server that is started without another. */
export const ADMIN_KEY = 'the-admin-key-of-the-tests'

export interface Launch {
  /** Where its data lies. */
  folder: string
  /** The MongoDB server of its database, which is named as the folder. Default: the embedded store. */
  mongodbUrl?: string | undefined
  env: Record<string, string>
}

/** The settings of a server, as environment variables. */
export const settingsOf = ({ folder, mongodbUrl, env }: Launch): Record<string, string> => ({
  PORT: '0',
  ...(mongodbUrl
    ? { DATABASE_URL: mongodbUrl.replace(/\/(\?|$)/, `/${basename(folder)}$1`), ENCRYPTION_KEY }
    : { DATABASE_URL: `file:${join(folder, 'plugboard.db')}` }),
  ADMIN_KEY,
  LOG_LEVEL: 'warn',
  ...env,
})

interface LaunchOptions extends Launch {
  /** What the shell does before, such as `ulimit -n 128`. */
  before?: string | undefined
}

/** A server process that may not listen yet. */
export interface ServerProcess {
  readonly child: ChildProcess
  /** All that it printed. */
  output(): string
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number | null>
  /** Its address, once it listens. Rejects with its output if it ends before. */
  readonly listens: Promise<string>
}

/** Starts the built server. */
export function launch({ before, ...options }: LaunchOptions): ServerProcess {
  const [command, args] = before
    ? (['sh', ['-c', `${before} && exec "$0" "$@"`, process.execPath, MAIN]] as const)
    : ([process.execPath, [MAIN]] as const)
  const child = spawn(command, args, {
    cwd: options.folder,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...settingsOf(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const listens = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      output += `${line}\n`
      const match = /Plugboard listens on (http:\/\/[^\s"]+)/.exec(line)
      if (match?.[1]) resolve(match[1].replace(/\/$/, ''))
    })
    exited.then((code) => reject(new Error(`the server ended with ${code}:\n${output}`)))
  })
  return { child, output: () => output, exited, listens }
}
