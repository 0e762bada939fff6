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

/** Run by {@link serverOnMongodb} and {@link serverUnderLoad} alone. */
const exclude = ['test/mongodb/**', '**/node_modules/**']

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
    projects: [...projects, serverOnMongodb, serverUnderLoad],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', summary],
  },
})
