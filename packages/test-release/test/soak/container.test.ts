import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { environment } from '../support/command.js'
import { repository } from '../support/release.js'

/**
 * Builds the image of the `Dockerfile` and runs it, with buildah and as root, since that needs no daemon. The base is
 * `TEST_BASE_IMAGE`, or the default if a registry is reachable, or a Debian of `debootstrap` with the Node.js that runs this.
 */

const has = (command: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`])
    return true
  } catch {
    return false
  }
}
const canBuild = process.getuid?.() === 0 && has('buildah')

const MINUTE = 60_000
const IMAGE = 'localhost/plugboard-under-test'
/** The user of the image. */
const USER = 10_001

const call = promisify(execFile)
const buildah = async (...args: string[]): Promise<string> => {
  const options = { cwd: repository, env: environment, timeout: 20 * MINUTE, maxBuffer: 2 ** 28 }
  return (await call('buildah', ['--storage-driver', 'vfs', ...args], options)).stdout.trim()
}
const build = (...args: string[]) =>
  buildah('bud', '--isolation', 'chroot', '--format', 'docker', '--quiet', ...args)

let folder: string
let volume: string
const running = new Set<ChildProcess>()

async function baseImage(): Promise<string | undefined> {
  const { TEST_BASE_IMAGE } = process.env
  if (TEST_BASE_IMAGE) return TEST_BASE_IMAGE
  const [, standard = ''] =
    /^ARG BASE=(\S+)$/m.exec(await readFile(join(repository, 'Dockerfile'), 'utf8')) ?? []
  const pull = call('buildah', ['--storage-driver', 'vfs', 'pull', '--quiet', standard], {
    timeout: 5 * MINUTE,
  })
  return pull.then(
    () => undefined,
    () => debian(),
  )
}

/** A minimal Debian with the Node.js and the certificates of this machine. */
async function debian(): Promise<string> {
  const root = join(folder, 'base')
  const packages = '--include=ca-certificates,libstdc++6'
  await call('debootstrap', ['--variant=minbase', packages, 'bookworm', root], {
    timeout: 20 * MINUTE,
    maxBuffer: 2 ** 28,
  })
  await cp(process.execPath, join(root, 'usr/local/bin/node'))
  const npm = dirname(await realNpm())
  await mkdir(join(root, 'usr/local/lib/node_modules'), { recursive: true })
  await cp(dirname(npm), join(root, 'usr/local/lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx'])
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name))
  const certs = join(root, 'etc/ssl/certs')
  // Its absolute links lead to files of this machine.
  await rm(certs, { recursive: true, force: true })
  await cp('/etc/ssl/certs', certs, { recursive: true, dereference: true })
  const certificates = process.env.NODE_EXTRA_CA_CERTS
    ? '\nENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt'
    : ''
  const file = join(folder, 'Base.Dockerfile')
  await writeFile(file, `FROM scratch\nCOPY base/ /${certificates}\n`)
  await build('-f', file, '-t', 'localhost/plugboard-test-base', folder)
  return 'localhost/plugboard-test-base'
}

const realNpm = async (): Promise<string> => {
  const { stdout } = await call('sh', ['-c', 'readlink -f "$(command -v npm)"'])
  return stdout.trim()
}

interface Container {
  url: string
  /** SIGTERM to its first process; resolves with the exit code. */
  stop(): Promise<number | null>
  output(): string
}

/** Starts the entry point of the image on the volume. */
async function start(): Promise<Container> {
  const port = await freePort()
  const name = await buildah('from', IMAGE)
  // `buildah run` would keep a volume of its own there, instead of the folder.
  await buildah('config', '--volume', '/data-', name)
  const args = ['--isolation', 'chroot', '--env', `PORT=${port}`, '--volume', `${volume}:/data:rw`]
  const child = spawn(
    'buildah',
    ['--storage-driver', 'vfs', 'run', ...args, name, '--', 'node', '/app/dist/main.js'],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data
    })
  const exited = once(child, 'exit').then(async ([code]) => {
    running.delete(child)
    await buildah('rm', name)
    return code as number | null
  })
  const url = `http://127.0.0.1:${port}`
  await expect
    .poll(
      () =>
        fetch(`${url}/readyz`).then(
          ({ status }) => status,
          () => output,
        ),
      { timeout: 2 * MINUTE, interval: 500 },
    )
    .toBe(200)
  return {
    url,
    output: () => output,
    async stop() {
      process.kill(await programIn(child), 'SIGTERM')
      return exited
    },
  }
}

/** The process of the server below one of buildah. Buildah itself does not pass signals on. */
async function programIn({ pid = 0 }: ChildProcess): Promise<number> {
  const processes = (await readdir('/proc')).map(Number).filter((each) => each > 0)
  const parents = new Map<number, number>()
  for (const each of processes) {
    const status = await readFile(`/proc/${each}/status`, 'utf8').catch(() => '')
    parents.set(each, Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]))
  }
  const isBelow = (each: number | undefined): boolean =>
    each !== undefined && (each === pid || isBelow(parents.get(each)))
  for (const each of processes) {
    const program = await readlink(`/proc/${each}/exe`).catch(() => '')
    if (isBelow(each) && program.endsWith('/node')) return each
  }
  throw new Error('the server is not running')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

describe.skipIf(!canBuild)('the image (needs root and buildah)', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'plugboard-image-'))
    volume = join(folder, 'data')
    await mkdir(volume)
    await chown(volume, USER, USER)
    const base = await baseImage()
    await build(...(base === undefined ? [] : ['--build-arg', `BASE=${base}`]), '-t', IMAGE, repository)
  }, 60 * MINUTE)

  afterAll(async () => {
    for (const child of running) {
      process.kill(await programIn(child), 'SIGKILL')
      await once(child, 'exit')
    }
    await rm(folder, { recursive: true, force: true })
  }, MINUTE)

  test('runs as a user without rights, with one volume, a health check and a stop signal', async () => {
    const { Docker } = JSON.parse(await buildah('inspect', '--type', 'image', IMAGE))
    expect(Docker.config).toMatchObject({
      User: `${USER}:${USER}`,
      Volumes: { '/data': {} },
      WorkingDir: '/data',
      ExposedPorts: { '3100/tcp': {} },
      StopSignal: 'SIGTERM',
      Healthcheck: { Test: ['CMD', 'node', '-e', expect.stringContaining('/healthz')] },
      Entrypoint: ['node', '/app/dist/main.js'],
    })
  })

  test(
    'keeps messages on its volume, and drains at SIGTERM',
    async () => {
      const first = await start()
      const key = (await readFile(join(volume, 'plugboard.db.admin-key'), 'utf8')).trim()
      const post = async (url: string, path: string, body: object, headers: Record<string, string>) => {
        const response = await fetch(`${url}/api/v1${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        })
        expect(response.status, path).toBeLessThan(300)
        return JSON.parse(await response.text())
      }
      const { id, token } = await post(first.url, '/sync', {}, { 'x-bp-messaging-admin-key': key })
      const headers = { 'x-bp-messaging-client-id': id, 'x-bp-messaging-client-token': token }
      const { id: userId } = await post(first.url, '/users', {}, headers)
      const { id: conversationId } = await post(first.url, '/conversations', { userId }, headers)
      const payload = { type: 'text', text: 'hello' }
      const message = await post(first.url, '/messages', { conversationId, payload }, headers)
      expect(await first.stop()).toBe(0)
      expect(first.output()).toMatch(/"msg":"stopped"/)

      const second = await start()
      const read = await fetch(`${second.url}/api/v1/messages/${message.id}`, { headers })
      expect(await read.json()).toMatchObject({ id: message.id, payload })
      expect((await fetch(`${second.url}/openapi.json`)).status).toBe(200)
      expect(await second.stop()).toBe(0)
    },
    10 * MINUTE,
  )
})
