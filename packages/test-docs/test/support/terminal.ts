import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Longest time for one block, and until a program prints what is waited for. */
export const PATIENCE_MS = process.env.SOAK === 'true' ? 180_000 : 20_000

/** What a server prints when it is ready. */
const LISTENS = 'Plugboard listens on'

export interface TerminalOptions {
  cwd: string
  env: Record<string, string>
  /** Script that defines what every terminal has. */
  profile: string
  /** Folder for the scripts that run. */
  scripts: string
}

/** A bash in which commands run one after another, as if pasted: variables and functions stay. */
export class Terminal {
  readonly #shell: ChildProcess
  readonly #scripts: string
  #output = ''
  #hasEnded = false
  #isTaken = false
  #notice: () => void = () => undefined

  constructor({ cwd, env, profile, scripts }: TerminalOptions) {
    this.#scripts = scripts
    // In a process group of its own, so that what it started ends with it.
    this.#shell = spawn('bash', ['--noprofile', '--norc'], { cwd, env, detached: true })
    for (const stream of [this.#shell.stdout, this.#shell.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
        this.#notice()
      })
    }
    // It may have ended before it read everything.
    this.#shell.stdin?.on('error', () => undefined)
    this.#shell.once('close', () => {
      this.#hasEnded = true
      this.#notice()
    })
    this.#shell.stdin?.write(`source '${profile}'\n`)
  }

  /**
   * Runs commands to their end, or until a server listens, and returns what they printed.
   * @throws Error with it if one of them fails
   */
  async run(commands: string): Promise<string> {
    const mark = `end-of-${randomUUID()}`
    await this.start(commands, `printf '\\n%s\\n' ${mark}`)
    await this.waitFor(mark, LISTENS)
    this.#isTaken = !this.#output.includes(mark)
    return this.#output.split(`\n${mark}`, 1).join()
  }

  /** Whether a server has it, as it does until it is stopped. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /** Starts commands that go on, such as a server. */
  async start(commands: string, next = ''): Promise<void> {
    this.#output = ''
    const script = join(this.#scripts, `${randomUUID()}.sh`)
    await writeFile(script, commands)
    this.#shell.stdin?.write(`source '${script}' </dev/null\n${next}\n`)
  }

  /** Waits until one of these texts was printed. @throws Error with the output if none is */
  waitFor(...texts: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`${reason}:\n${this.#output}`))
      const late = setTimeout(fail, PATIENCE_MS, `"${texts.join('" or "')}" was not printed in time`)
      this.#notice = () => {
        if (texts.some((text) => this.#output.includes(text))) resolve()
        else if (this.#hasEnded) fail('a command failed')
        else return
        clearTimeout(late)
      }
      this.#notice()
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** What was printed since the last start. */
  get output(): string {
    return this.#output
  }

  /** Ends the shell and all that it started, at once. */
  async close(): Promise<void> {
    const { pid } = this.#shell
    if (pid === undefined) return
    const closed = this.#hasEnded ? undefined : once(this.#shell, 'close')
    kill(pid)
    await closed
  }
}

function kill(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // It has ended.
  }
}
