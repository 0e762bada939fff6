import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { run } from './command.js'
import type { Manifest, Tarball } from './release.js'

/** Resolutions of those who cannot import ESM: the old one of TypeScript, and `require`. */
const notForEsm = ['node10', 'node16-cjs']

/** What publint and attw say against a package, for those who import it. */
export async function findFaults({ path, manifest }: Tarball): Promise<string[]> {
  const bytes = Uint8Array.from(await readFile(path))
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true })
  const faults = messages.map((message) => formatMessage(message, pkg, { color: false }) ?? message.code)
  // A package that is only a command has no types that could be wrong.
  if (!manifest.exports) return faults
  const analysis = await checkPackage(createPackageFromTarballData(bytes))
  if (!analysis.types) return [...faults, 'attw: no types']
  const problems = analysis.problems.filter(
    (problem) => !('resolutionKind' in problem && notForEsm.includes(problem.resolutionKind)),
  )
  return [...faults, ...problems.map((problem) => `attw: ${JSON.stringify(problem)}`)]
}

/** Files that are of no use to those who install a package. */
const unwanted =
  /\.test\.|\.tsbuildinfo$|(^|\/)(node_modules|\.turbo|src\/.*\.test)|(^|\/)(tsconfig.*|\.env.*)$/

/** Compares a package with what a package of ours has to be. Gives what is wrong, in words. */
export async function checkShape({ path, manifest }: Tarball): Promise<string[]> {
  const listed = await run(dirname(path), 'tar', ['-tzf', path])
  const files = listed
    .split('\n')
    .filter(Boolean)
    .map((file) => file.replace(/^package\//, ''))
  const own = files.filter((file) => !file.startsWith('template/'))
  const rules: Record<string, boolean> = {
    'no licence file': files.includes('LICENSE'),
    'no MIT in the manifest': manifest.license === 'MIT',
    'no README': files.includes('README.md'),
    'no description': Boolean(manifest.description),
    'no keyword to find it by': manifest.keywords?.includes('plugboard') ?? false,
    'not ESM': manifest.type === 'module',
    'no oldest Node': manifest.engines?.node !== undefined,
    private: manifest.private === undefined,
    'neither exports nor a command': Boolean(manifest.exports ?? manifest.bin),
  }
  return [
    ...Object.keys(rules).filter((fault) => !rules[fault]),
    ...own.filter((file) => unwanted.test(file)).map((file) => `${file} is of no use`),
    ...targetsOf(manifest)
      .filter((file) => !files.includes(file))
      .map((file) => `${file} is missing`),
    ...rangesOf(manifest)
      .filter(([, range]) => /^(workspace|link|file|catalog):|^\*$/.test(range))
      .map(([name, range]) => `${name} is ${range}`),
    ...coreFaults(manifest),
  ]
}

/** Files that the manifest points at. */
function targetsOf({ exports = {}, bin = {} }: Manifest): string[] {
  const inside = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(inside)
  return [...inside(exports), ...inside(bin)].map((file) => join(file))
}

const rangesOf = ({ dependencies, peerDependencies, devDependencies }: Manifest) =>
  Object.entries({ ...dependencies, ...peerDependencies, ...devDependencies })

/** Two cores in one process would be two contracts: only the server brings one, for all. */
function coreFaults({ name, dependencies = {}, peerDependencies = {} }: Manifest): string[] {
  const isHost = name === '@plugboard/server'
  const isUser = /^@plugboard\/(channel-|store-|hub$)/.test(name)
  const faults: string[] = []
  if (!isHost && '@plugboard/core' in dependencies) faults.push('core is no peer')
  if (isUser && !/^\^\d+\.\d+\.\d+$/.test(peerDependencies['@plugboard/core'] ?? ''))
    faults.push(`core is a peer in the range ${peerDependencies['@plugboard/core']}`)
  return faults
}
