import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repository } from './support/release.js'

/** What channels, stores and hosts are written against. */
const entries = [
  { name: 'core', entry: 'index' },
  { name: 'core', entry: 'testing' },
  { name: 'hub', entry: 'index' },
  { name: 'hub', entry: 'testing' },
]

/** A program is compiled for all, by a compiler that is not the native one. */
const SLOW = 120_000

const typesOf = (name: string, entry: string) =>
  join(repository, 'packages', name, 'dist', entry === 'index' ? 'index.d.ts' : join(entry, 'index.d.ts'))

let folder: string
let compilerState: CompilerState
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'plugboard-api-'))
  compilerState = CompilerState.create(configOf('hub', 'index'), {
    additionalEntryPoints: entries.map(({ name, entry }) => typesOf(name, entry)),
  })
}, SLOW)
afterAll(() => rm(folder, { recursive: true, force: true }))

function configOf(name: string, entry: string): ExtractorConfig {
  const projectFolder = join(repository, 'packages', name)
  const types = typesOf(name, entry)
  const reports = join(folder, name)
  const quiet = { default: { logLevel: ExtractorLogLevel.None } }
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(projectFolder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder,
      newlineKind: 'lf',
      mainEntryPointFilePath: types,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2023',
            lib: ['es2023'],
            module: 'nodenext',
            types: ['node'],
            typeRoots: [join(repository, 'node_modules/@types')],
            strict: true,
            skipLibCheck: true,
          },
          files: [types],
        },
      },
      apiReport: {
        enabled: true,
        reportFileName: `${entry}.api.md`,
        reportFolder: reports,
        reportTempFolder: join(reports, 'temp'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: quiet,
        tsdocMessageReporting: quiet,
      },
    },
  })
}

/** What a package exports, as Markdown. Made of the types that are published, so the package has to be built. */
async function reportOf(name: string, entry: string): Promise<string> {
  const messages: string[] = []
  const { errorCount } = Extractor.invoke(configOf(name, entry), {
    localBuild: true,
    compilerState,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) messages.push(message.text)
      message.handled = true
    },
  })
  expect([errorCount, messages]).toEqual([0, []])
  return readFile(join(folder, name, 'temp', `${entry}.api.md`), 'utf8')
}

test.each(entries)(
  'the API report of $name/$entry is what is built; `pnpm api` writes it',
  {
    timeout: SLOW,
  },
  async ({ name, entry }) => {
    await expect(await reportOf(name, entry)).toMatchFileSnapshot(`../../${name}/api/${entry}.api.md`)
  },
)
