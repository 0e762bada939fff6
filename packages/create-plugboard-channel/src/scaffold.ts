import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Name and folder of the package. */
export interface ScaffoldOptions {
  /** New, or empty except for `.git`. */
  folder: string
  /** Default: the folder's name, without the prefix `plugboard-channel-`. */
  name?: string | undefined
  /** Name of the npm package. Default: `plugboard-channel-` and the channel's name. */
  packageName?: string | undefined
}

/** The created package. */
export interface Scaffolded {
  folder: string
  name: string
  packageName: string
}

/** An error that the user can fix: a name or a folder. */
export class ScaffoldError extends Error {
  override readonly name = 'ScaffoldError'
}

/** As in core. Not imported, because this package has no dependencies, so that it starts quickly. */
export const namePattern = /^[a-z][a-z0-9-]{1,30}$/

/** Valid npm names for new packages. */
const packagePattern = /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]{0,150}$/

const root = new URL('..', import.meta.url)

/** Files that npm would omit from the package under their real name, or treat as its own. */
const renamed: Record<string, string> = {
  gitignore: '.gitignore',
  'manifest.json': 'package.json',
  'mit.txt': 'LICENSE',
}

/**
 * Copies the template, a working channel, under another name.
 * @throws ScaffoldError if a name is invalid, or the folder is not empty
 */
export async function scaffold(options: ScaffoldOptions): Promise<Scaffolded> {
  const folder = resolve(options.folder)
  const name = options.name ?? basename(folder).replace(/^plugboard-channel-/, '')
  if (!namePattern.test(name))
    throw new ScaffoldError(
      `"${name}" cannot be the name of a channel: 2 to 31 of a-z, 0-9 and -, a letter first; choose one with --name`,
    )
  const packageName = options.packageName ?? `plugboard-channel-${name}`
  if (!packagePattern.test(packageName))
    throw new ScaffoldError(`"${packageName}" cannot be the name of a package; choose one with --package`)
  const inTheWay = (await entriesOf(folder)).filter((entry) => entry !== '.git')
  if (inTheWay.length > 0) throw new ScaffoldError(`${folder} is not empty; choose another folder`)
  await copyTemplate(folder, replacer(name, packageName, await coreRange()))
  return { folder, name, packageName }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    if (code === 'ENOTDIR') throw new ScaffoldError(`${folder} is a file; choose another folder`)
    throw error
  }
}

async function copyTemplate(folder: string, replace: (text: string) => string): Promise<void> {
  const template = fileURLToPath(new URL('template/', root))
  const entries = await readdir(template, { recursive: true, withFileTypes: true })
  for (const entry of entries.filter((each) => each.isFile())) {
    const source = join(entry.parentPath, entry.name)
    const path = source.slice(template.length)
    const target = join(folder, renamed[path] ?? replace(path))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, replace(await readFile(source, 'utf8')), { flag: 'wx' })
  }
}

/** Replaces the names of the template. */
function replacer(name: string, packageName: string, range: string): (text: string) => string {
  const words = name.split('-').filter(Boolean)
  const title = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join(' ')
  const names: Record<string, string> = {
    'plugboard-channel-acme-chat': packageName,
    'acme-chat': name,
    'Acme Chat': title,
    'workspace:^': range,
  }
  const pattern = new RegExp(Object.keys(names).join('|').replaceAll('^', '\\^'), 'g')
  return (text) => text.replace(pattern, (found) => names[found] ?? found)
}

/** The version of core that this release was tested with: publishing replaces `workspace:^` in package.json. */
async function coreRange(): Promise<string> {
  const manifest: { devDependencies: Record<string, string> } = JSON.parse(
    await readFile(new URL('package.json', root), 'utf8'),
  )
  return manifest.devDependencies['@plugboard/core'] ?? '*'
}
