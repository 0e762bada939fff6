import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Subject, type SuiteCase, stagedCase } from '../stage.js'
import { textPart } from './deliver.js'

const CONNECT_MS = 20

/** A channel costs nothing until it is used, and leaves nothing behind. */
export function lifecycleCases<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): SuiteCase[] {
  const { entry, lazy = [], provider } = subject.fixtures
  const test = stagedCase(subject)
  const imported: SuiteCase = {
    name: 'an import alone loads no SDK, opens nothing and lets the process end',
    run: async () => {
      assert(entry)
      const { modules, channels, sockets } = await importAlone(entry)
      assert.equal(channels, 1, 'the default export is not a channel')
      assert.equal(sockets, 0, 'it opened a connection')
      const loaded = lazy.filter((name) => modules.some((url) => url.includes(`/node_modules/${name}/`)))
      assert.deepEqual(loaded, [], 'imported before load')
    },
  }
  return [
    entry ? imported : { ...imported, skip: 'the fixtures name no entry' },
    test('connect is quick, makes no request and starts no timer', ({
      runtime,
      provider: { calls },
      integration,
    }) => {
      const handles = handlesNow()
      const sockets = socketsDuring(() => {
        const times = Array.from({ length: 5 }, () => {
          const started = performance.now()
          const session = runtime.connect(integration.config)
          const took = performance.now() - started
          runtime.disconnect?.(session)
          return took
        })
        assert(Math.min(...times) < CONNECT_MS, `connect takes ${Math.min(...times)} ms`)
      })
      assert.equal(sockets + calls.length, 0, 'it made a request')
      assert.deepEqual(added(handles), [], 'it left something running')
    }),
    test('a session can be dropped and made again', async (stage) => {
      await stage.deliver(textPart(stage, 'before'))
      stage.runtime.disconnect?.(stage.integration.session)
      const integration = stage.connect(stage.integration)
      await stage.deliver(textPart(stage, 'after'), { integration, deliveryId: 'delivery-2' })
      const isOwn = stage.visibleCalls().map((call) => provider.isFrom(call, integration.config))
      assert.deepEqual(isOwn, [true, true])
    }),
    { name: 'nothing stays open once the sessions are dropped', run: () => leavesNothing(subject) },
  ]
}

async function leavesNothing<Config, Session, Options>(
  subject: Subject<Config, Session, Options>,
): Promise<void> {
  const handles = handlesNow()
  await stagedCase(subject)('one delivery', (stage) => stage.deliver(textPart(stage, 'hello'))).run()
  for (let waited = 0; added(handles).length > 0 && waited < 2000; waited += 20) await sleep(20)
  assert.deepEqual(added(handles), [], 'still open')
}

/** What keeps the process alive, by kind. */
const handlesNow = (): string[] => process.getActiveResourcesInfo()

function added(before: readonly string[]): string[] {
  const known = [...before]
  return handlesNow().filter((kind) => {
    const at = known.indexOf(kind)
    if (at >= 0) known.splice(at, 1)
    return at < 0
  })
}

/** How many connections a synchronous piece of work opens. */
function socketsDuring(work: () => void): number {
  let sockets = 0
  const count = (): void => {
    sockets += 1
  }
  subscribe('net.client.socket', count)
  try {
    work()
  } finally {
    unsubscribe('net.client.socket', count)
  }
  return sockets
}

/** Prints the URL of each module that is resolved. */
const HOOKS = `
import { writeSync } from 'node:fs'
export async function resolve(specifier, context, next) {
  const resolved = await next(specifier, context)
  writeSync(1, resolved.url + '\\n')
  return resolved
}`

const SCRIPT = `
import { subscribe } from 'node:diagnostics_channel'
import { register } from 'node:module'
let sockets = 0
subscribe('net.client.socket', () => { sockets += 1 })
process.on('exit', () => console.log('sockets ' + sockets))
register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(HOOKS)}))
const { default: channel } = await import(process.argv[1])
if (Symbol.for('plugboard.channel') in channel) console.log('channel')
`

/** Imports a module in a separate process. @throws if the process does not end */
async function importAlone(entry: URL): Promise<{ modules: string[]; channels: number; sockets: number }> {
  const args = ['--input-type=module', '--eval', SCRIPT, entry.href]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 })
  const lines = stdout.trim().split('\n')
  return {
    modules: lines.filter((line) => line.startsWith('file:')),
    channels: lines.filter((line) => line === 'channel').length,
    sockets: Number(lines.find((line) => line.startsWith('sockets '))?.slice('sockets '.length)),
  }
}
