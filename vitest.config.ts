import { existsSync, statfsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type Reporter, type TestSpecification } from 'vitest/node'

/** `pnpm test:soak`: every test, in its long form. Otherwise the short form, which CI runs for each push. */
const isSoak = process.env.SOAK === 'true'

/**
 * Databases of tests lie in memory, since they would wait for the disk most of the time. In `pnpm test:soak` the embedded
 * store does wait. The server that stands in for MongoDB never does: each of its writes would, which no real one does.
 */
const memory = '/dev/shm'
const GIGABYTE = 2 ** 30
if (existsSync(memory)) {
  const { bavail, bsize } = statfsSync(memory)
  if (bavail * bsize > 2 * GIGABYTE) {
    process.env.TEST_MONGODB_DIR ??= memory
    if (!isSoak) process.env.TMPDIR ??= memory
  }
}

/** Tests in a folder named `soak` take minutes, or need the whole machine. */
const exclude = ['**/node_modules/**', ...(isSoak ? [] : ['**/soak/**'])]

const fileAt = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** How many runs a property makes, and how long something is waited for. */
const setupFiles = [`${isSoak ? 'many' : 'few'}-random-runs`, 'patient-waits'].map((name) =>
  fileAt(`scripts/${name}.mjs`),
)

/** One MongoDB server for all files of a project. */
const mongodb = { globalSetup: [fileAt('packages/test-mongodb/dist/global-setup.js')] }

/** They replace the timers of Node, which the next file in the same process would get. */
const withTimers = ['packages/hub/src/delivery/{simulation,dispatcher}.test.ts']

/** Need more than a process: a database, or to be named in a command. */
const ofTheirOwn = ['store-mongodb', 'test-release']

/** The tests of a package alone are selected by path: `vitest run packages/core`. */
const packages = [
  {
    extends: true as const,
    test: {
      name: 'packages',
      include: ['{packages,examples}/*/{src,test}/**/*.test.ts', '{apps/console,bench}/src/**/*.test.ts'],
      exclude: [...exclude, ...withTimers, `packages/{${ofTheirOwn}}/**`],
      // A worker need not import everything again for each file and each package.
      isolate: false,
    },
  },
  { extends: true as const, test: { name: 'packages, isolated', include: withTimers } },
  ...ofTheirOwn.map((name) => ({
    extends: true as const,
    root: `packages/${name}`,
    test: {
      name: `@plugboard/${name}`,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      isolate: false,
      ...(name === 'store-mongodb' && mongodb),
    },
  })),
]

/** The server's tests by folder of `apps/server/test`. `embedded*` is about the embedded store alone. */
const folders = {
  /** What a store can break although `storeSuite` proves both alike: order and duplicates, after a fault or at once. */
  onBothStores: ['test/stores/**/*.test.ts'],
  onMongodb: ['test/mongodb/**/*.test.ts', 'test/soak/replicas-load.test.ts'],
  /** What no store has a part in. On MongoDB too in {@link isSoak}. */
  onAnyStore: [
    'test/*.test.ts',
    'test/{admin,channels,console,hostile,records,smartify,soak,sockets,sunshine,web,webchat}/**/*.test.ts',
    '!test/soak/replicas-load.test.ts',
    '!test/hostile/neighbours.test.ts',
  ],
  attack: ['test/hostile/neighbours.test.ts'],
}

const server = (name: string, include: readonly string[], options: object = {}) => ({
  extends: true as const,
  root: 'apps/server',
  test: { name: `@plugboard/server${name}`, include: [...include], isolate: false, ...options },
})

const sharedServer = fileAt('apps/server/test/support/shared-server.ts')

const withFile = { globalSetup: [sharedServer] }
const withMongodb = {
  globalSetup: [...mongodb.globalSetup, sharedServer],
  env: { TEST_STORE: 'mongodb' },
  testTimeout: isSoak ? 3_600_000 : 180_000,
  hookTimeout: 60_000,
}

/** After all others, since it measures what another tenant notices. */
const alone = (groupOrder: number) => ({ maxWorkers: 1, sequence: { groupOrder } })

/** CI attacks the embedded store only: SecantusDB, which replaces MongoDB in tests, takes minutes for what is posted. */
const servers = [
  server('', ['src/**/*.test.ts']),
  server(' on a file', [...folders.onAnyStore, ...folders.onBothStores], withFile),
  server(' on MongoDB', [...folders.onBothStores, ...folders.onMongodb], withMongodb),
  server(' under attack', folders.attack, alone(1)),
  ...(isSoak
    ? [
        server(' on MongoDB, the rest', [...folders.onAnyStore, '!test/embedded*'], withMongodb),
        server(' under attack on MongoDB', folders.attack, { ...withMongodb, ...alone(2) }),
      ]
    : []),
]

/** Projects on MongoDB wait most of the time, and each has one SecantusDB, which uses one processor at most. */
const slowProjects = [/store-mongodb$/, /on MongoDB/]
/** Short files of many tests: suites, and pages that are followed. Vitest takes files of a project by their size. */
const slowFiles = /\/(?:channel|channel-suite|mongo-store|pages|sqlite-store)\.test\.ts$/

/** What takes longest begins first: it would leave the other processors idle at the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const names = [...new Set(sorted.map(({ project }) => project.name))]
    const placeOf = (name: string) => {
      const place = slowProjects.findIndex((pattern) => pattern.test(name))
      return place < 0 ? slowProjects.length + names.indexOf(name) : place
    }
    const isSlow = ({ moduleId }: TestSpecification) => Number(slowFiles.test(moduleId))
    // Files of one project stay together, since a worker does not change its project.
    return sorted.sort((a, b) => placeOf(a.project.name) - placeOf(b.project.name) || isSlow(b) - isSlow(a))
  }
}

/** Ends the output with `N passed, N failed`; a file that cannot load and an unhandled error count as failed. */
const summary: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length
    const broken = modules.filter((module) => module.errors().length > 0).length + unhandledErrors.length
    console.log(`${count('passed')} passed, ${count('failed') + broken} failed`)
  },
}

export default defineConfig({
  test: {
    // Imports of another package resolve through its dist, as a user gets it: build before (`pnpm test` does).
    projects: [...packages, ...servers],
    exclude,
    setupFiles,
    sequence: { sequencer: SlowFirst },
    // What is built is plain JavaScript, which Node loads without Vite's part in it.
    server: { deps: { external: [/\/node_modules\//, /\/(?:apps|packages)\/[^/]+\/dist\//] } },
    pool: 'forks',
    // Three more than CI has processors, since many tests wait. With more, some of them wait too long.
    maxWorkers: 5,
    testTimeout: isSoak ? 3_600_000 : 30_000,
    hookTimeout: 30_000,
    // What is waited for comes late on a busy machine, which each look at it makes busier.
    expect: { poll: { timeout: 10_000, interval: 100 } },
    reporters: ['default', summary],
  },
})
