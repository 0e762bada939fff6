import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pnpm, run } from './command.js'

/** The folder of this repository. */
export const repository = fileURLToPath(new URL('../../../../', import.meta.url))

/** What this suite reads of a package.json. */
export interface Manifest {
  name: string
  version: string
  private?: boolean
  license?: string
  type?: string
  description?: string
  keywords?: string[]
  exports?: Record<string, unknown>
  bin?: Record<string, string>
  engines?: Record<string, string>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

/** What would be published now: a copy of the repository in which the pending changesets are applied. */
export interface Release {
  folder: string
  /** Versions of the publishable packages, by name. */
  versions(): Promise<Record<string, string>>
  /** Writes a changeset and applies it, as the release after this one would. */
  bump(changes: Record<string, 'patch' | 'minor' | 'major'>): Promise<void>
  /** Packs all publishable packages. */
  pack(): Promise<Tarball[]>
  remove(): Promise<void>
}

export interface Tarball {
  path: string
  manifest: Manifest
}

/** Copies the repository as it lies here, and applies its changesets. Nothing outside the copy is changed. */
export async function openRelease(): Promise<Release> {
  const folder = await mkdtemp(join(tmpdir(), 'plugboard-release-'))
  const release: Release = {
    folder,
    versions: async () => {
      const packages = await publishable(folder)
      return Object.fromEntries(packages.map(({ manifest: { name, version } }) => [name, version]))
    },
    bump: async (changes) => {
      const lines = Object.entries(changes).map(([name, kind]) => `"${name}": ${kind}`)
      await writeFile(join(folder, '.changeset/test.md'), `---\n${lines.join('\n')}\n---\n\nA change.\n`)
      await version(folder)
    },
    pack: () => pack(folder),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
  try {
    await copyRepository(folder)
    await version(folder)
    return release
  } catch (error) {
    await release.remove()
    throw error
  }
}

const version = (folder: string): Promise<string> =>
  run(folder, process.execPath, ['node_modules/@changesets/cli/bin.js', 'version'])

/** The files that git knows or would take, what is built, and links to what is installed. */
async function copyRepository(folder: string): Promise<void> {
  const listed = await run(repository, 'git', [
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
  ])
  for (const path of listed.split('\0').filter(Boolean)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    // A file that somebody has just removed is listed all the same.
    await cp(join(repository, path), join(folder, path)).catch(ignoreMissing)
  }
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'))
  const packages = await publishable(folder)
  for (const { root } of packages) {
    await cp(join(repository, root, 'dist'), join(folder, root, 'dist'), { recursive: true })
    // Links between our packages stay relative, so that they lead to the copies.
    const installed = join(repository, root, 'node_modules')
    await cp(installed, join(folder, root, 'node_modules'), {
      recursive: true,
      verbatimSymlinks: true,
    }).catch(ignoreMissing)
  }
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

/** Packages that are not private, with their folders. */
export async function publishable(folder: string): Promise<{ root: string; manifest: Manifest }[]> {
  const roots = await Promise.all(
    ['apps', 'packages'].map(async (group) =>
      (await readdir(join(folder, group))).map((name) => join(group, name)),
    ),
  )
  const all = await Promise.all(
    roots.flat().map(async (root) => {
      const manifest: Manifest = JSON.parse(await readFile(join(folder, root, 'package.json'), 'utf8'))
      return { root, manifest }
    }),
  )
  return all.filter(({ manifest }) => !manifest.private)
}

async function pack(folder: string): Promise<Tarball[]> {
  const destination = join(folder, 'tarballs')
  const packages = await publishable(folder)
  const filters = packages.map(({ manifest }) => `--filter=${manifest.name}`)
  await pnpm(folder, ...filters, 'pack', '--pack-destination', destination)
  const paths = (await readdir(destination)).map((name) => join(destination, name))
  return Promise.all(
    paths.map(async (path) => {
      const json = await run(folder, 'tar', ['-xzOf', path, 'package/package.json'])
      return { path, manifest: JSON.parse(json) as Manifest }
    }),
  )
}
