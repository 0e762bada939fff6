import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'
import { type MongodbServer, startMongodb } from '@plugboard/test-mongodb'
import { afterAll, beforeAll, inject } from 'vitest'
import { isSoak, startProcess, startServer, type TestServer, type TestServerProcess } from './server.js'

/** What all processes on one database have in common. */
export type Shared = Record<string, string>

type Topology = readonly [name: string, url: () => string]

/** The name of the replica set among {@link topologies}. */
export const NOTIFIED = 'with change streams'

const replicaSet: Topology = [NOTIFIED, () => inject('mongodbUrl') ?? '']

/** For what {@link topologies} proves for all: both in the long form, the replica set for each push. */
export const usualTopologies = (): readonly Topology[] => (isSoak ? topologies() : [replicaSet])

/**
 * What replicas may be on: by name, the URL of a replica set, which notifies them of changes, and of a standalone server,
 * which is started for the tests of this file.
 */
export function topologies(): readonly Topology[] {
  let standalone: MongodbServer
  beforeAll(async () => {
    standalone = await startMongodb({ isStandalone: true })
  })
  afterAll(() => standalone.stop())
  return [replicaSet, ['on a standalone server, by polling', () => standalone.url]]
}

/** A new database at a MongoDB server, as settings. */
export const newDatabase = (mongodbUrl: string): Shared => ({
  DATABASE_URL: mongodbUrl.replace(/\/(\?|$)/, `/replicas-${randomBytes(6).toString('hex')}$1`),
  ENCRYPTION_KEY: randomBytes(32).toString('base64'),
})

/**
 * Starts servers on one database, one after another, as a rollout does. For each push they run in this process, which
 * takes a fifth of the time: they share nothing but the database there either. In the long form each is a process.
 */
export async function startReplicas<Count extends 2 | 3>(
  count: Count,
  env: Shared,
): Promise<Replicas[Count]> {
  const start = isSoak ? startProcess : startServer
  const servers: TestServer[] = []
  for (let i = 0; i < count; i += 1) servers.push(await start({ env }))
  return servers as Replicas[Count]
}

interface Replicas {
  2: [TestServer, TestServer]
  3: [TestServer, TestServer, TestServer]
}

/** As {@link startReplicas}, each a process, which can crash or freeze. */
export async function startReplicaProcesses(count: number, env: Shared): Promise<TestServerProcess[]> {
  const servers: TestServerProcess[] = []
  for (let i = 0; i < count; i += 1) servers.push(await startProcess({ env }))
  return servers
}

/** A way to a server that can be cut. */
export interface Line {
  /** The server's URL, over this line. */
  readonly url: string
  /** Ends all connections, and lets none through until {@link mend}. */
  cut(): void
  mend(): void
  /** What connects from now on gets to another server. */
  turnTo(url: string): void
  close(): Promise<void>
}

/** A line to the server of a URL with one host, of MongoDB or of HTTP. */
export async function lineTo(mongodbUrl: string): Promise<Line> {
  let { hostname, port } = new URL(mongodbUrl)
  const sockets = new Set<Socket>()
  let isCut = false
  const proxy = createServer((inner) => {
    if (isCut) return inner.destroy()
    const outer = connect(Number(port), hostname)
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        inner.destroy()
        outer.destroy()
      })
    }
    inner.pipe(outer).pipe(inner)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = new URL(mongodbUrl)
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
  url.searchParams.set('directConnection', 'true')
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: url.href,
    cut() {
      isCut = true
      drop()
    },
    mend() {
      isCut = false
    },
    turnTo(url) {
      ;({ hostname, port } = new URL(url))
    },
    close: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve())
        drop()
      }),
  }
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
