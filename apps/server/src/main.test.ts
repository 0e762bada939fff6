import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isPlugboardError } from '@plugboard/core'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { runCommand } from '../test/support/command-line.js'
import { cleanUp, startServer } from '../test/support/server.js'
import { version } from './version.js'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))

let folder: string
let children: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-main-'))
  children = []
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})
afterAll(cleanUp)

interface SpawnOptions {
  nodeOptions?: string[]
  uid?: number
  gid?: number
}

/** The compiled program in a separate folder, without standard input and with only these variables. */
function run(
  args: string[],
  env: Record<string, string> = {},
  { nodeOptions = [], ...user }: SpawnOptions = {},
) {
  const child = spawn(process.execPath, [...nodeOptions, main, ...args], {
    ...{ cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
    ...user,
  })
  children.push(child)
  const output = { out: '', err: '' }
  child.stdout.on('data', (data: Buffer) => {
    output.out += data.toString()
  })
  child.stderr.on('data', (data: Buffer) => {
    output.err += data.toString()
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...output }))
  /** The first group of the pattern, once it matches the output. */
  const says = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(output.out)
      if (found) return found[1] ?? ''
      if (child.exitCode !== null) throw new Error(`it ended: ${output.err}`)
      await Promise.race([once(child.stdout, 'data'), ended])
    }
  }
  return { child, ended, says, listening: () => says(/Plugboard listens on (http:[^\s"]+)/) }
}

describe('plugboard', () => {
  test('starts on an empty folder, and drains and ends with 0 at SIGTERM', async () => {
    const server = run([], { PORT: '0' })
    const url = await server.listening()
    expect(await (await fetch(`${url}/status`)).text()).toBe('OK')
    server.child.kill('SIGTERM')
    const { code, out, err } = await server.ended
    expect([code, err]).toEqual([0, ''])
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toContainEqual(
      expect.objectContaining({
        ...{ level: 30, msg: `Plugboard listens on ${url}` },
        database: join(folder, 'data', 'plugboard.db'),
        adminKeyFile: join(folder, 'data', 'plugboard.db.admin-key'),
      }),
    )
  })

  test('logs its settings at debug only', async () => {
    const logs = async (LOG_LEVEL: string) => {
      const server = await startServer({ env: { LOG_LEVEL } })
      await server.stop()
      return server.output()
    }
    expect(await logs('debug')).toContain('"WEBHOOK_TIMEOUT":"10s"')
    expect(await logs('info')).not.toContain('WEBHOOK_TIMEOUT')
  })

  test('says at any log level where it listens, and takes the same signal twice in a row as one', async () => {
    const server = run(['start'], { PORT: '0', LOG_LEVEL: 'silent' })
    await server.listening()
    server.child.kill('SIGINT')
    server.child.kill('SIGINT')
    const { code, out } = await server.ended
    expect(code).toBe(0)
    expect(out).toMatch(/^[^\n]*Plugboard listens on [^\n]*\n$/)
  })

  /** A request whose body never ends, so that a drain has something to wait for. */
  async function hang(url: string): Promise<void> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => undefined)
    socket.write('POST /api/v1/sync HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n')
    socket.write('content-length: 10\r\n\r\n{')
    await new Promise((resolve) => setTimeout(resolve, 300))
  }

  test('waits for what is under way no longer than the grace period, and says what for', async () => {
    const server = await startServer({ env: { LOG_LEVEL: 'info', SHUTDOWN_GRACE: '700ms' } })
    await hang(server.url)
    await server.stop()
    expect(server.output()).toMatch(
      /"connections":1,"conversations":0,"leftMs":\d+,"msg":"waiting for requests and/,
    )
  })

  test('ends immediately at a second signal', async () => {
    const server = run([], { PORT: '0', SHUTDOWN_GRACE: '1h' })
    await hang(await server.listening())
    server.child.kill('SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    server.child.kill('SIGINT')
    expect((await server.ended).code).toBe(130)
  })

  test('says in one line what is wrong with a setting, and ends with 1', async () => {
    const { code, out, err } = await run([], { PORT: 'hunter2' }).ended
    expect([code, out, err]).toEqual([1, '', 'plugboard: "PORT" must be a whole number from 0 to 65535\n'])
  })

  test('says in one line why it cannot use a channel', async () => {
    const server = startServer({ folder, env: { PLUGBOARD_CHANNELS: 'nothing-here' } })
    await expect(server).rejects.toThrow(/^cannot use the channel package nothing-here: .*$/)
  })

  describe('says in one line what to do, and leaves nothing behind', () => {
    /** Nothing but what `refuse` says differs in the folder from what was there. */
    async function leavingNothing(refuse: () => Promise<string>): Promise<string> {
      const before = await readdir(folder, { recursive: true })
      const said = await refuse()
      expect(await readdir(folder, { recursive: true })).toEqual(before)
      return said
    }

    /** The message of the error that would end the process. */
    const refused = (env: Record<string, string>) =>
      leavingNothing(async () => {
        const error = await startServer({ folder, env }).catch((thrown: unknown) => thrown)
        if (!isPlugboardError(error)) throw error
        expect(error.message).not.toContain('\n')
        return error.message
      })

    test('in a folder that is not writable, and ends', async () => {
      await mkdir(join(folder, 'locked'), { mode: 0o500 })
      // Root may write everywhere.
      const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
      await chmod(folder, 0o755)
      const DATABASE_URL = `file:${join(folder, 'locked', 'plugboard.db')}`
      const said = await leavingNothing(async () => {
        const { code, out, err } = await run([], { PORT: '0', DATABASE_URL }, user).ended
        expect([code, out]).toEqual([1, expect.not.stringContaining('listens')])
        return err
      })
      expect(said).toMatch(
        /^plugboard: [^\n]*locked is not writable for the user \w+; set DATABASE_URL to a path in a folder that this user can write\n$/,
      )
    })

    test('where a file is in the place of a folder, or a folder in the place of the file', async () => {
      await writeFile(join(folder, 'taken'), '')
      await mkdir(join(folder, 'plugboard.db'))
      expect(await refused({ DATABASE_URL: 'file:./taken/data/plugboard.db' })).toContain(
        'taken is a file, not a folder; set DATABASE_URL',
      )
      expect(await refused({ DATABASE_URL: 'file:./plugboard.db' })).toContain('it is a folder, not a file')
      const BLOB_PATH = './taken'
      expect(await refused({ DATABASE_URL: 'file:./new/plugboard.db', BLOB_PATH })).toContain('set BLOB_PATH')
    })

    test.skipIf(process.platform === 'win32')('at a path that can hold no file', async () => {
      await promisify(execFile)('mkfifo', [join(folder, 'pipe')])
      const long = 'x'.repeat(300)
      for (const path of ['/dev/null/plugboard.db', './pipe', `./${long}/plugboard.db`])
        expect(await refused({ DATABASE_URL: `file:${path}` })).toContain('set DATABASE_URL')
    })

    test.skipIf(process.platform !== 'linux')('in a folder of the system', async () => {
      for (const path of ['/proc/plugboard/data/plugboard.db', '/sys/plugboard.db'])
        expect(await refused({ DATABASE_URL: `file:${path}` })).toContain('set DATABASE_URL')
      const BLOB_PATH = '/proc/files'
      expect(await refused({ DATABASE_URL: 'file:./new/plugboard.db', BLOB_PATH })).toContain('set BLOB_PATH')
    })
  })

  test('says in one line that the database is another file, and ends with 1', async () => {
    const data = join(folder, 'plugboard.db')
    await writeFile(data, 'a text that is no database'.repeat(100))
    const ENCRYPTION_KEY = Buffer.alloc(32, 1).toString('base64')
    const { code, err } = await run([], { PORT: '0', DATABASE_URL: `file:${data}`, ENCRYPTION_KEY }).ended
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^plugboard: cannot open [^\n]*not a database[^\n]*\n$/),
    ])
  })

  test('says that Node.js is too old, before it loads anything', async () => {
    const old =
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.1' } })"
    const { code, out, err } = await run([], {}, { nodeOptions: ['--import', `data:text/javascript,${old}`] })
      .ended
    const message = 'plugboard: Node.js 18.20.1 is too old: install Node.js 20.19 or newer\n'
    expect([code, out, err]).toEqual([1, '', message])
  })

  test('says in one line that MongoDB is not reachable, goes on trying, and ends at a signal', async () => {
    const server = run([], {
      ...{
        PORT: '0',
        DATABASE_URL: 'mongodb://sam:hunter2@127.0.0.1:9/plugboard?serverSelectionTimeoutMS=100',
      },
      ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
    })
    const line = await server.says(/^([^\n]*cannot reach the database[^\n]*)$/m)
    expect(JSON.parse(line)).toMatchObject({
      database: 'mongodb://***@127.0.0.1:9/plugboard',
      error: expect.stringContaining('ECONNREFUSED'),
      msg: expect.stringContaining('DATABASE_URL'),
    })
    expect(line).not.toMatch(/hunter2|stack/)
    server.child.kill('SIGTERM')
    expect((await server.ended).code).toBe(143)
  })

  test('changes the key of a database that a server made', async () => {
    const env = { DATABASE_URL: 'file:plugboard.db' }
    // The command reads the key file that the server made.
    const options = { folder, env: { ADMIN_KEY: '' } }
    const server = await startServer(options)
    const refused = await runCommand(['rotate-key'], { folder, env })
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/^plugboard: another process has /),
    ])
    await server.stop()
    const { code, out } = await run(['rotate-key'], env).ended
    expect(code).toBe(0)
    expect(out).toMatch(/^Encrypted the secrets of 0 clients with the new key\.\nThe new key is in /)
    const { url, stop } = await startServer(options)
    const key = await readFile(join(folder, 'plugboard.db.admin-key'), 'utf8')
    const headers = { authorization: `Bearer ${key.trim()}` }
    const log = (await (await fetch(`${url}/admin/v1/audit`, { headers })).json()) as { items: object[] }
    expect(log.items).toMatchObject([
      { action: 'key.rotate', outcome: 'done', actor: { name: 'command line' }, from: 'this machine' },
    ])
    await stop()
  })

  test('shows its help and its version', async () => {
    const { code, out } = await runCommand(['help'], { folder })
    expect(code).toBe(0)
    expect(out).toContain('rotate-key')
    expect(out).toContain('WEBHOOK_RETRY_DELAYS=100ms,')
    expect((await runCommand(['--help'], { folder })).out).toBe(out)
    expect((await run(['version']).ended).out).toBe(`${version}\n`)
  })

  test.each([[['nonsense']], [['start', 'now']], [['--verbose']]])(
    'refuses the arguments %j',
    async (args) => {
      const { code, err } = await runCommand(args, { folder })
      expect(code).toBe(1)
      expect(err).toMatch(/^plugboard: .*; see plugboard help( start)?\n$/)
    },
  )
})
