import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { environment } from './command.js'

/** Longest time for a start on a slow machine, and for a stop. */
const PATIENCE_MS = 60_000

/** A server that was installed from a package, in a process of its own. */
export interface InstalledServer {
  url: string
  /** Asks it to stop. @throws when it does not end well */
  stop(): Promise<void>
}

/** Starts the `plugboard` of a project. @throws with what it printed when it does not start */
export async function startInstalled(project: string, env: Record<string, string>): Promise<InstalledServer> {
  const child = spawn(join(project, 'node_modules/.bin/plugboard'), [], {
    cwd: project,
    env: { ...environment, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit')
  const printed: string[] = []
  child.stderr.on('data', (chunk: Buffer) => printed.push(chunk.toString()))
  const url = new Promise<string>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      printed.push(line)
      const address = /Plugboard listens on (http:\/\/[^\s"]+)/.exec(line)?.[1]
      if (address) resolve(address.replace(/\/$/, ''))
    })
  })
  const end = async (): Promise<void> => {
    child.kill('SIGTERM')
    const forced = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    await exited
    clearTimeout(forced)
  }
  const stop = async (): Promise<void> => {
    await end()
    if (child.exitCode !== 0)
      throw new Error(`the server ended with ${child.exitCode}:\n${printed.join('\n')}`)
  }
  const given = new AbortController()
  const late = sleep(PATIENCE_MS, undefined, { signal: given.signal }).catch(() => undefined)
  const address = await Promise.race([url, exited.then(() => undefined), late])
  given.abort()
  if (address !== undefined) return { url: address, stop }
  if (child.exitCode === null) await end()
  throw new Error(`the server did not start:\n${printed.join('\n')}`)
}
