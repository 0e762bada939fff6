import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Answer, Question } from './questions.js'

/** A process that was started here and listens. */
export interface Child {
  readonly url: string
  readonly pid: number
  /** Asks what `answerQuestions` has an answer to in that process. */
  ask<T>(name: string, argument?: unknown): Promise<T>
  /** SIGTERM, and after a while SIGKILL. */
  stop(): Promise<void>
}

export interface ChildOptions {
  args: readonly string[]
  /** Its first line with an http URL is where it listens. */
  env?: Readonly<Record<string, string>>
  cwd: string
  /** It answers questions. Default: true. */
  hasQuestions?: boolean
}

const STOP_MS = 15_000

const running = new Set<ChildProcess>()
const folders: string[] = []

/** A folder that {@link cleanUp} removes. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-bench-'))
  folders.push(folder)
  return folder
}

/** Starts node and waits until it prints where it listens. @throws Error with its output when it does not */
export async function startNode({ args, cwd, env = {}, hasQuestions = true }: ChildOptions): Promise<Child> {
  const child = spawn(process.execPath, args, {
    cwd,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(hasQuestions ? (['ipc'] as const) : [])],
  })
  running.add(child)
  const exited = once(child, 'exit').then(() => running.delete(child))
  const url = await listening(child, exited)
  return {
    url,
    pid: child.pid ?? 0,
    ask: asker(child),
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      child.kill('SIGTERM')
      await exited
      clearTimeout(timer)
    },
  }
}

function listening({ stdout, stderr }: ChildProcess, exited: Promise<unknown>): Promise<string> {
  let output = ''
  stderr?.on('data', (chunk) => {
    if (output.length < 10_000) output += chunk
  })
  return new Promise((resolve, reject) => {
    if (!stdout) return reject(new Error('no output'))
    const lines = createInterface(stdout)
    lines.on('line', (line) => {
      const [url] = /http:\/\/[\w.:-]+/.exec(line) ?? []
      if (url) resolve(url)
      else if (output.length < 10_000) output += `${line}\n`
    })
    exited.then(() => reject(new Error(`a process ended before it listened:\n${output}`)))
  })
}

function asker(child: ChildProcess): Child['ask'] {
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  let last = 0
  child.on('message', ({ id, value }: Answer) => {
    waiting.get(id)?.resolve(value as never)
    waiting.delete(id)
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the process ended'))
  })
  return (name, argument) =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      child.send({ id: last, name, argument } satisfies Question)
    })
}

// The program may end in the middle of something.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** Ends every process that was started here and is still there, and removes all folders. */
export async function cleanUp(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    }),
  )
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
}
