import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { channelNamePattern } from '@plugboard/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { namePattern, scaffold } from './scaffold.js'

const template = fileURLToPath(new URL('../template/', import.meta.url))

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'create-plugboard-channel-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** All paths of a folder, in order. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length).replace(/^\//, ''))
    .sort()
}

describe('a new channel', () => {
  test('has all files of the template, with its own name in texts and file names', async () => {
    const folder = join(await temporaryFolder(), 'deep', 'pigeon-post')
    expect(await scaffold({ folder })).toEqual({
      folder,
      name: 'pigeon-post',
      packageName: 'plugboard-channel-pigeon-post',
    })
    const files = await filesIn(folder)
    const names: Record<string, string> = {
      gitignore: '.gitignore',
      'manifest.json': 'package.json',
      'mit.txt': 'LICENSE',
    }
    const expected = (await filesIn(template))
      .map((file) => names[file] ?? file.replace('acme-chat', 'pigeon-post'))
      .sort()
    expect(files).toEqual(expected)
    const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
    for (const text of texts) expect(text).not.toMatch(/acme[- ]chat/i)
    expect(texts.join('\n')).toContain("name: 'pigeon-post'")
    expect(texts.join('\n')).toContain('Pigeon Post as a channel of Plugboard.')
  })

  test('is named by --name and --package where the folder does not say it', async () => {
    const folder = join(await temporaryFolder(), 'Code')
    await scaffold({ folder, name: 'pigeon', packageName: '@acme/pigeon' })
    const { name, description } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    expect({ name, description }).toEqual({
      name: '@acme/pigeon',
      description: 'Pigeon as a channel of Plugboard.',
    })
  })

  test('is not named twice when the folder is named as the package', async () => {
    const folder = join(await temporaryFolder(), 'plugboard-channel-pigeon')
    expect(await scaffold({ folder })).toMatchObject({
      name: 'pigeon',
      packageName: 'plugboard-channel-pigeon',
    })
  })

  test('goes into an empty folder, and beside .git', async () => {
    const folder = join(await temporaryFolder(), 'pigeon')
    await mkdir(join(folder, '.git'), { recursive: true })
    await scaffold({ folder })
    expect(await readdir(folder)).toContain('package.json')
  })
})

describe('nothing is written', () => {
  test('over what is there', async () => {
    const folder = join(await temporaryFolder(), 'pigeon')
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), 'mine')
    await expect(scaffold({ folder })).rejects.toThrow('is not empty')
    expect(await readdir(folder)).toEqual(['package.json'])
    expect(await readFile(join(folder, 'package.json'), 'utf8')).toBe('mine')
    await expect(scaffold({ folder: join(folder, 'package.json'), name: 'pigeon' })).rejects.toThrow(
      'is a file',
    )
  })

  test.each(['P', 'pigeon_post', '1pigeon', 'Pigeon', 'p'.repeat(32), 'größe', '.', ''])(
    'for the name "%s"',
    async (name) => {
      const folder = join(await temporaryFolder(), 'new')
      await expect(scaffold({ folder, name })).rejects.toThrow('cannot be the name of a channel')
      expect(existsSync(folder)).toBe(false)
    },
  )

  test.each(['Pigeon', '../pigeon', '@acme', 'a b', ''])('for the package "%s"', async (packageName) => {
    const folder = join(await temporaryFolder(), 'pigeon')
    await expect(scaffold({ folder, packageName })).rejects.toThrow('cannot be the name of a package')
    expect(existsSync(folder)).toBe(false)
  })
})

test('a name is what the server takes', () => {
  expect(namePattern).toEqual(channelNamePattern)
})

test('the template asks for the versions that we use', async () => {
  const read = async (path: string) => JSON.parse(await readFile(new URL(path, import.meta.url), 'utf8'))
  const { devDependencies: ours } = await read('../../../package.json')
  const { dependencies: ofCore } = await read('../../core/package.json')
  const { dependencies, devDependencies } = await read('../template/manifest.json')
  expect({ ...dependencies, ...devDependencies }).toEqual({
    zod: ofCore.zod,
    '@plugboard/core': 'workspace:^',
    '@types/node': `^${ours['@types/node']}`,
    typescript: `^${ours.typescript}`,
    vitest: `^${ours.vitest}`,
  })
})

describe('the command', () => {
  const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  const run = (cwd: string, ...args: string[]) =>
    promisify(execFile)(process.execPath, [main, ...args], { cwd })

  test('says what it made and what to do next', async () => {
    const cwd = await temporaryFolder()
    const { stdout } = await run(cwd, 'pigeon')
    expect(stdout).toContain('Made the channel pigeon in ')
    expect(stdout).toContain('cd pigeon\n  npm install\n  npm test')
    expect(existsSync(join(cwd, 'pigeon', '.gitignore'))).toBe(true)
  })

  test.each([
    [[], 'which folder?'],
    [['a', 'b'], 'one folder at a time'],
    [['pigeon', '--nmae', 'x'], "Unknown option '--nmae'"],
    [['Pigeon'], 'cannot be the name of a channel'],
  ])('with %j fails with the reason and no stack', async (args, reason) => {
    const failed = await run(await temporaryFolder(), ...args).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(reason) })
    expect(failed).not.toMatchObject({ stderr: expect.stringContaining('    at ') })
  })

  test('helps', async () => {
    const { stdout } = await run(await temporaryFolder(), '--help')
    expect(stdout).toContain('npm create plugboard-channel@latest')
  })
})
