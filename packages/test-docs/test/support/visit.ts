import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { channelFaults } from './channels.js'
import { type Block, blocksOf, portsOf } from './page.js'
import { PATIENCE_MS, Terminal } from './terminal.js'

/** The folder of this repository. */
export const repository = fileURLToPath(new URL('../../../../', import.meta.url))

const profile = fileURLToPath(new URL('profile.sh', import.meta.url))

/** Between two looks at a port. */
const POLL_MS = 20

/** The port that the pages give the server. */
const SERVER_PORT = 3100

/**
 * Follows a page from an empty folder: runs its blocks in order, in one terminal and in those that a block asks for.
 * The ports of the page are replaced by free ones.
 * @throws Error that names the line of the block that fails
 */
export async function follow(page: string): Promise<void> {
  await using visit = await Visit.of(page)
  for (const block of blocksOf(page)) {
    if (block.reason !== undefined) continue
    try {
      await visit.run(block)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(
        `line ${block.line}: ${reason}\nIf it cannot be run, say so before it: <!-- not run: the reason -->`,
      )
    }
  }
}

/** An empty folder, free ports for those of a page, and terminals; all that is started there ends with it. */
export class Visit implements AsyncDisposable {
  readonly #root: string
  readonly #folder: string
  readonly #ports: ReadonlyMap<number, number>
  readonly #terminals: Terminal[] = []
  #main: Terminal | undefined
  #hasServer = false

  static async of(page: string, wanted = portsOf(page)): Promise<Visit> {
    const root = await mkdtemp(join(tmpdir(), 'plugboard-page-'))
    const ports = await freePorts(wanted)
    const visit = new Visit(root, ports)
    await mkdir(visit.#folder)
    // Makes curl fail for the status of an error, and end.
    await writeFile(join(root, '.curlrc'), 'fail-with-body\nshow-error\nmax-time = 15\n')
    // A page that runs an example is read in the repository.
    await symlink(join(repository, 'examples'), join(visit.#folder, 'examples'))
    return visit
  }

  constructor(root: string, ports: ReadonlyMap<number, number>) {
    this.#root = root
    this.#folder = join(root, 'folder')
    this.#ports = ports
  }

  /** @throws Error if the block, or what the page asks for around it, fails */
  async run(block: Block): Promise<void> {
    const { server, restart, before, then, prints } = block.run
    if (restart) await this.#closeAll()
    if (server) await this.startServer()
    const printed = [
      before && (await this.#terminal.run(this.#withPorts(before))),
      await this.#runText(block),
      then && (await this.#terminal.run(this.#withPorts(then))),
    ].join('\n')
    if (prints && !printed.includes(prints))
      throw new Error(`"${prints}" is not in what it prints:\n${printed}`)
  }

  /** What the block itself prints. */
  async #runText({ language, text, line, run: { env = '', listens, file } }: Block): Promise<string> {
    const block = this.#withPorts(text)
    if (language === 'json') await checkJson(block)
    if (file) await writeFile(join(this.#folder, file), block)
    if (file || language === 'json') return ''
    const commands = `${env && `export ${this.#withPorts(env)}\n`}${await this.#commandsOf(language, block, line)}`
    if (!listens) return this.#terminal.run(commands)
    // A snippet is run elsewhere; a command keeps the terminal in which it is typed.
    const terminal = language === 'sh' ? this.#terminal : this.#open()
    if (terminal === this.#main) this.#main = undefined
    await terminal.start(commands)
    await untilListens(Number(this.#withPorts(listens)), terminal)
    return ''
  }

  async #commandsOf(language: string, block: string, line: number): Promise<string> {
    if (language === 'sh') return block
    if (language !== 'js') throw new Error(`blocks of the language "${language}" cannot be run`)
    const name = `line-${line}.mjs`
    await writeFile(join(this.#folder, name), block)
    return `node ${name}`
  }

  /** The one of before, or another if a server has that. */
  get #terminal(): Terminal {
    if (!this.#main || this.#main.isTaken) this.#main = this.#open()
    return this.#main
  }

  #open(variables: Record<string, string> = {}): Terminal {
    const env = {
      ...variables,
      PATH: process.env.PATH ?? '',
      HOME: this.#root,
      TMPDIR: this.#root,
      LANG: 'C.UTF-8',
      REPOSITORY: repository,
      SOAK: process.env.SOAK ?? '',
      SERVER_PORT: String(this.#ports.get(SERVER_PORT)),
    }
    const terminal = new Terminal({ cwd: this.#folder, env, profile, scripts: this.#root })
    this.#terminals.push(terminal)
    return terminal
  }

  /** Starts a server with its data in the folder, unless it runs. */
  async startServer(): Promise<void> {
    if (this.#hasServer) return
    this.#hasServer = true
    await this.#open().run('plugboard')
  }

  /** Writes a block to a file, and runs it with Node in a terminal of its own that has these variables. */
  async launch(name: string, block: string, env: Record<string, string> = {}): Promise<Terminal> {
    await writeFile(join(this.#folder, name), this.#withPorts(block))
    const terminal = this.#open(env)
    await terminal.start(`node ${name}`)
    return terminal
  }

  /** The address on this machine that replaces a port of the page. */
  urlOf(port: number): string {
    return `http://127.0.0.1:${this.#ports.get(port)}`
  }

  #withPorts(text: string): string {
    return text.replace(/\b\d{4,5}\b/g, (port) => String(this.#ports.get(Number(port)) ?? port))
  }

  async #closeAll(): Promise<void> {
    await Promise.all(this.#terminals.splice(0).map((terminal) => terminal.close()))
    this.#main = undefined
    this.#hasServer = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeAll()
    await rm(this.#root, { recursive: true, force: true })
  }
}

async function checkJson(text: string): Promise<void> {
  const faults = await channelFaults(text)
  if (faults.length > 0) throw new Error(faults.join('\n'))
}

async function untilListens(port: number, terminal: Terminal): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  const isOpen = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
    })
  while (!(await isOpen())) {
    if (terminal.hasEnded || Date.now() > deadline)
      throw new Error(`nothing listens on ${port}:\n${terminal.output}`)
    await sleep(POLL_MS)
  }
}

/** Free ports that replace others. */
export async function freePorts(wanted: readonly number[]): Promise<Map<number, number>> {
  // All are taken before one is given back, so that they differ.
  const servers = wanted.map(() => createServer().listen(0, '127.0.0.1'))
  try {
    const ports = await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve) =>
            server.once('listening', () => resolve((server.address() as AddressInfo).port)),
          ),
      ),
    )
    return new Map(wanted.map((port, i) => [port, ports[i] ?? port]))
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}
