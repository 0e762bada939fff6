import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import type { Tarball } from './release.js'

/** A registry on this machine that has our packages, as if they had been published, and no others. */
export interface Registry {
  url: string
  /** Makes npm look here for our scope; everything else comes from where the machine's configuration says. */
  env: Record<string, string>
  close(): Promise<void>
}

/** Serves tarballs under their names and versions. */
export async function startRegistry(tarballs: readonly Tarball[]): Promise<Registry> {
  const files = new Map(
    await Promise.all(tarballs.map(async ({ path }) => [basename(path), await readFile(path)] as const)),
  )
  const packages = new Map(tarballs.map((tarball) => [tarball.manifest.name, tarball]))
  const server = createServer(({ url = '' }, response) => {
    const path = decodeURIComponent(url.slice(1))
    const file = files.get(path.replace(/^-\//, ''))
    if (file) return void response.end(file)
    const tarball = packages.get(path)
    if (!tarball) return void response.writeHead(404).end('{}')
    const { name, version } = tarball.manifest
    const bytes = files.get(basename(tarball.path)) ?? Buffer.alloc(0)
    const dist = {
      tarball: `${address()}-/${basename(tarball.path)}`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    }
    // Another run may get the same port, and must not find these in npm's cache.
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(
      JSON.stringify({
        name,
        'dist-tags': { latest: version },
        versions: { [version]: { ...tarball.manifest, dist } },
      }),
    )
  })
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: address(),
    env: { 'npm_config_@plugboard:registry': address(), npm_config_prefer_offline: 'true' },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
