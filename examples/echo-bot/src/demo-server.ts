import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const SERVER = fileURLToPath(new URL('../../../apps/server/dist/main.js', import.meta.url))

/** A server of a demonstration, on a temporary file. */
export interface DemoServer {
  url: string
  /** Ends it, and removes its file. */
  close(): Promise<void>
}

/** Starts the built server on a free port. @throws if it does not start */
export async function startDemoServer(): Promise<DemoServer> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-demo-'))
  const server = spawn(process.execPath, [SERVER], {
    cwd: folder,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', DATABASE_URL: 'file:./demo.db', LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const close = async (): Promise<void> => {
    if (server.exitCode === null && server.kill('SIGTERM')) await once(server, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    return { url: await listening(server), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The address that the server prints once it takes requests. */
async function listening(child: ChildProcess & { stdout: NodeJS.ReadableStream }): Promise<string> {
  for await (const line of createInterface(child.stdout)) {
    const url = /Plugboard listens on (http:\/\/[^\s"]+)/.exec(line)?.[1]
    if (url) {
      child.stdout.resume()
      return url.replace(/\/$/, '')
    }
  }
  throw new Error('the server did not start; build it first: npx -y pnpm@12 build')
}
