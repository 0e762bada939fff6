import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pnpm, run } from './support/command.js'
import { checkShape, findFaults } from './support/inspect.js'
import { type Peer, personSays, startPeer } from './support/peers.js'
import { type Registry, startRegistry } from './support/registry.js'
import { openRelease, publishable, type Release, repository, type Tarball } from './support/release.js'
import { type InstalledServer, startInstalled } from './support/server.js'

/** Each step may wait for a registry, on a machine that has other things to do. */
const SLOW = 240_000

const names = (await publishable(repository)).map(({ manifest }) => manifest.name)
const connectors = names.filter((name) => name.startsWith('@plugboard/channel-'))

let release: Release
let tarballs: Tarball[]
let registry: Registry
/** Outside the repository, so that nothing of it is found by accident. */
let outside: string

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'plugboard-outside-'))
  release = await openRelease()
  tarballs = await release.pack()
  registry = await startRegistry(tarballs)
}, SLOW)

afterAll(async () => {
  await registry?.close()
  await release?.remove()
  await rm(outside, { recursive: true, force: true })
}, SLOW)

const npm = (cwd: string, ...args: string[]) => run(cwd, 'npm', args, registry.env)

/** An empty project in which packages are installed as a user would. */
async function projectWith(name: string, ...installed: string[]): Promise<string> {
  const project = join(outside, name)
  await mkdir(project)
  await writeFile(join(project, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }))
  // A package that is not for this version of Node, however deep, would be a warning otherwise.
  await npm(project, 'install', '--engine-strict', ...installed)
  return project
}

describe('what is packed', () => {
  test('is each package that is not private', () => {
    expect(tarballs.map(({ manifest }) => manifest.name).sort()).toEqual([...names].sort())
    expect(names).toEqual(expect.arrayContaining(['@plugboard/core', '@plugboard/server', ...connectors]))
    expect(connectors.length).toBeGreaterThanOrEqual(4)
  })

  test.each(names)('%s has all that its users need, and nothing of our tests', async (name) => {
    const tarball = tarballs.find(({ manifest }) => manifest.name === name)
    expect(await checkShape(tarball as Tarball)).toEqual([])
  })

  test.each(names)('%s passes publint and attw', { timeout: SLOW }, async (name) => {
    const tarball = tarballs.find(({ manifest }) => manifest.name === name)
    expect(await findFaults(tarball as Tarball)).toEqual([])
  })

  test('is taken by a dry run of the release', { timeout: SLOW }, async () => {
    const filters = names.map((name) => `--filter=${name}`)
    const config = [`--registry=${registry.url}`, `--config.@plugboard:registry=${registry.url}`]
    await pnpm(release.folder, ...filters, 'publish', '--dry-run', '--no-git-checks', ...config)
  })
})

describe.concurrent('a connector', () => {
  test.each(connectors)('%s can be installed alone', { timeout: SLOW }, async (name) => {
    const project = await projectWith(name.replace('@plugboard/', 'alone-'), name)
    const script = `
      import { readdirSync } from 'node:fs'
      import { isChannel } from '@plugboard/core'
      const { default: channel } = await import('${name}')
      const ours = readdirSync('node_modules/@plugboard').map((each) => '@plugboard/' + each)
      console.log(JSON.stringify({ isChannel: isChannel(channel), name: channel.name, ours }))`
    const said = await run(project, process.execPath, ['--input-type=module', '--eval', script])
    expect(JSON.parse(said)).toEqual({
      isChannel: true,
      name: name.replace('@plugboard/channel-', ''),
      ours: [name, '@plugboard/core'].sort(),
    })
  })
})

describe("a third party's channel", () => {
  const channel = 'acme-pigeons'
  const packageName = `plugboard-channel-${channel}`
  const config = { botId: 'bot_1', apiToken: 'token-of-the-bot', signingSecret: 'secret-of-the-bot' }

  test('is made, tested, built, packed, installed and carries a message both ways', {
    timeout: SLOW,
  }, async () => {
    const folder = await makeChannel()
    await npm(folder, 'install')
    expect(await npm(folder, 'test')).toMatch(/Tests.* passed/)
    await npm(folder, 'run', 'build')
    await npm(folder, 'pack')
    const project = await projectWith('host', '@plugboard/server', join(folder, `${packageName}-0.0.0.tgz`))
    const cores = await run(project, 'find', ['node_modules', '-path', '*/@plugboard/core/package.json'])
    expect(cores.trim()).toBe('node_modules/@plugboard/core/package.json')
    await talkThrough(project)
  })

  /** As the guide says, word for word; the registry has nothing else that the command needs. */
  async function makeChannel(): Promise<string> {
    const words = ['create', 'plugboard-channel@latest', channel]
    await run(outside, 'npm', words, { npm_config_registry: registry.url, npm_config_yes: 'true' })
    return join(outside, channel)
  }

  async function talkThrough(project: string): Promise<void> {
    const bot = await startPeer({})
    const provider = await startPeer({ id: 'msg_1' })
    const channels = `@plugboard/channel-webhook,${packageName}`
    const options = JSON.stringify({ [channel]: { apiUrl: provider.url } })
    const env = { PLUGBOARD_CHANNELS: channels, PLUGBOARD_CHANNEL_OPTIONS: options }
    const server = await startInstalled(project, env)
    try {
      await talk(server, bot, provider)
    } finally {
      const code = await server.stop()
      await Promise.all([bot.close(), provider.close()])
      expect(code).toBe(0)
    }
  }

  async function talk({ url }: InstalledServer, bot: Peer, provider: Peer): Promise<void> {
    const api = async (path: string, body: object, headers: Record<string, string> = {}) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers } }
      const response = await fetch(`${url}/api/v1${path}`, { ...init, body: JSON.stringify(body) })
      expect(response.ok, `${path}: ${response.status}`).toBe(true)
      return (await response.json()) as { id: string; token: string }
    }
    const client = await api('/sync', {
      channels: { [channel]: { version: '1.0.0', ...config } },
      webhooks: [{ url: bot.url }],
    })
    const inbound = `${url}/webhooks/v1/${client.id}/${channel}`
    const forged = await fetch(inbound, personSays('forged', { channel, secret: 'another secret' }))
    expect(forged.status).toBe(401)
    const taken = await fetch(
      inbound,
      personSays('Is a pigeon there?', { channel, secret: config.signingSecret }),
    )
    expect(taken.status).toBe(200)
    const asked = await expect
      .poll(() => heardMessage(bot), { timeout: 30_000 })
      .toBeTruthy()
      .then(() => heardMessage(bot))
    expect(asked).toMatchObject({
      message: { payload: { type: 'text', text: 'Is a pigeon there?' } },
      channel,
    })
    const payload = { type: 'text', text: 'Coo.' }
    const credentials = {
      'x-bp-messaging-client-id': client.id,
      'x-bp-messaging-client-token': client.token,
    }
    await api('/messages', { conversationId: asked?.conversationId, payload }, credentials)
    const sent = () => provider.heard.filter(({ path }) => path === '/v1/messages')
    await expect.poll(sent, { timeout: 30_000 }).toHaveLength(1)
    expect(sent()).toMatchObject([
      { headers: { authorization: `Bearer ${config.apiToken}` }, body: { chat: 'room-7', text: 'Coo.' } },
    ])
  }

  interface Heard {
    conversationId: string
    channel: string
    message: { payload: unknown }
  }

  const heardMessage = ({ heard }: Peer): Heard | undefined => {
    const events = heard.map(({ body }) => body as { type: string; data: Heard })
    return events.find(({ type }) => type === 'message.new')?.data
  }
})

describe('the release after', () => {
  /** The packages that get a new version by a change, with it. */
  async function bumpedBy(changes: Parameters<Release['bump']>[0]): Promise<Record<string, string>> {
    const before = await release.versions()
    await release.bump(changes)
    const after = Object.entries(await release.versions())
    return Object.fromEntries(after.filter(([name, version]) => version !== before[name]))
  }

  /** What a version becomes. */
  async function next(name: string, kind: 'patch' | 'minor' | 'major'): Promise<Record<string, string>> {
    const [major = 0, minor = 0, patch = 0] = ((await release.versions())[name] ?? '').split('.').map(Number)
    const version = {
      patch: [major, minor, patch + 1],
      minor: [major, minor + 1, 0],
      major: [major + 1, 0, 0],
    }
    return { [name]: version[kind].join('.') }
  }

  test.each(connectors)('of a fix of %s is one of that package alone', { timeout: SLOW }, async (name) => {
    const expected = await next(name, 'patch')
    expect(await bumpedBy({ [name]: 'patch' })).toEqual(expected)
    const log = await readFile(
      join(release.folder, 'packages', name.replace('@plugboard/', ''), 'CHANGELOG.md'),
      'utf8',
    )
    expect(log).toContain('A change.')
  })

  test('of new things in core leaves the connectors as they are', { timeout: SLOW }, async () => {
    const expected = await next('@plugboard/core', 'minor')
    expect(await bumpedBy({ '@plugboard/core': 'minor' })).toEqual(expected)
  })

  test('of another contract is a major one of all connectors', { timeout: SLOW }, async () => {
    const majors = await Promise.all(['@plugboard/core', ...connectors].map((name) => next(name, 'major')))
    expect(await bumpedBy({ '@plugboard/core': 'major' })).toMatchObject(Object.assign({}, ...majors))
  })
})
