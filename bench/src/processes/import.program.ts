/**
 * Loads channels as a start of the server does, and prints what that took: those after `--` are there before. Needs
 * `--expose-gc`.
 */
import { tmpdir } from 'node:os'
import type { Imported } from './import-into.js'

const server = new URL('../../../apps/server/dist/', import.meta.url)
const { preload } = await import(new URL('preload.js', server).href)
// What a server has loaded when it loads its channels.
preload('./start.js')
const { loadChannels } = await import(new URL('load-channels.js', server).href)
const load = (packages: readonly string[]): Promise<unknown> =>
  loadChannels({ packages, options: {}, workingFolder: tmpdir() })

const names = process.argv.slice(2)
const end = names.indexOf('--')
await load(names.slice(end + 1))

const heapBytes = (): number => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

const before = heapBytes()
const begin = performance.now()
const loaded = await load(names.slice(0, end))
const ms = performance.now() - begin
const result: Imported = { ms, heapBytes: heapBytes() - before }
// Used after the measurement, so that it is still there then.
console.log(loaded && JSON.stringify(result))
