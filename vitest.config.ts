import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { Reporter } from 'vitest/node'

const packageJson = (root: string) => new URL(`${root}/package.json`, import.meta.url)

/** Projects whose tests want a MongoDB server. */
const wantsMongodb = new Set(['@plugboard/store-mongodb'])
const mongodb = {
  globalSetup: fileURLToPath(new URL('packages/test-mongodb/dist/global-setup.js', import.meta.url)),
}

/** Run by {@link serverOnMongodb}, {@link serverUnderLoad} and {@link serverUnderAttack} alone. */
const exclude = ['test/mongodb/**', 'test/hostile/**', '**/node_modules/**']

/** Every package folder is a project named as in its package.json; nothing to edit when one is added. */
const projects = [
  ...['packages', 'apps', 'examples'].flatMap((group) =>
    readdirSync(new URL(group, import.meta.url)).map((name) => `${group}/${name}`),
  ),
  'bench',
]
  .filter((root) => existsSync(packageJson(root)))
  .map((root) => {
    const { name } = JSON.parse(readFileSync(packageJson(root), 'utf8')) as { name: string }
    return { extends: true as const, root, test: { name, ...(wantsMongodb.has(name) && mongodb), exclude } }
  })

/** The server once more on the other store, where its own faults are no part of what is tested. */
const onMongodb = {
  extends: true as const,
  root: 'apps/server',
  test: { env: { TEST_STORE: 'mongodb' }, testTimeout: 180_000, ...mongodb },
}

/** Takes the whole machine, and is in time only when it has it. */
const load = 'test/mongodb/*-load.test.ts'

const serverOnMongodb = {
  ...onMongodb,
  test: {
    ...onMongodb.test,
    name: '@plugboard/server on MongoDB',
    exclude: [
      'src/**',
      'test/fault-*.test.ts',
      'test/embedded*.test.ts',
      'test/channels/**',
      'test/hostile/**',
      load,
      '**/node_modules/**',
    ],
  },
}

/** After all others. */
const serverUnderLoad = {
  ...onMongodb,
  test: {
    ...onMongodb.test,
    name: '@plugboard/server under load on MongoDB',
    // What is included by all projects is added to, so that everything else has to be named.
    exclude: ['src/**', 'test/*.test.ts', 'test/!(mongodb)/**', 'test/mongodb/!(*-load).test.ts'],
    sequence: { groupOrder: 1 },
  },
}

/** Everything that `pnpm test:hostile` sends, on both stores; CI sends a part of it. */
const isWhole = process.env.HOSTILE === 'whole'
const attackName = '@plugboard/server under attack'
const attackExclude = ['src/**', 'test/*.test.ts', 'test/!(hostile)/**', '**/node_modules/**']
/**
 * One after another and after all others, since what another tenant notices is measured. CI attacks the embedded store
 * only: the server that stands in for MongoDB takes minutes for what is posted.
 */
const serverUnderAttack = [
  { extends: true as const, root: 'apps/server', test: { name: attackName, exclude: attackExclude } },
  ...(isWhole
    ? [
        {
          ...onMongodb,
          test: { ...onMongodb.test, name: `${attackName} on MongoDB`, exclude: attackExclude },
        },
      ]
    : []),
].map((project, i) => ({
  ...project,
  test: { ...project.test, maxWorkers: 1, sequence: { groupOrder: 2 + i } },
}))

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
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    projects: [...projects, serverOnMongodb, serverUnderLoad, ...serverUnderAttack],
    provide: { simulationRuns: Number(process.env.SIMULATION_RUNS ?? 150) },
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for comes late on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    reporters: ['default', summary],
  },
})
