import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createConnection } from 'mongoose'
import { installSecantus } from './install.js'
import { freePort, hasCommand, isListening, type Program, type Running, run } from './process.js'

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
  /** For one test alone, which may make it fail. `MONGODB_URL` is not asked then. Default: false. */
  isOwn?: boolean
  /** Without a replica set, and so without change streams; an own one. Default: false. */
  isStandalone?: boolean
  /** A standalone server that wants the credentials which are in its URL. */
  isGuarded?: boolean
  /** See {@link Program}. Default: 0. */
  niceness?: number
}

type Topology = Required<Omit<StartOptions, 'isOwn'>>

/** Of a server that wants credentials. */
const USER = { name: 'plugboard', password: 'a password, with: all/sorts@of?signs' }

const START_MS = 30_000

/** A server for this run, or why there is none. */
export async function startMongodb(options: StartOptions = {}): Promise<MongodbServer> {
  const { isGuarded = false, isStandalone = isGuarded, isOwn = isStandalone, niceness = 0 } = options
  const given = process.env.MONGODB_URL
  if (given && !isOwn) return named('MONGODB_URL', given, async () => undefined)
  const reasons: string[] = []
  for (const start of [startMongod, startSecantus, startMemoryServer]) {
    try {
      const server = await start({ isStandalone, isGuarded, niceness })
      if (server) return server
    } catch (error) {
      reasons.push(`${start.name.slice('start'.length)}: ${String(error)}`)
    }
  }
  const ways = 'Set MONGODB_URL, or put mongod or python3 on the PATH, or install mongodb-memory-server'
  throw new Error(`there is no MongoDB server for the tests. ${ways}. ${reasons.join('; ')}`)
}

async function startMongod(topology: Topology): Promise<MongodbServer | undefined> {
  const { isStandalone } = topology
  if (!(await hasCommand('mongod', ['--version']))) return undefined
  const set = isStandalone ? [] : ['--replSet', 'tests']
  const options = ['--bind_ip', '127.0.0.1', '--setParameter', 'enableTestCommands=1', ...set]
  const server = await serve('mongod', topology, (port, folder) => ({
    command: 'mongod',
    args: ['--port', `${port}`, '--dbpath', folder, ...options],
  }))
  if (!isStandalone) await initiate(server.url)
  return server
}

/** Its connections wait for one lock: the driver's default of 100 makes each call wait for seconds. */
const SECANTUS_OPTIONS = '&maxPoolSize=16'

async function startSecantus(topology: Topology): Promise<MongodbServer> {
  const { command, args } = await installSecantus()
  const options = ['--enable-test-commands', ...(topology.isStandalone ? ['--standalone'] : [])]
  const program = (port: number, folder: string) => ({
    command,
    args: [...args, '--port', `${port}`, '--storage-path', folder, ...options],
  })
  return serve('SecantusDB', topology, program, SECANTUS_OPTIONS)
}

/** Only where a contributor has installed it: it downloads a server. */
async function startMemoryServer({ isStandalone, isGuarded }: Topology): Promise<MongodbServer> {
  const name = 'mongodb-memory-server'
  if (isGuarded) throw new Error('it is used without credentials here')
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
  { isGuarded, niceness }: Topology,
  program: (port: number, folder: string) => Program,
  options = '',
): Promise<MongodbServer> {
  const folder = await mkdtemp(join(process.env.TEST_MONGODB_DIR ?? tmpdir(), 'plugboard-mongodb-'))
  const port = await freePort()
  const plain = { ...program(port, folder), niceness }
  const url = `mongodb://127.0.0.1:${port}/?directConnection=true${options}`
  let child: Running | undefined
  const stop = async () => {
    await child?.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    child = await listening(kind, port, plain)
    if (!isGuarded) return named(kind, url, stop)
    await createUser(url)
    await child.stop()
    child = await listening(kind, port, { ...plain, args: [...plain.args, '--auth'] })
  } catch (error) {
    await stop()
    throw error
  }
  const credentials = `${USER.name}:${encodeURIComponent(USER.password)}@`
  return named(kind, `${url.replace('//', `//${credentials}`)}&authSource=admin`, stop)
}

async function listening(kind: string, port: number, program: Program): Promise<Running> {
  const child = run(program)
  const deadline = Date.now() + START_MS
  while (!(await isListening(port))) {
    if (child.hasEnded() || Date.now() > deadline) {
      await child.stop()
      throw new Error(`${kind} did not start: ${child.output()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return child
}

async function createUser(url: string): Promise<void> {
  const connection = await createConnection(url, { serverSelectionTimeoutMS: START_MS }).asPromise()
  try {
    const admin = connection.getClient().db('admin')
    await admin.command({ createUser: USER.name, pwd: USER.password, roles: ['root'] })
  } finally {
    await connection.close()
  }
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
