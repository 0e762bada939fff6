import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const packages = fileURLToPath(new URL('../..', import.meta.url))

/** Our channels, and the template for those of others. */
const channels = [
  ...readdirSync(packages).filter((name) => name.startsWith('channel-')),
  'create-plugboard-channel/template',
]

/** Each exported part of a channel, and the one file that may hold it. `docs/write-a-channel.md` has the same table. */
const homes: Readonly<Record<string, string>> = {
  configSchema: 'config',
  optionsSchema: 'config',
  account: 'config',
  verify: 'verify',
  parse: 'inbound',
  render: 'outbound',
  deliver: 'deliver',
  indicateTyping: 'deliver',
  classify: 'failure',
  openMedia: 'media',
  setup: 'setup',
  check: 'setup',
  provision: 'setup',
  unprovision: 'setup',
  endpointOf: 'endpoint',
  fromMarkdown: 'markdown',
  runtime: 'runtime',
}

/** What every channel has. */
const required = ['config', 'deliver', 'failure', 'inbound', 'index', 'outbound', 'verify']

const namesIn = (folder: string): string[] =>
  readdirSync(`${packages}/${folder}`, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map(({ name }) => name.slice(0, -'.ts'.length))

const isTest = (name: string): boolean => name.endsWith('.test')

function exportsOf(folder: string, name: string): string[] {
  const text = readFileSync(`${packages}/${folder}/${name}.ts`, 'utf8')
  return [...text.matchAll(/^export (?:async function|function|const|class) (\w+)/gm)].map(
    ([, symbol = '']) => symbol,
  )
}

describe.each(channels)('%s', (channel) => {
  const src = `${channel}/src`
  const sources = namesIn(src).filter((name) => !isTest(name))
  const tests = namesIn(src).filter(isTest)
  const exported = sources.flatMap((name) => exportsOf(src, name).map((symbol) => ({ name, symbol })))

  test('has the files of every channel', () => {
    expect(sources).toEqual(expect.arrayContaining(required))
  })

  test('has each part in the file of its name', () => {
    const found = exported.filter(({ symbol }) => Object.hasOwn(homes, symbol))
    // These are apart where they import what the declaration, which imports `setup`, must not.
    const isApart = sources.includes('provisioning')
    const homeOf = (symbol: string) =>
      isApart && ['check', 'provision', 'unprovision'].includes(symbol) ? 'provisioning' : homes[symbol]
    expect(found).toEqual(found.map(({ symbol }) => ({ name: homeOf(symbol), symbol })))
    expect(found.map(({ symbol }) => symbol)).toEqual(
      expect.arrayContaining(['configSchema', 'verify', 'parse', 'render', 'deliver', 'classify']),
    )
  })

  test('makes its sessions in api, or in config where nothing is called through a client', () => {
    const homesOfConnect = exported.filter(({ symbol }) => symbol === 'connect').map(({ name }) => name)
    expect(homesOfConnect).toEqual([sources.includes('api') ? 'api' : 'config'])
  })

  test('has shared limits in limits', () => {
    const limits = exported.filter(({ symbol }) => symbol.startsWith('MAX_'))
    expect(limits.filter(({ name }) => name !== 'limits')).toEqual([])
  })

  test('has a test beside each file that it tests', () => {
    const tested = tests.map((name) => name.replace(/(\.property)?\.test$/, ''))
    expect(tested.filter((name) => name !== 'channel' && !sources.includes(name))).toEqual([])
    expect(tested).toContain('channel')
  })

  test('has recordings in src/fixtures/inbound', () => {
    const folders = readdirSync(`${packages}/${src}/fixtures`, { withFileTypes: true })
    expect(folders.filter((entry) => !entry.isDirectory())).toEqual([])
    expect(folders.map(({ name }) => name)).toContain('inbound')
  })
})

/** Their other side is a program of the client, or the visitors that the server itself takes in. */
const withoutProvider = ['webhook', 'web']

test.each(
  channels
    .filter((name) => name.startsWith('channel-'))
    .map((name) => name.slice('channel-'.length))
    .filter((name) => !withoutProvider.includes(name)),
)('%s has a fake provider and a stage in test', (name) => {
  expect(namesIn(`channel-${name}/test`)).toEqual(expect.arrayContaining([`fake-${name}`, 'stage']))
})
