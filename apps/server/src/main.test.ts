import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
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

/** The compiled program in a separate folder, without standard input and with only these variables. */
function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
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
  const listening = async (): Promise<string> => {
    for (;;) {
      const [, url] = /^Plugboard listens on (http:\S+)$/m.exec(output.out) ?? []
      if (url !== undefined) return url
      if (child.exitCode !== null) throw new Error(`it ended: ${output.err}`)
      await Promise.race([once(child.stdout, 'data'), ended])
    }
  }
  return { child, ended, listening }
}

describe('plugboard', () => {
  test('starts on an empty folder, and drains and ends with 0 at SIGTERM', async () => {
    const server = run([], { PORT: '0' })
    const url = await server.listening()
    expect(await (await fetch(`${url}/status`)).text()).toBe('OK')
    server.child.kill('SIGTERM')
    const { code, out, err } = await server.ended
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain(`Data is in ${join(folder, 'data', 'plugboard.db')}`)
  })

  test('takes the same signal twice in a row as one', async () => {
    const server = run(['start'], { PORT: '0' })
    await server.listening()
    server.child.kill('SIGINT')
    server.child.kill('SIGINT')
    expect((await server.ended).code).toBe(0)
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

  test('waits for what is under way no longer than the grace period', async () => {
    const server = run([], { PORT: '0', SHUTDOWN_GRACE: '500ms' })
    await hang(await server.listening())
    server.child.kill('SIGTERM')
    expect((await server.ended).code).toBe(0)
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
    const { code, err } = await run([], { PORT: '0', PLUGBOARD_CHANNELS: 'nothing-here' }).ended
    expect(code).toBe(1)
    expect(err).toMatch(/^plugboard: cannot use the channel package nothing-here: .*\n$/)
  })

  test('changes the key of a database that a server made', async () => {
    const server = run([], { PORT: '0' })
    await server.listening()
    const refused = await run(['rotate-key']).ended
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/^plugboard: another process has /),
    ])
    server.child.kill('SIGTERM')
    await server.ended
    const { code, out } = await run(['rotate-key']).ended
    expect(code).toBe(0)
    expect(out).toMatch(/^Encrypted the secrets of 0 clients with the new key\.\nThe new key is in /)
    const again = run([], { PORT: '0' })
    await again.listening()
    again.child.kill('SIGTERM')
    expect((await again.ended).code).toBe(0)
  })

  test('shows its help and its version', async () => {
    const { code, out } = await run(['help']).ended
    expect(code).toBe(0)
    expect(out).toContain('rotate-key')
    expect(out).toContain('WEBHOOK_RETRY_DELAYS=100ms,')
    expect((await run(['--help']).ended).out).toBe(out)
    expect((await run(['version']).ended).out).toBe(`${version}\n`)
  })

  test.each([[['nonsense']], [['start', 'now']], [['--verbose']]])(
    'refuses the arguments %j',
    async (args) => {
      const { code, err } = await run(args).ended
      expect(code).toBe(1)
      expect(err).toMatch(/^plugboard: .*; see plugboard help\n$/)
    },
  )
})
