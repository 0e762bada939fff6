import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setPriority } from 'node:os'
import { promisify } from 'node:util'

export const execute = promisify(execFile)

/** What to run. */
export interface Program {
  command: string
  args: readonly string[]
  /** See `os.setPriority`: with more than 0, other processes come first. Default: 0. */
  niceness?: number
}

/** A server process of ours. */
export interface Running {
  hasEnded(): boolean
  /** The end of what it said. */
  output(): string
  stop(): Promise<void>
}

const KEPT_OUTPUT = 2000
/** How long a server may take to end before it is killed. */
const STOP_MS = 10_000

export function run({ command, args, niceness = 0 }: Program): Running {
  const child: ChildProcess = spawn(command, [...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Else each start of a Python program compiles it anew.
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '' },
  })
  if (child.pid !== undefined && niceness > 0) setPriority(child.pid, niceness)
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
  }
  child.stdout?.on('data', keep)
  child.stderr?.on('data', keep)
  child.on('error', (error) => keep(Buffer.from(String(error))))
  const hasEnded = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null
  // Should this process end without a word.
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    process.removeListener('exit', kill)
    if (hasEnded()) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    await ended
    clearTimeout(timer)
  }
  return { hasEnded, output: () => output, stop }
}

export const hasCommand = (command: string, args: readonly string[]): Promise<boolean> =>
  execute(command, [...args]).then(
    () => true,
    () => false,
  )

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port is free')
  return address.port
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
