import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pnpm, run } from '../support/command.js'
import { type Conversation, converse } from '../support/conversation.js'
import { checkShape, findFaults } from '../support/inspect.js'
import { startPeer } from '../support/peers.js'
import { type Registry, startRegistry } from '../support/registry.js'
import { openRelease, publishable, type Release, repository, type Tarball } from '../support/release.js'
import { startInstalled } from '../support/server.js'

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

  test('is what a dry run of the release publishes', { timeout: SLOW }, async () => {
    const filters = names.map((name) => `--filter=${name}`)
    const how = ['--dry-run', '--force', '--no-git-checks', '--report-summary', `--registry=${registry.url}`]
    await pnpm(release.folder, ...filters, 'publish', ...how)
    const summary = await readFile(join(release.folder, 'pnpm-publish-summary.json'), 'utf8')
    const { publishedPackages }: { publishedPackages: { name: string; version: string }[] } =
      JSON.parse(summary)
    const published = publishedPackages.map(({ name, version }) => [name, version])
    const packed = tarballs.map(({ manifest: { name, version } }) => [name, version])
    expect(Object.fromEntries(published)).toEqual(Object.fromEntries(packed))
    expect(packed).toContainEqual(['@plugboard/core', expect.stringMatching(/^\d+\.\d+\.\d+$/)])
  })
})

describe.concurrent('a connector', () => {
  /** What it depends on of us, beside core, its peer. */
  const oursIn = (name: string): string[] => {
    const manifest = tarballs.find((tarball) => tarball.manifest.name === name)?.manifest
    return Object.keys(manifest?.dependencies ?? {}).filter((each) => each.startsWith('@plugboard/'))
  }

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
      ours: [name, '@plugboard/core', ...oursIn(name)].sort(),
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
    const [tarball, project] = await Promise.all([makeChannel(), projectWith('host', '@plugboard/server')])
    await npm(project, 'install', '--engine-strict', tarball)
    const cores = await run(project, 'find', ['node_modules', '-path', '*/@plugboard/core/package.json'])
    expect(cores.trim()).toBe('node_modules/@plugboard/core/package.json')
    const { forged, genuine, asked, answered } = await talkThrough(project)
    expect({ forged, genuine }).toEqual({ forged: 401, genuine: 200 })
    expect(asked.data).toMatchObject({ channel, message: { payload: { text: 'Is a pigeon there?' } } })
    expect(answered).toMatchObject([
      { headers: { authorization: `Bearer ${config.apiToken}` }, body: { chat: 'room-7', text: 'Coo.' } },
    ])
  })

  /** As the guide says, word for word; the registry has nothing else that the first command needs. */
  async function makeChannel(): Promise<string> {
    const words = ['create', 'plugboard-channel@latest', channel]
    await run(outside, 'npm', words, { npm_config_registry: registry.url, npm_config_yes: 'true' })
    const folder = join(outside, channel)
    await npm(folder, 'install')
    expect(await npm(folder, 'test')).toMatch(/Tests.* passed/)
    await npm(folder, 'run', 'build')
    await npm(folder, 'pack')
    return join(folder, `${packageName}-0.0.0.tgz`)
  }

  async function talkThrough(project: string): Promise<Conversation> {
    const [bot, provider] = await Promise.all([startPeer({}), startPeer({ id: 'msg_1' })])
    try {
      const server = await startInstalled(project, {
        PLUGBOARD_CHANNELS: `@plugboard/channel-webhook,${packageName}`,
        PLUGBOARD_CHANNEL_OPTIONS: JSON.stringify({ [channel]: { apiUrl: provider.url } }),
      })
      const parties = { url: server.url, channel, config, bot, provider }
      return await converse(parties, 'Is a pigeon there?', 'Coo.').finally(server.stop)
    } finally {
      await Promise.all([bot.close(), provider.close()])
    }
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

  /** `patch` while core is 0.x: a range such as `^0.1.0` excludes 0.2. */
  test('of new things in core leaves the connectors as they are', { timeout: SLOW }, async () => {
    const isBefore1 = (await release.versions())['@plugboard/core']?.startsWith('0.')
    const kind = isBefore1 ? 'patch' : 'minor'
    const expected = await next('@plugboard/core', kind)
    expect(await bumpedBy({ '@plugboard/core': kind })).toEqual(expected)
  })

  test('of another contract is a major one of all connectors', { timeout: SLOW }, async () => {
    const majors = await Promise.all(['@plugboard/core', ...connectors].map((name) => next(name, 'major')))
    expect(await bumpedBy({ '@plugboard/core': 'major' })).toMatchObject(Object.assign({}, ...majors))
  })
})
