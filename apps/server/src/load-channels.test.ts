import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadChannels } from './load-channels.js'

let workingFolder: string

beforeEach(async () => {
  workingFolder = await mkdtemp(join(tmpdir(), 'plugboard-channels-'))
})
afterEach(() => rm(workingFolder, { recursive: true }))

/** Installs a package in the working folder. */
async function install(name: string, source: string): Promise<void> {
  const folder = join(workingFolder, 'node_modules', name)
  await mkdir(folder, { recursive: true })
  // Such as npm packages have: for imports only, so that a `require` would not find it.
  const manifest = { name, type: 'module', exports: { import: './index.js' } }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'index.js'), source)
}

/** A channel as another copy of core would declare it. */
const channel = (members: Record<string, string> = {}): string => {
  const all = {
    contract: '1',
    name: '"acme"',
    version: '"1.0.0"',
    config: '{ "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } }',
    secrets: '[]',
    capabilities: '{ content: "any", maxTextLength: 100 }',
    load: 'async () => ({})',
    ...members,
  }
  const body = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return `export default Object.defineProperty({ ${body.join(', ')} }, Symbol.for('plugboard.channel'), { value: '1.0.0' })`
}

const load = (packages: string[], options: Record<string, unknown> = {}) =>
  loadChannels({ packages, options, workingFolder })

const optionsSchema = `{ "~standard": { version: 1, vendor: "test", validate: (value) =>
  typeof value.base === 'string' ? { value: { ...value, checked: true } }
    : { issues: [{ message: 'is required', path: ['base'] }] } } }`

describe('loadChannels', () => {
  test('loads a package that is installed in the working folder, though the server does not have it', async () => {
    await install('@acme/channel', channel())
    const [loaded] = await load(['@acme/channel'])
    expect(loaded?.channel.name).toBe('acme')
  })

  test('loads what came with the server where the working folder has no such package', async () => {
    const [loaded] = await load(['@plugboard/channel-webhook'])
    expect(loaded?.channel.name).toBe('webhook')
  })

  test('loads the package that the working folder is', async () => {
    const manifest = { name: '@acme/own', type: 'module', exports: { import: './index.js' } }
    await writeFile(join(workingFolder, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(workingFolder, 'index.js'), channel())
    const [loaded] = await load(['@acme/own'])
    expect(loaded?.channel.name).toBe('acme')
  })

  test('loads a file by its path from the working folder', async () => {
    await writeFile(join(workingFolder, 'my-channel.mjs'), channel())
    const [loaded] = await load(['./my-channel.mjs'])
    expect(loaded?.channel.name).toBe('acme')
  })

  test('loads nothing when nothing is asked for', async () => {
    expect(await load([])).toEqual([])
  })

  test('gives a channel its options as its schema makes them', async () => {
    await install('acme', channel({ options: optionsSchema }))
    const [loaded] = await load(['acme'], { acme: { base: 'http://127.0.0.1' } })
    expect(loaded?.options).toEqual({ base: 'http://127.0.0.1', checked: true })
  })

  test.each([
    ['throws when it is loaded', 'throw new Error("no such SDK")', /loading it failed \(no such SDK\)/],
    ['needs a package that is missing', 'import "not-there"', /loading it failed .*not-there/],
    [
      'exports nothing',
      'export const channel = {}',
      /default export is not a channel; export the result of defineChannel/,
    ],
    ['exports another object', 'export default { name: "acme" }', /default export is not a channel/],
    [
      'has another contract',
      channel({ contract: '2' }),
      /contract 2, but this server needs 1; install a version/,
    ],
    ['has a name that is not allowed', channel({ name: '"Acme!"' }), /name of its channel is invalid/],
    ['has no load', channel({ load: 'undefined' }), /has an invalid "load"/],
    ['has no config', channel({ config: '{}' }), /has an invalid "config"/],
  ])('stops at a package that %s', async (_, source, message) => {
    await install('acme', source)
    await expect(load(['acme'])).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringMatching(/^cannot use the channel package acme: /),
    })
    await expect(load(['acme'])).rejects.toThrow(message)
  })

  test('says how to install a package that is not there', async () => {
    await expect(load(['@acme/nothing'])).rejects.toThrow(
      `cannot use the channel package @acme/nothing: it is not installed in ${workingFolder}; run \`npm install @acme/nothing\` there`,
    )
  })

  test('refuses what cannot be the name of a package', async () => {
    await expect(load(['@acme'])).rejects.toThrow('correct its name in PLUGBOARD_CHANNELS')
  })

  test('refuses two channels of one name', async () => {
    await install('one', channel())
    await install('two', channel())
    await expect(load(['one', 'two'])).rejects.toThrow(
      'cannot use the channel package two: one has a channel "acme" too',
    )
  })

  test('refuses options that the schema of the channel refuses, without showing them', async () => {
    await install('acme', channel({ options: optionsSchema }))
    const attempt = load(['acme'], { acme: { bass: 'hunter2' } })
    await expect(attempt).rejects.toThrow(
      'its options are invalid ("base": is required); correct "acme" in PLUGBOARD_CHANNEL_OPTIONS',
    )
    await expect(attempt).rejects.not.toThrow('hunter2')
    await expect(load(['acme'])).rejects.toThrow('"base": is required')
  })

  test('refuses options of a channel that takes none, and of one that is not loaded', async () => {
    await install('acme', channel())
    await expect(load(['acme'], { acme: {} })).rejects.toThrow('its channel takes no options')
    await expect(load(['acme'], { acmee: {} })).rejects.toThrow(
      '"PLUGBOARD_CHANNEL_OPTIONS" has options for "acmee", but the channels are acme',
    )
  })
})
