import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { cleanUp, startProcess, temporaryFolder } from './support/server.js'

afterAll(cleanUp)

/** What every server needs before it can answer. Each further one makes every start slower. */
const NEEDED = ['@fastify/cors', 'fastify', 'ipaddr.js', 'lru-cache', 'pino', 'prom-client', 'zod']

/** Those of the server and of all packages, with a little room: each takes half a millisecond. */
const MOST_FILES = 735

test('a start loads what every server needs, and of a channel no more than its declaration', async () => {
  const folder = await temporaryFolder()
  // Node writes there what it loaded.
  const server = await startProcess({ env: { NODE_V8_COVERAGE: folder } })
  await server.stop()
  const reports = await Promise.all(
    (await readdir(folder))
      .filter((name) => name.startsWith('coverage-'))
      .map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8')) as Report),
  )
  const urls = reports.flatMap(({ result }) => result.map(({ url }) => url))
  expect(urls.filter((url) => url.endsWith('/apps/server/dist/start.js'))).not.toEqual([])
  const { dependencies } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { dependencies: Record<string, string> }
  const packages = new Set(urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]))
  const loaded = Object.keys(dependencies).filter((name) => packages.has(name))
  expect(loaded.sort()).toEqual(NEEDED)
  expect(urls.filter((url) => /\/apps\/server\/dist\/(?:admin-api|web)\/(?:index|routes)/.test(url))).toEqual(
    [],
  )
  // Each costs half a millisecond of processor time.
  expect(new Set(urls.filter((url) => url.startsWith('file:'))).size).toBeLessThanOrEqual(MOST_FILES)
  expect(
    urls.filter((url) => /\/channel-[\w-]+\/dist\/(?:runtime|setup|inbound|outbound)\.js$/.test(url)),
  ).toEqual([])
})

interface Report {
  result: { url: string }[]
}
