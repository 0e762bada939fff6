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
    return { extends: true as const, root, test: { name, ...(wantsMongodb.has(name) && mongodb) } }
  })

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
    projects,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', summary],
  },
})
