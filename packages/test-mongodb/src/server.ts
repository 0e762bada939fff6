import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mongoose'
import { installSecantus } from './install.js'
import { freePort, hasCommand, isListening, type Program, run } from './process.js'

/** A server that tests may fill and drop. */
export interface MongodbServer {
  /** Which one it is, in words. */
  kind: string
  /** Without the name of a database; see {@link MongodbServer.database}. */
  url: string
  /** The connection string of one database. */
  database(name: string): string
  /** Ends what was started for it, and removes its files. */
  stop(): Promise<void>
}

export interface StartOptions {
  /** Without a replica set, and so without change streams. `MONGODB_URL` is not asked then. Default: false. */
  isStandalone?: boolean
}

const START_MS = 30_000

/** A server for this run, or why there is none. */
export async function startMongodb({ isStandalone = false }: StartOptions = {}): Promise<MongodbServer> {
  const given = process.env.MONGODB_URL
  if (given && !isStandalone) return named('MONGODB_URL', given, async () => undefined)
  const reasons: string[] = []
  for (const start of [startMongod, startSecantus, startMemoryServer]) {
    try {
      const server = await start(isStandalone)
      if (server) return server
    } catch (error) {
      reasons.push(`${start.name.slice('start'.length)}: ${String(error)}`)
    }
  }
  const ways = 'Set MONGODB_URL, or put mongod or python3 on the PATH, or install mongodb-memory-server'
  throw new Error(`there is no MongoDB server for the tests. ${ways}. ${reasons.join('; ')}`)
}

async function startMongod(isStandalone: boolean): Promise<MongodbServer | undefined> {
  if (!(await hasCommand('mongod', ['--version']))) return undefined
  const set = isStandalone ? [] : ['--replSet', 'tests']
  const options = ['--bind_ip', '127.0.0.1', ...set]
  const server = await serve('mongod', (port, folder) => ({
    command: 'mongod',
    args: ['--port', `${port}`, '--dbpath', folder, ...options],
  }))
  if (!isStandalone) await initiate(server.url)
  return server
}

async function startSecantus(isStandalone: boolean): Promise<MongodbServer> {
  const program = await installSecantus()
  return serve('SecantusDB', (port, folder) => ({
    command: program.command,
    args: [
      ...program.args,
      '--port',
      `${port}`,
      '--storage-path',
      folder,
      ...(isStandalone ? ['--standalone'] : []),
    ],
  }))
}

/** Only where a contributor has installed it: it downloads a server. */
async function startMemoryServer(isStandalone: boolean): Promise<MongodbServer> {
  const name = 'mongodb-memory-server'
  const { MongoMemoryServer, MongoMemoryReplSet } = await import(name)
  const server = await (isStandalone
    ? MongoMemoryServer.create()
    : MongoMemoryReplSet.create({ replSet: { count: 1, storageEngine: 'wiredTiger' } }))
  return named(name, server.getUri(), async () => {
    await server.stop()
  })
}

async function serve(
  kind: string,
  program: (port: number, folder: string) => Program,
): Promise<MongodbServer> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-mongodb-'))
  const port = await freePort()
  const child = run(program(port, folder))
  const stop = async () => {
    await child.stop()
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = Date.now() + START_MS
  while (!(await isListening(port))) {
    if (child.hasEnded() || Date.now() > deadline) {
      await stop()
      throw new Error(`${kind} did not start: ${child.output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return named(kind, `mongodb://127.0.0.1:${port}/?directConnection=true`, stop)
}

function named(kind: string, url: string, stop: () => Promise<void>): MongodbServer {
  const database = (name: string) => {
    const { pathname, ...parts } = partsOf(url)
    return `${parts.origin}/${name}${parts.query}`
  }
  return { kind, url, database, stop }
}

/** Not by URL, which knows of no list of hosts. */
function partsOf(url: string): { origin: string; pathname: string; query: string } {
  const [, origin = url, pathname = '', query = ''] =
    /^(\w[\w+]*:\/\/[^/?]+)(\/[^?]*)?(\?.*)?$/.exec(url) ?? []
  return { origin, pathname, query }
}

/** Makes a replica set of one, and waits until it is its primary. */
async function initiate(url: string): Promise<void> {
  const connection = await createConnection(url, { serverSelectionTimeoutMS: START_MS }).asPromise()
  try {
    const admin = connection.getClient().db('admin')
    await admin.command({ replSetInitiate: {} })
    for (;;) {
      const hello = await admin.command({ hello: 1 })
      if (hello.isWritablePrimary) return
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  } finally {
    await connection.close()
  }
}
